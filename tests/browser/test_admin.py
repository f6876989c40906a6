"""The admin as a person meets it."""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import pytest

LISTS = [
    "psynetdata/deployment", "psynetdata/participant", "psynetdata/trial", "psynetdata/asset", "psynetdata/node",
    "psynetdata/network", "psynetdata/response", "psynetdata/record", "psynetdata/job", "psynetdata/audit",
    "psynetdata/apitoken", "exports/snapshot", "exports/export", "auth/user", "auth/group",
]  # fmt: skip


@pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)
def test_every_list_and_a_page_of_each_open_cleanly(visit):
    """No error in the console, no request to another host, nothing wider than the screen."""
    visit.open("/admin/")
    for name in LISTS:
        visit.open(f"/admin/{name}/")
        assert _too_wide(visit.page) <= 0, name
        first = visit.page.locator("#result_list tbody th a").first
        if name.startswith(("psynetdata/", "exports/")) and first.count():
            visit.open(first.get_attribute("href"))
            assert visit.page.locator(".psd-card").count()
            assert _too_wide(visit.page) <= 0, name


def test_finding_a_trial_and_following_its_keys(visit):
    page = visit.page
    visit.open("/admin/psynetdata/trial/")
    page.fill("input[name=q]", "Very much")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trial/?*q=Very*")
    assert page.locator("#result_list tbody").count() > 1
    page.locator("#result_list tbody th a").first.click()
    page.wait_for_selector("text=Everything this row holds")
    page.locator(".psd-facts a[href*='/participant/']").first.click()
    page.wait_for_selector("dt:text-is('worker_id')")
    page.click(".psd-facts a:text-is('trials')")
    page.wait_for_url("**/trial/?deployment=*participant_id=*")
    assert page.locator("#result_list tbody").count() > 1


def test_the_filters_narrow_the_list(visit):
    page = visit.page
    visit.open("/admin/psynetdata/participant/")
    page.click("text=Filters")
    page.locator("#changelist-filter label", has_text="Yes").first.click()
    page.click("text=Apply Filters")
    page.wait_for_url("**/participant/?*complete__exact=1*")
    assert page.locator("#result_list tbody").count() >= 1


def test_switching_the_face(visit):
    page = visit.page
    visit.open("/admin/psynetdata/participant/")
    real = page.locator("td.field-worker").first.inner_text()
    page.click("text=Show the anonymous face")
    page.wait_for_selector("text=Show the identified face")
    assert page.locator("td.field-worker").first.inner_text() != real
    page.click("text=Show the identified face")
    page.wait_for_selector("text=Show the anonymous face")
    assert page.locator("td.field-worker").first.inner_text() == real


def test_an_export_from_the_button_to_the_zip(visit):
    """Starts it, watches it finish without a reload by hand, downloads it, opens it, compares it with the page."""
    page = visit.page
    visit.open("/admin/psynetdata/deployment/")
    page.locator("#result_list tbody th a").last.click()
    page.locator("a[href*='/deployment/'][href$='/export/']:visible").first.click()
    page.wait_for_selector("text=What it will hold, anonymized")
    page.check("input[name=type][value=database]")
    page.wait_for_selector("dd:text-is('database.zip, manifest.json')")
    page.check("input[name=type][value=psynet]")
    page.check("input[name=assets][value=none]")
    page.click("text=Start the export")
    page.wait_for_url(re.compile(r"/exports/export/\d+/change/"))
    page.wait_for_selector("[data-download=anonymous]", timeout=120_000)
    assert "None was found." in page.inner_text("#content-main")
    with page.expect_download() as download:
        page.click("[data-download=anonymous]")
    content = Path(download.value.path()).read_bytes()
    assert hashlib.sha256(content).hexdigest() in page.inner_text("#content-main")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert "anonymous/database.zip" in archive.namelist()
        assert json.loads(archive.read("manifest.json"))["mode"] == "anonymous"


def test_a_new_token_is_shown_and_works_no_other_way(visit):
    page = visit.page
    visit.open("/admin/psynetdata/apitoken/add/")
    page.fill("input[name=name]", "browser")
    page.click("text=Save")
    token = page.inner_text("#new-token")
    assert len(token) == 43
    visit.open("/admin/psynetdata/apitoken/")
    assert token not in page.content()


def _too_wide(page) -> int:
    """Pixels that the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
