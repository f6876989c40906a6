// Content that takes long to compute is loaded once, when somebody opens it. Until then, and without scripts, it is a
// link.
(() => {
    const load = async (box) => {
        const place = box.querySelector("summary + *");
        const link = place.innerHTML;
        place.textContent = "…";
        try {
            const answer = await fetch(box.dataset.unfoldUrl);
            if (answer.redirected) return location.reload();
            if (!answer.ok) throw new Error(answer.status);
            place.innerHTML = await answer.text();
        } catch {
            place.innerHTML = link;
            box.dataset.unfoldUrl && box.addEventListener("toggle", again, { once: true });
        }
    };
    const again = (event) => {
        if (event.target.open) load(event.target);
        else event.target.addEventListener("toggle", again, { once: true });
    };
    document.addEventListener("DOMContentLoaded", () => {
        for (const box of document.querySelectorAll("[data-unfold-url]"))
            box.addEventListener("toggle", again, { once: true });
    });
})();
