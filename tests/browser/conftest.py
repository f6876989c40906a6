"""One site and one browser for all tests of this folder; a page, signed in, for each."""

import os
import shutil

import pytest

from tests.notify import servers
from tests.servers.databases import Postgres

from . import site as sites
from .prepared import NAME, PASSWORD
from .visit import DESKTOP, PHONE, Variant, Visit, size_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMED = {"desktop": DESKTOP, "phone": PHONE}


def needed(what: str) -> None:
    """Without `what` there is nothing to test with: skipped on a laptop, a failure where CI is set."""
    sentence = f"The browser tests need {what}."
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="package")
def site(tmp_path_factory, _servers):
    """`manage.py serve` on SQLite in a temporary folder, filled by prepared.py; one of its deployments runs."""
    if CHROMIUM is None:
        needed("the Debian package chromium (apt-get install chromium)")
    templates, mail = _servers(18), servers.MailServer()
    postgres = Postgres(templates.server, templates)
    mail.start()
    try:
        with (
            servers.slack() as slack,
            sites.running(tmp_path_factory.mktemp("site"), postgres, slack, mail) as started,
        ):
            yield started
    finally:
        mail.stop()
        postgres.clean()


# Ends with this folder's tests: while Playwright runs, its event loop stands in the thread of whatever test comes next,
# and Django then refuses to touch the database there.
@pytest.fixture(scope="package")
def browser(site):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, headless=True)
        yield started
        started.close()


@pytest.fixture(scope="package")
def session(site, browser):
    """The cookies of the superuser."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.address}/admin/")
    page.fill("input[name=username]", NAME)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.address}/admin/")
    cookies = context.cookies()
    context.close()
    return {"cookies": cookies, "origins": []}


@pytest.fixture
def visit(site, browser, session, request):
    """A visit of the superuser; `indirect` parametrization chooses how: desktop, phone, or a Variant.

    It ends with a look at what went wrong.
    """
    chosen = getattr(request, "param", "desktop")
    variant = chosen if isinstance(chosen, Variant) else NAMED[chosen]
    context = browser.new_context(
        viewport=size_of(variant), accept_downloads=True, storage_state=session, reduced_motion="reduce"
    )
    if variant.dark:
        context.add_init_script("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    page = context.new_page()
    page.set_default_timeout(30_000)
    visit = Visit(page, site, variant)
    visit.listen()
    yield visit
    if not visit.apart:
        session["cookies"] = context.cookies()  # Django gives a session a new name where a password was set
    context.close()
    assert visit.wrong == []
