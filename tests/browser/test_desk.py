"""What the desk does by itself: it keeps fresh, works without scripts, and tells times in the reader's own zone."""

import re

import pytest

# The page's wait of ten seconds, which ends when the test calls it.
_TEN_SECONDS = """{
    const wait = window.setTimeout;
    window.setTimeout = (then, after, ...rest) => {
        if (after !== 10_000) return wait(then, after, ...rest);
        window.tenSecondsLater = then;
    };
}"""


@pytest.mark.parametrize("visit", ["phone"], indirect=True)
def test_the_first_page_keeps_itself_fresh(visit):
    page = visit.page
    with page.add_init_script(_TEN_SECONDS):
        visit.open("/admin/")
    page.evaluate("document.querySelector('[data-refresh-url] a').focus()")
    before = page.evaluate("document.activeElement.href")
    with page.expect_event("console", lambda message: message.text == "fresh"):
        page.evaluate("document.addEventListener('psd:refreshed', () => console.log('fresh'))")
        page.evaluate("tenSecondsLater()")
    assert page.locator("h2:text-is('Storage')").count() == 1
    assert page.evaluate("document.activeElement.href") == before
    visit.looks_right()
    assert "GET overview" in visit.asked


@pytest.mark.parametrize("width", [1440, 390])
def test_it_works_without_javascript(visit, browser, width):
    """Also the menus of what one can do."""
    context = browser.new_context(
        java_script_enabled=False,
        storage_state=visit.page.context.storage_state(),
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{visit.site.address}/admin/")
    page.locator("h2:text-is('Storage')").wait_for()
    page.locator(".psd-card a", has_text="Watched").first.click()
    page.locator(".psd-card:has-text('Progress')").wait_for()
    page.locator("summary", has_text=re.compile(r"\bMore\s")).click()
    page.locator("a", has_text="Restore").click()
    page.locator("text=what will happen").wait_for()
    context.close()


def test_times_are_the_viewers_own(visit, browser):
    visit.open("/admin/psynetdata/participant/")
    told = visit.page.locator("td time").first
    assert told.inner_text().endswith("UTC")
    context = browser.new_context(timezone_id="Asia/Tokyo", storage_state=visit.page.context.storage_state())
    page = context.new_page()
    page.goto(visit.page.url)
    page.wait_for_function("document.querySelector('td time').dataset.local === ''")
    shown = page.locator("td time").first
    hours = page.evaluate("new Date(document.querySelector('td time').dateTime).getHours()")
    assert f" {hours:02}:" in shown.inner_text()
    assert shown.get_attribute("title").endswith("UTC")
    context.close()
