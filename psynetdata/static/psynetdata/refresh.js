// Keeps a part of the page fresh: asks for it anew every so many seconds while somebody looks, and leaves the
// keyboard where it was and open what was open.
(() => {
    const named = (box, selector) => [...box.querySelectorAll(selector)];
    const keep = (box) => ({
        focused: box.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null,
        open: named(box, "details[open] > summary").map((summary) => summary.textContent),
    });
    const bring = (box, kept) => {
        for (const summary of named(box, "details > summary"))
            if (kept.open.includes(summary.textContent)) summary.parentElement.open = true;
        if (kept.focused !== null) named(box, "a").find((link) => link.getAttribute("href") === kept.focused)?.focus();
    };
    const watch = (box) => {
        const wait = 1000 * Number(box.dataset.refreshSeconds);
        const ask = async () => {
            try {
                if (!document.hidden) {
                    const answer = await fetch(box.dataset.refreshUrl);
                    if (answer.redirected) return location.reload();
                    if (answer.ok) {
                        const kept = keep(box);
                        box.innerHTML = await answer.text();
                        bring(box, kept);
                        box.dispatchEvent(new CustomEvent("psd:refreshed", { bubbles: true }));
                    }
                }
            } catch {
                // The server is away for a moment: asked again after the same wait.
            }
            setTimeout(ask, wait);
        };
        setTimeout(ask, wait);
    };
    document.addEventListener("DOMContentLoaded", () => named(document, "[data-refresh-url]").forEach(watch));
})();
