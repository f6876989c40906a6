// unfold made some parts for a mouse only (its sidebar's and account's buttons, its filters). This makes them work with
// the keyboard too, and gives them names for screen readers.
(() => {
    const NAMES = { sidebarMobileOpen: "Menu", sidebarDesktopOpen: "Menu", showActions: "Actions", filterOpen: "Filters" };
    const BY_MOUSE = "[x-on\\:click]:is(span, div, a:not([href])):not([id$=-close])";
    const dress = (one) => {
        const name = Object.keys(NAMES).find((name) => one.getAttribute("x-on:click").includes(name));
        if (name) one.setAttribute("aria-label", NAMES[name]);
        if (!one.matches(BY_MOUSE)) return;
        one.setAttribute("role", "button");
        one.tabIndex = 0;
    };
    document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(`a[x-on\\:click], ${BY_MOUSE}`).forEach(dress));
    document.addEventListener("keydown", (event) => {
        if (!["Enter", " "].includes(event.key) || !event.target.matches?.(BY_MOUSE)) return;
        event.preventDefault();
        event.target.click();
    });
})();
