"""Looking at a page as it stands: at both widths, in both themes, without loading it anew."""

from importlib.util import find_spec
from pathlib import Path

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
_AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text(encoding="utf-8")
_WRONG = ("serious", "critical")
# The sidebar is the same everywhere: the first page's own look does not leave it out.
_WITHOUT_SIDEBAR = {"exclude": [["#nav-sidebar-inner"]]}
_OPTIONS = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]}}
_COLOURS = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
# As unfold's own switch does it; colours that are on their way would be none of the theme's.
_THEME = """dark => {
    document.documentElement.classList.toggle("dark", dark);
    if (!document.getElementById("still")) {
        const still = document.createElement("style");
        still.id = "still";
        still.textContent = "*, *::before, *::after { transition: none !important; animation: none !important; }";
        document.head.append(still);
    }
}"""
_AXE_RUN = """async ([context, options]) => {
    const found = await axe.run(context || document, options);
    const shown = node => node.html.slice(0, 160);
    return found.violations.map(one => [one.id, one.impact, one.nodes.slice(0, 3).map(shown)]);
}"""


def too_wide(page) -> int:
    """Pixels that the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def look(page, *, sidebar: bool = False) -> list[str]:
    """What is wrong, a line each: by axe-core, and what is wider than the screen. The page then stands as before."""
    size, was_dark = page.viewport_size, page.evaluate("document.documentElement.classList.contains('dark')")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_AXE)
    found = []
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.evaluate(_THEME, theme == "dark")
            found += [f"{name}, {theme}: {line}" for line in _wrong(page, theme, sidebar)]
    page.evaluate(_THEME, was_dark)
    page.set_viewport_size(size)
    return found


def _wrong(page, theme: str, sidebar: bool) -> list[str]:
    """Of a theme only the colours are its own."""
    wide = too_wide(page)
    lines = [f"{wide} pixels wider than the screen"] if wide > 0 else []
    options = _OPTIONS if theme == "light" else _COLOURS
    for rule, impact, nodes in page.evaluate(_AXE_RUN, [None if sidebar else _WITHOUT_SIDEBAR, options]):
        lines += [f"{rule}: {node}" for node in nodes if impact in _WRONG]
    return lines


def focus_is_seen(page) -> bool:
    """Whether what has the focus, or the box around it, looks as if it had: an outline, a ring, another colour."""
    return page.evaluate(
        """() => {
            const one = document.activeElement, boxes = [one, one.parentElement, one.parentElement.parentElement];
            const look = () => boxes.map((box) => {
                const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } =
                    getComputedStyle(box);
                const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
                return [outlined && outlineColor, boxShadow, borderColor, backgroundColor].join();
            }).join();
            const focused = look();
            one.blur();
            const plain = look();
            one.focus({ focusVisible: true });
            return focused !== plain;
        }"""
    )
