"""Looking at a page as it is shown: at both widths, in both themes, without loading it again."""

from importlib.util import find_spec
from pathlib import Path

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
_AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
_SCRIPTS = ";".join(path.read_text(encoding="utf-8") for path in (_AXE, Path(__file__).with_name("look.js")))
# Sending a page 560 kB takes 40 ms; its tab keeps them for the next page.
KEPT = "psdLookScripts"
_RUN_KEPT = f"""() => {{
    if (!window.psdLook && sessionStorage.{KEPT}) (0, eval)(sessionStorage.{KEPT});
    return Boolean(window.psdLook);
}}"""
_KEEP_AND_RUN = f"scripts => {{ sessionStorage.{KEPT} = scripts; (0, eval)(scripts); }}"
_WRONG = ("serious", "critical")
_learned: set[str] = set()  # how texts look whose contrast axe-core has passed, on any page of this run


def look(page, *, sidebar: bool = False) -> list[str]:
    """Return what is wrong, a line each: what axe-core reports, and what is wider than the screen.

    The page is then as it was. `sidebar`: include it; it is the same everywhere, so one page's test does.
    """
    size = page.viewport_size
    was_dark = page.evaluate("document.documentElement.classList.contains('dark')")
    if not page.evaluate(_RUN_KEPT):
        page.evaluate(_KEEP_AND_RUN, _SCRIPTS)
    page.evaluate("keys => psdLook.knows(keys)", list(_learned))
    found = []
    for name, dark in _views(size, was_dark):
        width, height = SIZES[name]
        if page.viewport_size != {"width": width, "height": height}:
            page.set_viewport_size({"width": width, "height": height})
        view = f"{name}, {'dark' if dark else 'light'}"
        found += [f"{view}: {line}" for line in _wrong(page, dark, sidebar)]
    page.set_viewport_size(size)
    return found


def _views(size: dict, dark: bool) -> list[tuple[str, bool]]:
    """(width's name, dark) of the four views, the present one first, the last one in the present theme."""
    first, second = sorted(SIZES, key=lambda name: SIZES[name][0] != size["width"])
    return [(first, dark), (first, not dark), (second, not dark), (second, dark)]


def _wrong(page, dark: bool, sidebar: bool) -> list[str]:
    seen = page.evaluate("([dark, sidebar]) => psdLook.at(dark, sidebar)", [dark, sidebar])
    _learned.update(seen["learned"])
    lines = [f"{seen['wide']} pixels wider than the screen"] if seen["wide"] > 0 else []
    for rule, impact, nodes in seen["wrong"]:
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
