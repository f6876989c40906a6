// The server sends times in UTC; they are shown in the reader's time zone. The tooltip shows UTC, with the fraction.
(() => {
    // Swedish writes years, months and days as ISO 8601 does.
    const format = new Intl.DateTimeFormat("sv-SE", {
        year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
        timeZoneName: "short",
    });
    if (/^(UTC|Etc\/UTC|GMT)$/.test(format.resolvedOptions().timeZone)) return;
    const show = (root) => {
        for (const time of root.querySelectorAll("time.psd-time:not([data-local])")) {
            time.dataset.local = "";
            time.textContent = format.format(new Date(time.dateTime));
        }
    };
    document.addEventListener("DOMContentLoaded", () => {
        show(document);
        // Pages that refresh themselves bring new ones.
        new MutationObserver(() => show(document)).observe(document.body, { childList: true, subtree: true });
    });
})();
