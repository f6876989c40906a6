"""Every page: no error in the console, no request to another host, nothing wider than the screen, and axe-core finds
nothing serious, at both widths and in both themes."""

import pytest

from .page_checks import look
from .pages import MISSING, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page(visit, name):
    found = {}
    for path in PAGES[name]:
        visit.open(f"/admin/{path.format(**visit.site.n)}")
        assert f"GET {name}" in visit.asked
        if wrong := look(visit.page, sidebar=name == "index"):
            found[path] = wrong
    assert found == {}


def test_a_page_that_is_not_there(visit):
    assert visit.page.goto(f"{visit.site.address}/admin/{MISSING}").status == 404
    visit.looks_right()
    visit.wrong.clear()  # the 404 that was asked for


def test_signing_in(visit, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{visit.site.address}/admin/")
    assert look(page) == []
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "wrong")
    page.click("button[type=submit]")
    page.wait_for_selector("text=Please enter the correct")
    assert look(page) == []
    context.close()
