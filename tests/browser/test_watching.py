"""A running experiment, from its address to an accepted snapshot, as a person meets it."""

import re
from urllib.parse import urlsplit

import pytest

from .test_admin import _too_wide


def open_menu(page) -> None:
    """The actions stand in one menu on a phone, and in a row elsewhere."""
    if page.viewport_size["width"] < 1000:
        page.locator("text=more_horiz").first.click()


def act(page, name: str, button: str, *, menu: str = "") -> None:
    """Press an action, look at the page that says what it does, and do it."""
    open_menu(page)
    if menu:
        page.locator(f"text={menu}").first.click()
    page.locator(f"a:has-text('{name}'):visible").first.click()
    page.wait_for_selector("text=what will happen")
    assert _too_wide(page) <= 0
    page.click(f"button:text-is('{button}')")
    page.wait_for_url("**/change/")


def take_a_snapshot(page, deployment: str, number_of_rows: str) -> None:
    """The page shows by itself when it is there."""
    page.goto(deployment)
    act(page, "Snapshot now", "Take a snapshot")
    page.wait_for_selector(f"td:text-is('{number_of_rows}')", timeout=120_000)


@pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)
def test_from_an_address_to_an_accepted_snapshot(visit, postgres18):
    page, name = visit.page, "custom_table_simple" if page_is_phone(visit) else "timeline"
    url = postgres18.database(name)
    parts = urlsplit(url)
    visit.open("/admin/psynetdata/deployment/add/")
    assert _too_wide(page) <= 0
    page.fill("input[name=url]", f"postgres://{parts.username}@{parts.hostname}:{parts.port}{parts.path}x")
    page.fill("input[name=password]", parts.password)
    page.fill("input[name=every]", "0")  # the test says when
    page.click("text=Look at it")
    page.wait_for_selector("text=there is no such database")
    assert page.input_value("input[name=password]") == ""
    page.fill("input[name=url]", url)
    page.click("text=Look at it")
    page.wait_for_url("**/add/found/")
    assert _too_wide(page) <= 0
    assert f":{parts.password}@" not in page.content()
    page.click("text=Register it")
    page.wait_for_url(re.compile(r"/deployment/\d+/change/"))
    deployment = page.url
    take_a_snapshot(page, deployment, str(rows_of(postgres18, url)))
    postgres18.execute(url, "DELETE FROM response WHERE id = (SELECT max(id) FROM response)")
    take_a_snapshot(page, deployment, str(rows_of(postgres18, url)))
    page.wait_for_selector("text=is suspect")
    assert _too_wide(page) <= 0
    page.locator(".psd-alarm a[href*='/snapshot/']").first.click()
    page.wait_for_selector("text=What changed since snapshot")
    act(page, "Accept", "Accept it")
    page.wait_for_selector(".psd-badge:text-is('good')", timeout=120_000)
    page.goto(deployment)
    act(page, "Archive", "Archive", menu="Watching")
    page.wait_for_selector(".psd-badge:text-is('archived')")
    assert page.locator("a:has-text('Snapshot now')").count() == 0


def page_is_phone(visit) -> bool:
    return visit.page.viewport_size["width"] < 1000


def rows_of(postgres, url: str) -> int:
    """Of all tables."""
    tables = postgres.execute(url, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    return sum(postgres.execute(url, f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables)
