"""The page that the superuser keeps open from one test to the next.

A new browser context for each test would load and compile every script, style and font again, in processes of its own:
a page takes 0.25 s here and 0.7 s there.
"""

from .page_checks import KEPT
from .site import Site
from .site_contents import NAME, PASSWORD
from .visit import Variant, size_of

# A file of the site's that does nothing when it is opened. about:blank would end the page's process.
_QUIET = "/static/psynetdata/copy.js"
_FORGET = """([kept, dark]) => {
    localStorage.clear();
    for (const name of Object.keys(sessionStorage)) if (name !== kept) sessionStorage.removeItem(name);
    if (dark) localStorage.setItem("adminTheme", JSON.stringify("dark"));
}"""


class Window:
    """`cookies`: those by which the superuser is signed in."""

    def __init__(self, browser, site: Site):
        self._browser = browser
        self._site = site
        self._open()
        self.cookies = self._sign_in()

    def for_test(self, variant: Variant):
        """The page as if it were a new one: nothing of the last test remains in it, whatever that test did."""
        if self._page.is_closed():
            self._context.close()
            self._open()
        page, context = self._page, self._context
        page.goto(self._site.address + _QUIET)
        context.clear_cookies()
        context.add_cookies(self.cookies)
        context.clear_permissions()
        page.evaluate(_FORGET, [KEPT, variant.dark])
        if page.viewport_size != size_of(variant):
            page.set_viewport_size(size_of(variant))
        page.mouse.move(0, 0)
        return page

    def _open(self) -> None:
        self._context = self._browser.new_context(reduced_motion="reduce")
        self._page = self._context.new_page()
        self._page.set_default_timeout(30_000)

    def _sign_in(self) -> list[dict]:
        page, address = self._page, f"{self._site.address}/admin/"
        page.goto(address)
        page.fill("input[name=username]", NAME)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(address)
        return self._context.cookies()
