"""What one can do with snapshots and exports."""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

from .action_table import action, deployment, snapshot
from .visit import Visit

SNAPSHOTS = "POST exports_snapshot_changelist action="
DEPLOYMENTS = "POST psynetdata_deployment_changelist action="
EXPORT = "POST psynetdata_deployment_export verb="


def newest_export(visit: Visit) -> tuple[int, dict]:
    """(number, options)"""
    ((number, options),) = visit.site.rows("SELECT id, options FROM exports_export ORDER BY id DESC LIMIT 1")
    return number, json.loads(options)


@action("Pin a snapshot, and unpin it", "POST exports_snapshot_pin", "POST exports_snapshot_unpin")
def pin(visit):
    visit.open(snapshot(visit, "taken"))
    for name, button, says, after in (("Pin", "Pin it", "is pinned.", 1), ("Unpin", "Unpin it", "is not pinned", 0)):
        visit.act(name)
        visit.confirm(button)
        visit.told(says)
        assert visit.site.value("SELECT pinned FROM exports_snapshot WHERE id = ?", visit.site.n["taken"]) == after


@action("Several snapshots: pin, unpin", f"{SNAPSHOTS}pin_selected", f"{SNAPSHOTS}unpin_selected")
def several(visit):
    visit.open("/admin/exports/snapshot/")
    for name, says, after in (("pin", "2 of 2 are pinned.", 2), ("unpin", "2 of 2 are not pinned.", 0)):
        visit.act_on_selected(f"{name}_selected", visit.site.n["taken"], visit.site.n["snapshot"])
        visit.confirm(f"{name.capitalize()} them")
        visit.told(says)
        pinned = "SELECT count(*) FROM exports_snapshot WHERE pinned AND id IN (?, ?)"
        assert visit.site.value(pinned, visit.site.n["taken"], visit.site.n["snapshot"]) == after


@action("Verify a snapshot", "POST exports_snapshot_verify")
def verify(visit):
    visit.open(snapshot(visit, "snapshot"))
    visit.act("Verify")
    visit.confirm("Verify it")
    visit.page.wait_for_selector("dd:has-text('are unchanged since they were stored')", timeout=120_000)
    assert visit.site.job("verify") == ("done", "")


@action("Several snapshots: verify", f"{SNAPSHOTS}verify_selected")
def verify_several(visit):
    before = visit.site.audited("verify")
    visit.open("/admin/exports/snapshot/")
    visit.act_on_selected("verify_selected", visit.site.n["taken"], visit.site.n["snapshot"])
    visit.confirm("Verify them")
    visit.told("2 of 2 are being verified.")
    assert visit.site.audited("verify") == before + 2
    assert visit.site.job("verify") == ("done", "")


@action("database.zip of a snapshot", "POST exports_snapshot_database_zip")
def database_zip(visit):
    visit.open(snapshot(visit, "snapshot"))
    visit.act("database.zip")
    with visit.download() as got:
        visit.confirm("Download it")
    with zipfile.ZipFile(got.value.path()) as archive:
        assert archive.testzip() is None
        assert "data/participant.csv" in archive.namelist()


@action(
    "Several snapshots, several deployments: export", f"{SNAPSHOTS}export_selected", f"{DEPLOYMENTS}export_selected"
)
def export_several(visit):
    for path, key in (("exports/snapshot", visit.site.n["taken"]), ("psynetdata/deployment", visit.site.n["watched"])):
        visit.open(f"/admin/{path}/")
        visit.act_on_selected("export_selected", key)
        visit.page.check("input[name=anonymize][value=no]")
        visit.page.check("input[name=assets][value=none]")
        visit.confirm("Start the exports")
        visit.told("1 of 1 exports were requested.")
        options = newest_export(visit)[1]
        assert (options["anonymize"], options["assets"]) == ("no", "none")
    assert visit.site.job("export") == ("done", "")


@action("Export from a snapshot, with a preset kept and removed",
        "GET exports_snapshot_export", f"{EXPORT}keep", "POST psynetdata_deployment_expected",
        "POST psynetdata_deployment_remove_preset")  # fmt: skip
def preset(visit):
    page, name = visit.page, "For a colleague"
    visit.open(snapshot(visit, "snapshot"))
    visit.act("Export")
    page.wait_for_url(f"**/export/?snapshot={visit.site.n['snapshot']}")
    page.check("input[name=anonymize][value=both]")
    page.wait_for_selector("text=What it will hold, as it is")
    page.check("input[name=anonymize][value=no]")
    page.wait_for_selector("text=What it will hold, anonymized", state="detached")
    assert not page.is_visible("input[name=level]")
    visit.looks_right()
    visit.press("summary:has-text('Save these options')")
    visit.fill("input[name=name]", name)
    visit.press("text=Save preset")
    page.wait_for_url("**/export/?preset=*")
    assert page.is_checked("input[name=anonymize][value=no]")
    visit.looks_right()
    visit.press(f"a[aria-label='Remove the preset {name}']")
    visit.confirm("Remove it")
    visit.told("is removed.")
    assert not visit.site.rows("SELECT 1 FROM exports_exportpreset WHERE name = ?", name)


@action("Some participants: export", "POST psynetdata_participant_changelist action=export_selected", f"{EXPORT}start")
def export_participants(visit):
    visit.open(f"/admin/psynetdata/participant/?deployment={visit.site.n['plain']}")
    keys = [visit.site.n["plain"] * 2**40 + number for number in (2, 6)]
    visit.act_on_selected("export_selected", *keys)
    visit.page.wait_for_selector("text=Start the export")
    visit.looks_right()
    visit.page.check("input[name=anonymize][value=no]")
    visit.press("text=Start the export")
    visit.page.wait_for_url(re.compile(r"/exports/export/\d+/change/"))
    assert newest_export(visit)[1]["participants"] == [2, 6]
    visit.page.wait_for_selector("[data-download=regular]", timeout=120_000)


@action("An export that comes again: scheduled, resumed, removed",
        f"{EXPORT}repeat", "GET psynetdata_deployment_schedule", "POST psynetdata_deployment_schedule")  # fmt: skip
def schedule(visit):
    visit.open(deployment(visit, "plain"))
    visit.press("a:text-is('resume')")
    visit.confirm("Resume it")
    visit.told("is made again.")
    assert visit.site.rows(
        "SELECT failures, stopped_at FROM exports_exportschedule WHERE id = ?", visit.site.n["stopped"]
    ) == [(0, None)]
    visit.press("a:text-is('remove')")
    visit.confirm("Remove it")
    visit.told("is removed.")
    visit.act("Export")
    visit.press("summary:has-text('Save these options')")
    visit.choose("select[name=every]", "30")
    visit.press("text=Schedule it")
    visit.told("for the first time within a minute.")
    (row,) = visit.site.rows("SELECT every_days, owner_id FROM exports_exportschedule")
    assert row == (30, visit.site.n["admin"])
    visit.press("a:text-is('remove')")
    visit.confirm("Remove it")
    visit.told("is removed.")
    assert not visit.site.rows("SELECT 1 FROM exports_exportschedule")


@action("An export from the list's button to the zip, verified",
        f"{EXPORT}look", f"{EXPORT}start", "GET export-download", "POST exports_export_verify",
        "GET psynetdata_job_progress")  # fmt: skip
def export(visit):
    """Starts it, watches it finish without a reload by hand, downloads it, opens it, compares it with the page."""
    page = visit.page
    visit.open("/admin/psynetdata/deployment/")
    visit.press(f"#result_list a[aria-label='Export'][href='{deployment(visit, 'plain', 'export/')}']")
    page.wait_for_selector("text=What it will hold, anonymized")
    page.focus("input[name=assets]:checked")
    page.keyboard.press("Enter")  # starts nothing
    page.wait_for_selector("text=What it will hold, anonymized")
    page.check("input[name=type][value=database]")
    page.wait_for_selector("dd:text-is('database.zip, manifest.json')")
    page.check("input[name=type][value=psynet]")
    page.check("input[name=assets][value=none]")
    visit.press("text=Start the export")
    page.wait_for_url(re.compile(r"/exports/export/\d+/change/"))
    page.wait_for_selector("[data-download=anonymous]", timeout=120_000)
    assert "None was found." in page.inner_text("#content-main")
    with visit.download() as got:
        visit.press("[data-download=anonymous]")
    content = Path(got.value.path()).read_bytes()
    assert hashlib.sha256(content).hexdigest() in page.inner_text("#content-main")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert "anonymous/database.zip" in archive.namelist()
        assert json.loads(archive.read("manifest.json"))["mode"] == "anonymous"
    for summary in page.locator("details.psd-files > summary").all():
        visit.press(summary)
    visit.looks_right()
    visit.act("Verify")
    visit.confirm("Verify it")
    page.wait_for_selector("dd:has-text('are unchanged since they were stored')", timeout=120_000)
