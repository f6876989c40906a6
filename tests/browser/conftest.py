"""One site and one browser for all tests of this folder; a page, signed in, for each."""

import os
import shutil

import pytest

from tests.notify import servers
from tests.servers.databases import Postgres
from tests.site_databases import migrated_data_dir

from . import site as sites
from .visit import DESKTOP, PHONE, Variant, Visit
from .window import Window

# The shell is the same Chromium without a desktop's windows, and takes a quarter less CPU.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
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
def site(tmp_path_factory, _servers, django_db_setup, shared_folder):
    """`manage.py serve` on SQLite in a temporary folder, filled by site_contents.py; one of its deployments runs."""
    if CHROMIUM is None:
        needed("the Debian package chromium-headless-shell or chromium (apt-get install chromium-headless-shell)")
    templates, mail = _servers(18), servers.MailServer()
    postgres = Postgres(templates.server, templates)
    mail.start()
    try:
        with (
            servers.slack() as slack,
            sites.running(
                tmp_path_factory.mktemp("site"), postgres, slack, mail, migrated=migrated_data_dir(shared_folder)
            ) as started,
        ):
            yield started
    finally:
        mail.stop()
        postgres.clean()


# Ends with this folder's tests: while Playwright runs, the thread of the tests has an event loop, and in one Django
# refuses to touch the database there.
@pytest.fixture(scope="package")
def browser(site):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, headless=True)
        yield started
        started.close()


@pytest.fixture(scope="package")
def window(site, browser):
    return Window(browser, site)


@pytest.fixture
def visit(site, window, request):
    """A visit of the superuser; `indirect` parametrization chooses how: desktop, phone, or a Variant.

    It ends with a look at what went wrong.
    """
    chosen = getattr(request, "param", "desktop")
    variant = chosen if isinstance(chosen, Variant) else NAMED[chosen]
    page = window.for_test(variant)
    visit = Visit(page, site, variant)
    with visit.listening():
        yield visit
    if not visit.apart:
        window.cookies = page.context.cookies()  # Django gives a session a new name where a password was set
    assert visit.wrong == []
