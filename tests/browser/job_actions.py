"""What one can do with jobs, messages, sheets, files; and finding what one looks for."""

import json
import re
from pathlib import Path

from .action_table import action, deployment
from .visit import Visit


def cancelled(visit: Visit, job: int) -> bool:
    return bool(visit.site.value("SELECT cancel_requested FROM psynetdata_job WHERE id = ?", job))


@action("Cancel a job", "POST psynetdata_job_cancel", "GET psynetdata_job_progress")
def cancel(visit):
    job = visit.site.n["jobs"][0]
    visit.open(f"/admin/psynetdata/job/{job}/change/")
    with visit.page.expect_response("**/progress/"):
        visit.looks_right()
    visit.press("a:text-is('Cancel')")
    visit.confirm("Cancel it")
    visit.told(f"Held {job} stops at its next step.")
    assert cancelled(visit, job)
    visit.page.wait_for_selector("text=stopping (cancelled)")


@action("Several jobs: cancel", "POST psynetdata_job_changelist action=cancel_selected")
def cancel_several(visit):
    jobs = visit.site.n["jobs"][1:]
    visit.open("/admin/psynetdata/job/?state__exact=running")
    visit.act_on_selected("cancel_selected", *jobs)
    visit.confirm("Cancel them")
    visit.told("2 of 2 were asked to stop.")
    assert all(cancelled(visit, job) for job in jobs)


@action("A test message", "POST exports_incident_send_a_test")
def test_message(visit):
    visit.site.slack.got.clear()
    visit.site.mail.got.clear()
    visit.open("/admin/exports/incident/")
    visit.act("Send a test message")
    visit.confirm("Send it")
    visit.told("Slack: sent.")
    visit.told("E-mail: sent.")
    assert [len(visit.site.slack.got), len(visit.site.mail.got)] == [1, 1]
    assert visit.site.audited("send a test message") == 1


@action("A sheet put together: looked at, saved, changed, deleted",
        "POST psynetdata_savedsheet_add", "POST psynetdata_savedsheet_change",
        "POST psynetdata_savedsheet_delete")  # fmt: skip
def saved_sheet(visit):
    page, stands = visit.page, "SELECT columns FROM psynetdata_savedsheet WHERE name = 'dogs'"
    visit.open("/admin/psynetdata/savedsheet/add/")
    page.select_option("select[name=deployment]", str(visit.site.n["plain"]))
    visit.fill("input[name=name]", "dogs")
    page.fill("[name=base]", "trial")
    visit.fill("textarea[name=columns]", "id\nnothing = nosuch.path")
    visit.press("button[name=_preview]")
    page.wait_for_selector("text=has no column nosuch.path")
    visit.looks_right()
    page.fill("textarea[name=columns]", "id\nanimal = definition.animal")
    visit.press("button[name=_preview]")
    page.wait_for_selector("h2:text-is('First rows')")
    visit.looks_right()
    assert not visit.site.rows(stands)
    visit.press("button[name=_save]")
    visit.told("was added successfully")
    assert json.loads(visit.site.value(stands)) == [["id", "id"], ["animal", "definition.animal"]]
    visit.press("#result_list th a:text-is('dogs')")
    page.fill("textarea[name=columns]", "id")
    visit.press("button[name=_save]")
    visit.told("was changed successfully")
    assert json.loads(visit.site.value(stands)) == [["id", "id"]]
    visit.press("#result_list th a:text-is('dogs')")
    visit.press("a:has-text('Delete saved sheet')")
    visit.confirm("Yes, I’m sure")
    visit.told("was deleted successfully")
    assert not visit.site.rows(stands)


@action("Several sheets: delete", "POST psynetdata_savedsheet_changelist action=delete_selected")
def delete_sheets(visit):
    visit.open("/admin/psynetdata/savedsheet/")
    visit.act_on_selected("delete_selected", visit.site.n["other_sheet"])
    visit.confirm("Yes, I’m sure")
    visit.told("Successfully deleted 1")
    assert not visit.site.rows("SELECT 1 FROM psynetdata_savedsheet WHERE id = ?", visit.site.n["other_sheet"])


@action("An asset's file, shown and downloaded", "GET psynetdata_asset_file")
def asset_file(visit):
    visit.open(f"/admin/psynetdata/asset/{visit.site.n['file']}/change/")
    before = visit.site.audited("view")
    with visit.download() as got:
        visit.press("figcaption a:text-is('Download')")
    assert Path(got.value.path()).stat().st_size == visit.site.value(
        "SELECT bytes FROM exports_storedasset WHERE deployment_id = ? AND asset_id = ? AND number = 0",
        visit.site.n["sample"], visit.site.n["file"] % 2**40,
    )  # fmt: skip
    assert visit.site.audited("view") > before


@action("A participant's way, from the list of trials", "GET psynetdata_participant_change")
def way(visit):
    visit.open("/admin/psynetdata/trial/")
    visit.fill("input[name=q]", "Very much")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/trial/?*q=Very*")
    visit.press("#result_list tbody th a")
    visit.page.wait_for_selector("text=All columns")
    visit.press(".psd-facts a[href*='/participant/']")
    visit.page.wait_for_selector(".psd-way")
    visit.press(".psd-facts a:text-is('trials')")
    visit.page.wait_for_url("**/trial/?deployment=*participant_id=*")
    assert visit.page.locator("#result_list tbody").count() > 1


@action("A list, filtered", "GET psynetdata_participant_changelist")
def filters(visit):
    visit.open(f"/admin/psynetdata/participant/?deployment={visit.site.n['sample']}")
    visit.press("text=Filters")
    visit.page.locator("#changelist-filter label", has_text="Yes").first.click()
    visit.press("text=Apply Filters")
    visit.page.wait_for_url("**/participant/?*complete__exact=1*")
    assert visit.page.locator("#result_list tbody").count() >= 1


@action("A menu of actions, shut again", "GET psynetdata_deployment_change")
def shut_menu(visit):
    """A menu shuts on Escape and gives the focus back."""
    visit.open(deployment(visit, "plain"))
    if visit.on_phone:
        visit.press(visit.page.get_by_label("Actions", exact=True))
    visit.press(visit.page.locator("summary:visible", has_text=re.compile(r"\bMore\s+expand_more")))
    visit.page.wait_for_selector("details[open] a:has-text('Restore')")
    visit.looks_right()
    visit.page.locator("details[open] a").first.focus()
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("details.psd-menu[open]").count() == 0
    assert visit.page.evaluate("document.activeElement.matches('.psd-menu > summary')")
