"""A person at the desk: what they press, what went wrong meanwhile, and what their browser asked the site for."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

from django.urls import Resolver404, resolve

from .page_checks import SIZES, focus_is_seen, look
from .site import Site

_MOST_TABS, _AT_ONCE = 400, 8
# What ends when one goes on to another page: a poll, a sound, a download that is no page.
_BROKEN_OFF = "net::ERR_ABORTED"


@dataclass(frozen=True)
class Variant:
    size: str = "desktop"
    dark: bool = False
    keys: bool = False  # everything is pressed with the keyboard

    def __str__(self):
        return f"{self.size}-{'dark' if self.dark else 'light'}-{'keys' if self.keys else 'mouse'}"


# Each action is pressed in one of them, in turn.
VARIANTS = (
    Variant("desktop", keys=True),
    Variant("phone", dark=True),
    Variant("phone", keys=True),
    Variant("desktop", dark=True),
)
DESKTOP, PHONE = Variant("desktop"), Variant("phone")


@dataclass
class Visit:
    """A signed-in page. `asked`: `GET name` and `POST name` of the site's addresses that it asked for, and of a POST
    `POST name action=…` and `POST name verb=…` too. `apart`: it signed in as somebody else."""

    page: object
    site: Site
    variant: Variant
    wrong: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    apart: bool = False

    @contextmanager
    def listening(self):
        """Note what the page asks for and what goes wrong; the page is used by other visits before and after."""
        page = self.page
        handlers = [
            (page, "console", lambda line: line.type in ("error", "warning") and self.wrong.append(line.text)),
            (page, "pageerror", lambda error: self.wrong.append(str(error))),
            (page, "response", lambda got: got.status >= 400 and self.wrong.append(f"{got.status} of {got.url}")),
            (page, "requestfailed", self._failed),
            (page.context, "request", self._requested),
        ]
        for source, event, handler in handlers:
            source.on(event, handler)
        try:
            yield
        finally:
            for source, event, handler in handlers:
                source.remove_listener(event, handler)

    def _failed(self, request) -> None:
        if request.failure != _BROKEN_OFF:
            self.wrong.append(f"{request.failure} of {request.url}")

    def _requested(self, request) -> None:
        if not request.url.startswith((self.site.address, "data:", "blob:")):
            self.wrong.append(f"asked for {request.url}")
        name = _name_of(urlsplit(request.url).path)
        if name is None:
            return
        self.asked.add(f"{request.method} {name}")
        if request.method == "POST":
            self.asked |= {f"POST {name} {each}" for each in _verbs(request.post_data_buffer or b"")}

    @property
    def on_phone(self) -> bool:
        return self.variant.size == "phone"

    # --- going and pressing ----------------------------------------------------------------
    def open(self, path: str) -> None:
        answer = self.page.goto(self.site.address + path)
        assert answer.status == 200, f"{path}: {answer.status}"

    def press(self, target, *, key: str = "Enter") -> None:
        """A selector or a locator: a click, or Tab until it has the focus, and the key."""
        found = self._found(target)
        if not self.variant.keys:
            found.click()
            return
        self.tab_to(found)
        self.page.keyboard.press(key)

    def tick(self, target) -> None:
        self.press(target, key="Space")

    def fill(self, target, text: str) -> None:
        found = self._found(target)
        if self.variant.keys:
            self.tab_to(found)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            found.fill(text)

    def choose(self, target, value: str) -> None:
        found = self._found(target)
        if self.variant.keys:
            self.tab_to(found)
        found.select_option(value)

    def tab_to(self, found) -> None:
        """Tab until it has the focus, which must be seen."""
        found.wait_for(state="visible")
        element = found.element_handle()
        element.evaluate(_STAY_THERE)
        for _ in range(0, _MOST_TABS, _AT_ONCE):
            if element.evaluate("one => document.activeElement === one"):
                break
            for _ in range(_AT_ONCE):  # each look costs more than a key
                self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"No Tab reaches {element.evaluate(_OUTER)}")
        element.evaluate("one => one.psdGoOn()")
        assert focus_is_seen(self.page), f"Nobody sees that it has the focus: {element.evaluate(_OUTER)}"

    def act(self, name: str, *, menu: str = "") -> None:
        """One of the actions above a page; within one menu on a phone, in a row elsewhere."""
        if self.on_phone:
            self.press(self.page.get_by_label("Actions", exact=True))
        if menu:
            self.press(self.page.locator("summary:visible", has_text=re.compile(rf"\b{menu}\s+expand_more")))
        name = re.compile(rf"(^|\s){re.escape(name)}\s*$")  # and not Unpin for Pin
        self.press(self.page.locator("#header-inner ul a:visible", has_text=name).first)

    def looks_right(self) -> None:
        """In every variant, as the page stands."""
        self.page.wait_for_load_state()
        found = look(self.page)
        assert found == [], f"{self.page.url}: {found}"

    def confirm(self, button: str) -> None:
        """The page that says what will happen: looked at, then done."""
        self.page.wait_for_selector(f"button:text-is('{button}')")
        self.looks_right()
        self.press(f"button:text-is('{button}')")

    def told(self, words: str) -> None:
        """A message on the page."""
        self.page.get_by_text(words).first.wait_for()

    def act_on_selected(self, action: str, *keys: int) -> None:
        """Tick rows of the list that is open, and choose an action."""
        for key in keys:
            self.tick(f"#result_list input[name=_selected_action][value='{key}']")
        self.choose("select[name=action]", action)
        self.press("button[name=index]:visible")

    @contextmanager
    def download(self):
        with self.page.expect_download() as got:
            yield got

    def _found(self, target):
        return self.page.locator(target).first if isinstance(target, str) else target


# Once it has the focus, Tab does nothing: the keys that were one too many need not be taken back.
_STAY_THERE = """one => {
    const stay = event => { if (event.key === "Tab" && document.activeElement === one) event.preventDefault(); };
    window.addEventListener("keydown", stay, { capture: true });
    one.psdGoOn = () => window.removeEventListener("keydown", stay, { capture: true });
}"""
_OUTER = "one => one.outerHTML.slice(0, 200)"


@cache
def _name_of(path: str) -> str | None:
    """The name of an address of the site; the same scripts and styles are asked for by each page."""
    try:
        return resolve(unquote(path)).url_name
    except Resolver404:
        return None


def _verbs(body: bytes) -> set[str]:
    text = body.decode("utf-8", "replace")
    if "Content-Disposition: form-data" in text:
        pairs = re.findall(r'name="(action|verb)"\r\n\r\n([^\r]*)', text)
    else:
        pairs = [(name, value) for name, values in parse_qs(text).items() for value in values]
    return {f"{name}={value}" for name, value in pairs if name in ("action", "verb")}


def size_of(variant: Variant) -> dict:
    width, height = SIZES[variant.size]
    return {"width": width, "height": height}
