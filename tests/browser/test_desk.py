"""The desk's own pages as a person meets them, at both widths."""

import re

import pytest

from .test_admin import _too_wide

BOTH = pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)


def open_a_deployment(visit) -> None:
    visit.open("/admin/psynetdata/deployment/")
    visit.open(visit.page.locator("#result_list tbody th a", has_text="demo").first.get_attribute("href"))


@BOTH
def test_the_first_page_keeps_itself_fresh(visit):
    page = visit.page
    visit.open("/admin/")
    page.wait_for_selector(".psd-card:has-text('Storage')")
    assert _too_wide(page) <= 0
    page.evaluate("document.querySelector('[data-refresh-url] a').focus()")
    before = page.evaluate("document.activeElement.href")
    with page.expect_event("console", lambda message: message.text == "fresh"):
        page.evaluate("document.addEventListener('psd:refreshed', () => console.log('fresh'))")
    assert page.locator(".psd-card:has-text('Storage')").count() == 1
    assert page.evaluate("document.activeElement.href") == before


def test_the_first_page_works_without_javascript(visit, browser):
    context = browser.new_context(java_script_enabled=False, storage_state=visit.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{visit.address}/admin/")
    page.wait_for_selector(".psd-card:has-text('Storage')")
    page.locator(".psd-table a", has_text="demo").first.click()
    page.wait_for_selector(".psd-card:has-text('How it goes')")
    context.close()


@BOTH
def test_a_note_is_left_and_removed(visit):
    page = visit.page
    open_a_deployment(visit)
    page.wait_for_selector(".psd-card:has-text('How it goes') svg")
    assert _too_wide(page) <= 0
    page.fill("textarea[name=text]", "The microphone was off until ten.")
    page.click("text=Leave the note")
    page.wait_for_selector(".psd-remark:has-text('The microphone was off')")
    page.click(".psd-remark a:text-is('Remove')")
    page.wait_for_selector("text=is not kept anywhere")
    page.click("button:text-is('Remove it')")
    page.wait_for_selector("text=The note is gone.")
    assert page.locator(".psd-remark").count() == 0


@BOTH
def test_an_export_is_told_beforehand_and_its_options_are_kept(visit):
    page, name = visit.page, f"Preset at {visit.page.viewport_size['width']}"
    open_a_deployment(visit)
    visit.open(re.sub("change/$", "export/", page.url.removeprefix(visit.address)))
    page.check("input[name=anonymize][value=both]")
    page.wait_for_selector("text=What it will hold, as it is")
    page.wait_for_selector("text=What it will hold, anonymized")
    page.check("input[name=anonymize][value=no]")
    page.wait_for_selector("text=What it will hold, anonymized", state="detached")
    assert not page.is_visible("input[name=level]")
    assert _too_wide(page) <= 0
    page.click("summary:has-text('Keep these options')")
    page.fill("input[name=name]", name)
    page.click("text=Keep the preset")
    page.wait_for_url("**/export/?preset=*")
    assert page.is_checked("input[name=anonymize][value=no]")
    page.click(f"a[aria-label='Remove the preset {name}']")
    page.wait_for_selector("text=is gone for everybody who uses it")
    page.click("button:text-is('Remove it')")
    page.wait_for_selector("text=is gone")


@BOTH
def test_ticked_snapshots_are_pinned_and_unpinned(visit):
    page = visit.page
    for action, button, said in (
        ("pin_selected", "Pin them", "are pinned"),
        ("unpin_selected", "Unpin them", "not pinned"),
    ):
        visit.open("/admin/exports/snapshot/?o=1")
        page.locator("input[name=_selected_action]").first.check()
        page.select_option("select[name=action]", action)
        page.click("button[name=index]")
        page.wait_for_selector("text=what will happen")
        assert _too_wide(page) <= 0
        page.click(f"button:text-is('{button}')")
        page.wait_for_selector(f"text=1 of 1 {said}" if action == "pin_selected" else "text=are not pinned")
