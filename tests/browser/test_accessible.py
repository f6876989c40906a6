"""Pages for everybody: axe-core finds nothing serious, at both widths and in both themes; keys reach everything."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
WRONG = ("serious", "critical")
PAGES = [
    "", "psynetdata/apitoken/add/", "psynetdata/savedsheet/add/", "psynetdata/deployment/add/",
    "exports/incident/test-message/", "psynetdata/trial/?q=zzz", "psynetdata/nosuch/",
]  # fmt: skip
# One of each kind: the others are made of the same pieces.
LISTS = [
    "psynetdata/deployment", "psynetdata/participant", "psynetdata/trial", "psynetdata/asset", "psynetdata/job",
    "psynetdata/audit", "exports/snapshot", "auth/user",
]  # fmt: skip
OF_A_DEPLOYMENT = ["export", "what-leaves", "access", "export-key", "sheets/trial"]
# What is laid out otherwise on a phone.
ON_A_PHONE = ["psynetdata/deployment", "psynetdata/trial"]


def addresses(visit, pages: list[str], lists: list[str]) -> list[str]:
    """`pages`; each of `lists` and the page of its first row; each page of a deployment."""
    found = [f"/admin/{name}" for name in pages]
    for name in lists:
        visit.open(f"/admin/{name}/")
        found.append(f"/admin/{name}/")
        first = visit.page.locator("#result_list tbody th a").first
        if first.count():
            found.append(first.get_attribute("href"))
    deployment = next(address for address in found if "/deployment/" in address and address.endswith("/change/"))
    return found + [deployment.replace("/change/", f"/{name}/") for name in OF_A_DEPLOYMENT]


def wrong_on(page, *rules: str) -> list[str]:
    """What axe-core finds wrong, a line each; with `rules` those alone are looked at."""
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": ["wcag2a", "wcag2aa"]}
    options = {"resultTypes": ["violations"], "runOnly": only}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in WRONG
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)
def test_axe_finds_nothing_serious_on_any_page(visit):
    page, script, wrong = visit.page, AXE.read_text(), {}
    on_phone = page.viewport_size["width"] < 1000
    for address in addresses(visit, [""], ON_A_PHONE) if on_phone else addresses(visit, PAGES, LISTS):
        page.goto(visit.address + address)
        page.wait_for_load_state("networkidle")
        page.evaluate(script)
        found = wrong_on(page)
        page.evaluate("document.documentElement.classList.add('dark')")  # as unfold's own switch does
        found += [f"dark: {line}" for line in wrong_on(page, "color-contrast")]
        if found:
            wrong[address] = found
    visit.wrong[:] = [line for line in visit.wrong if "404" not in line]  # of the page that is not there
    assert wrong == {}


def test_the_way_from_the_first_page_to_a_trials_answer_needs_no_mouse(visit):
    page = visit.page
    visit.open("/admin/psynetdata/trial/")
    press_until(page, "#result_list tbody th a")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Everything this row holds")
    press_until(page, "details.psd-files summary, .psd-card details > summary")
    was_open = page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") != was_open


def press_until(page, selector: str) -> None:
    """Tab until what is wanted has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"No Tab reaches {selector}.")


@pytest.mark.parametrize("visit", ["desktop"], indirect=True)
def test_times_are_the_viewers_own(visit, browser):
    visit.open("/admin/psynetdata/participant/")
    told = visit.page.locator("td time").first
    assert told.inner_text().endswith("UTC")
    state = visit.page.context.storage_state()
    context = browser.new_context(timezone_id="Asia/Tokyo", storage_state=state)
    page = context.new_page()
    page.goto(visit.page.url)
    page.wait_for_function("document.querySelector('td time').dataset.local === ''")
    shown = page.locator("td time").first
    hours = page.evaluate("new Date(document.querySelector('td time').dateTime).getHours()")
    assert f" {hours:02}:" in shown.inner_text()
    assert shown.get_attribute("title").endswith("UTC")
    context.close()
