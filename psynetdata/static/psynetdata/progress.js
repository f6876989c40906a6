// Asks once a second how far a job is, and reloads the page when its state changes.
(() => {
    const watch = (box) => {
        const part = (name) => box.querySelector(`[data-progress="${name}"]`);
        const show = (job) => {
            part("phase").textContent = job.phase;
            part("counted").textContent = job.counted;
            const bar = part("bar");
            if (job.percent === null) bar.removeAttribute("value");
            else bar.value = job.percent;
        };
        const ask = async () => {
            try {
                const answer = await fetch(box.dataset.progressUrl, { headers: { Accept: "application/json" } });
                if (answer.ok && !answer.redirected) {
                    const job = await answer.json();
                    if (job.over || job.state !== box.dataset.state) return location.reload();
                    show(job);
                }
            } catch {
                // The server does not answer at the moment: ask again in a second.
            }
            setTimeout(ask, 1000);
        };
        setTimeout(ask, 1000);
    };
    document.addEventListener("DOMContentLoaded", () => {
        for (const box of document.querySelectorAll("[data-progress-url]")) if (box.dataset.progressUrl) watch(box);
    });
})();
