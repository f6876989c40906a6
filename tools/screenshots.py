"""`make screenshots`: the main pages as docs/screenshots/*.png, from a running demonstration and from the sample.

Debian's Chromium takes them. They are made again by hand when pages change; nothing compares them.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from tempfile import TemporaryDirectory

from demo import ROOT, call, command, manage, simulator
from playwright.sync_api import Page, sync_playwright

from tests.servers import Server

TARGET = ROOT / "docs" / "screenshots"
PASSWORD = "only-for-screenshots"
SNAPSHOTS_FOR = 150  # seconds for which the demonstration is watched before
WIDTH, PHONE = 1280, 390


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Screenshots need Chromium (Debian: apt-get install chromium).")
    port = os.environ.setdefault("PORT", "8123")
    with TemporaryDirectory(prefix="screenshots-") as folder, Server() as server:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        prepare(server.url("postgres"))
        running = [
            subprocess.Popen(simulator(server.url("postgres"), "--rate", "3"), cwd=ROOT, stdout=subprocess.DEVNULL),
            subprocess.Popen(command("serve"), stdout=subprocess.DEVNULL),
        ]
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            time.sleep(SNAPSHOTS_FOR)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                take_all(browser, f"http://127.0.0.1:{port}")
                browser.close()
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()
    print(f"{sum(file.stat().st_size for file in TARGET.iterdir()) / 1e6:.2f} MB in {TARGET.relative_to(ROOT)}")


def prepare(url: str) -> None:
    sample = ROOT / "psynetdata" / "sample"
    manage("migrate", "-v0")
    manage("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@lab.example")
    manage("load", str(sample / "database.zip"), "--assets", str(sample / "assets"))
    manage("deployment", "assets", "--fetch")
    call(simulator(url, "--create", "--rate", "50", "--seconds", "20"))
    manage("deployment", "add", url, "--label", "Demonstration")


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address)
            return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.5)
    sys.exit("The desk did not come up.")


def take_all(browser, site: str) -> None:
    TARGET.mkdir(exist_ok=True)
    for theme in ("light", "dark"):
        context = browser.new_context(viewport={"width": WIDTH, "height": 860})
        context.add_init_script(f"localStorage.setItem('adminTheme', JSON.stringify('{theme}'))")
        page = context.new_page()
        sign_in(page, site)
        for name, way in PAGES.items():
            way(page, site)
            take(page, f"{name}-{theme}" if theme == "dark" else name)
        if theme == "light":
            page.set_viewport_size({"width": PHONE, "height": 780})
            for name in ("first-page", "participant"):
                PAGES[name](page, site)
                take(page, f"{name}-phone")
        context.close()


def sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site}/admin/")


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    data = page.screenshot(type="png")
    (TARGET / f"{name}.png").write_bytes(data)


def to(path: str):
    return lambda page, site: page.goto(f"{site}/admin/{path}")


def demonstration(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/psynetdata/deployment/")
    page.click("#result_list a:has-text('Demonstration')")
    page.wait_for_selector(".psd-card")


def first_of(path: str):
    def go(page: Page, site: str) -> None:
        page.goto(f"{site}/admin/{path}")
        page.locator("#result_list tbody th a").first.click()
        page.wait_for_selector(".psd-card")

    return go


def a_recording(page: Page, site: str) -> None:
    """Show a participant's page, where the first recording of their trials plays."""
    first_of("psynetdata/participant/?deployment=1")(page, site)
    page.locator(".psd-way li:has(audio)").first.scroll_into_view_if_needed()


def the_export_page(page: Page, site: str) -> None:
    demonstration(page, site)
    page.goto(page.url.replace("/change/", "/export/"))


PAGES = {
    "first-page": to(""),
    "deployment": demonstration,
    "export": the_export_page,
    "trials": to("psynetdata/trial/"),
    "trial": first_of("psynetdata/trial/"),
    "participant": a_recording,
}


if __name__ == "__main__":
    main()
