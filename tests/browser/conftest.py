"""A whole site in a folder of its own, started as a user starts it, and a real browser in front of it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = {"desktop": 1400, "phone": 390}
START_WITHIN = 120  # seconds


def needed(what: str) -> None:
    """Without `what` there is nothing to test with: skipped on a laptop, a failure where CI is set."""
    sentence = f"The browser tests need {what}."
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@dataclass(frozen=True)
class Site:
    address: str
    password: str  # of the superuser `admin`


@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """`manage.py serve` on SQLite in a temporary folder, with two reference databases loaded."""
    if CHROMIUM is None:
        needed("the Debian package chromium (apt-get install chromium)")
    folder, port = tmp_path_factory.mktemp("site"), _free_port()
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "STORAGE_URL")}
    environment |= {"DATA_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    for name in ("static", "static_audio"):
        _manage(environment, "migrate", "--verbosity", "0")
        _manage(environment, "load", str(DATA / name / "database.zip"))
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=(folder / "serve.log").open("w"), start_new_session=True,
    )  # fmt: skip
    try:
        password = _announced(server, folder)
        _wait_for(port, server)
        yield Site(f"http://127.0.0.1:{port}", password)
    finally:
        _end(server)


def _manage(environment: dict, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _announced(server: subprocess.Popen, folder: Path) -> str:
    """The password that the first start prints."""
    for line in server.stdout:
        if found := re.search(r"with the password (\S+)", line):
            return found[1]
    raise AssertionError((folder / "serve.log").read_text())


def _wait_for(port: int, server: subprocess.Popen) -> None:
    until = monotonic() + START_WITHIN
    while monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("The web server did not come up.")


def _end(server: subprocess.Popen) -> None:
    """SIGTERM, as a service manager does; what is left of its own process group after that is killed."""
    server.terminate()
    try:
        server.wait(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.stdout.close()


# Ends with this folder's tests: while Playwright runs, its event loop stands in the thread of whatever test comes next,
# and Django then refuses to touch the database there.
@pytest.fixture(scope="package")
def browser(site):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, headless=True)
        yield started
        started.close()


@dataclass
class Visit:
    """A signed-in page and what went wrong on it so far."""

    page: object
    address: str
    wrong: list[str]

    def open(self, path: str) -> None:
        answer = self.page.goto(self.address + path)
        assert answer.status == 200, f"{path}: {answer.status}"
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def visit(site, browser, request):
    """A visit of the superuser; `indirect` parametrization chooses the width. Ends with a look at what went wrong."""
    width = WIDTHS[getattr(request, "param", "desktop")]
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    visit = Visit(page, site.address, [])
    page.on("console", lambda message: message.type in ("error", "warning") and visit.wrong.append(message.text))
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    context.on("request", lambda asked: _is_outside(asked.url, site) and visit.wrong.append(f"asked for {asked.url}"))
    page.goto(site.address + "/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", site.password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.address}/admin/")
    yield visit
    context.close()
    assert visit.wrong == []


def _is_outside(url: str, site: Site) -> bool:
    return not url.startswith((site.address, "data:", "blob:"))
