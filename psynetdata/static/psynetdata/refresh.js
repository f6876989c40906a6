// Refreshes a part of the page at an interval while the page is visible. The keyboard's focus stays where it was, and
// parts that were open stay open.
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
                // The server does not answer at the moment: ask again after the same wait.
            }
            setTimeout(ask, wait);
        };
        setTimeout(ask, wait);
    };
    document.addEventListener("DOMContentLoaded", () => named(document, "[data-refresh-url]").forEach(watch));
})();
