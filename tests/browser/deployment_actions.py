"""What one can do with a deployment: watch it, and stop watching it."""

import json
import re
from urllib.parse import urlsplit

from .action_table import action, deployment
from .visit import Visit

POST = "POST psynetdata_deployment"
LIST = f"{POST}_changelist action="


def state(visit: Visit, name: str) -> str:
    return visit.site.value("SELECT state FROM psynetdata_deployment WHERE number = ?", visit.site.n[name])


@action(
    "From an address to an accepted snapshot, and to its end",
    f"{POST}_add",
    f"{POST}_found",
    f"{POST}_snapshot_now",
    f"{POST}_retire",
    "POST exports_snapshot_accept",
)
def added(visit):
    page, postgres = visit.page, visit.site.postgres
    url = postgres.database("custom_table_simple")
    parts = urlsplit(url)
    visit.open("/admin/psynetdata/deployment/add/")
    wrong = f"postgres://{parts.username}@{parts.hostname}:{parts.port}{parts.path}x"
    for name, text in (("url", wrong), ("password", parts.password), ("every", "0")):  # the test says when
        visit.fill(f"input[name={name}]", text)
    visit.press("button:text-is('Preview')")
    page.wait_for_selector("text=there is no such database")
    assert page.input_value("input[name=password]") == ""
    visit.looks_right()
    page.fill("input[name=url]", url)
    visit.press("button:text-is('Preview')")
    page.wait_for_url("**/add/found/")
    assert f":{parts.password}@" not in page.content()
    visit.confirm("Register it")
    page.wait_for_url(re.compile(r"/deployment/\d+/change/"))
    address = page.url
    take_a_snapshot(visit, rows_of(postgres, url))
    postgres.execute(url, "DELETE FROM response WHERE id = (SELECT max(id) FROM response)")
    take_a_snapshot(visit, rows_of(postgres, url))
    page.wait_for_selector("text=is suspect")
    visit.looks_right()
    visit.press(".psd-alarm a[href*='/snapshot/']")
    page.wait_for_selector("text=What changed since snapshot")
    visit.looks_right()
    visit.act("Accept")
    visit.confirm("Accept it")
    page.wait_for_selector(".psd-badge:text-is('good')", timeout=120_000)
    page.goto(address)
    visit.act("Retire", menu="Watching")
    visit.confirm("Retire it")
    page.wait_for_selector("h2:has-text('afe to destroy')", timeout=120_000)
    said, reason = visit.site.job("retire")
    assert said == "done", reason
    result = json.loads(visit.site.value("SELECT result FROM psynetdata_job WHERE kind = 'retire'"))
    heading = "Safe to destroy" if result["safe"] else "Not safe to destroy"
    assert page.locator(f"h2:text-is('{heading}')").count() == 1
    visit.looks_right()


def take_a_snapshot(visit: Visit, rows: int) -> None:
    """The page shows by itself when it is there."""
    visit.act("Snapshot now")
    visit.confirm("Take a snapshot")
    visit.page.wait_for_url("**/change/")
    visit.page.wait_for_selector(f"td:text-is('{rows}')", timeout=120_000)


def rows_of(postgres, url: str) -> int:
    """Of all tables."""
    tables = postgres.execute(url, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    return sum(postgres.execute(url, f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables)


@action("Test connection", f"{POST}_test_connection")
def connection(visit):
    visit.open(deployment(visit, "watched"))
    visit.act("Test connection", menu="Watching")
    visit.confirm("Connect")
    visit.told("The source of Watched answers: PostgreSQL 18")


@action("Pause, and resume", f"{POST}_pause", f"{POST}_resume")
def pause(visit):
    visit.open(deployment(visit, "watched"))
    for name, says, after in (("Pause", "Watched is paused.", "paused"), ("Resume", "is watched again.", "running")):
        visit.act(name, menu="Watching")
        visit.confirm(name)
        visit.told(says)
        assert state(visit, "watched") == after


@action("Archive, and take it back", f"{POST}_archive", f"{POST}_resume")
def archive(visit):
    visit.open(deployment(visit, "watched"))
    visit.act("Archive", menu="Watching")
    visit.confirm("Archive")
    visit.told("Watched is archived.")
    assert state(visit, "watched") == "archived"
    visit.act("Resume", menu="Watching")
    visit.confirm("Resume")
    visit.told("is watched again.")
    assert state(visit, "watched") == "running"


@action("Several: archive, resume, pause", f"{LIST}pause_selected", f"{LIST}resume_selected", f"{LIST}archive_selected")
def several(visit):
    n = visit.site.n
    visit.open("/admin/psynetdata/deployment/")
    for keys, name, says, after in (
        ((n["watched"], n["server"]), "archive", "2 of 2 are archived.", "archived"),
        ((n["watched"], n["server"]), "resume", "2 of 2 are watched again.", "running"),
        ((n["server"],), "pause", "1 of 1 are paused.", "paused"),
    ):
        visit.act_on_selected(f"{name}_selected", *keys)
        visit.confirm(f"{name.capitalize()} them")
        visit.told(says)
        assert state(visit, "server") == after
    assert state(visit, "watched") == "running"


@action("Several: snapshot now, where one cannot be taken", f"{LIST}snapshot_selected")
def several_snapshots(visit):
    before = visit.site.value("SELECT count(*) FROM exports_snapshot")
    visit.open("/admin/psynetdata/deployment/")
    visit.act_on_selected("snapshot_selected", visit.site.n["watched"], visit.site.n["plain"])
    visit.confirm("Take snapshots")
    visit.told("1 of 2 snapshots were requested.")
    visit.told("was loaded from a file; no snapshot of it can be taken.")
    assert visit.site.job("snapshot")[0] == "done"
    assert visit.site.value("SELECT count(*) FROM exports_snapshot") == before + 1


@action("Snapshot now, every row afresh", f"{POST}_snapshot_now")
def snapshot_now(visit):
    visit.open(deployment(visit, "watched"))
    visit.act("Snapshot now")
    visit.tick("input[name=full]")
    visit.confirm("Take a snapshot")
    visit.page.wait_for_url("**/change/")
    assert visit.site.job("snapshot")[0] == "done"
    options = visit.site.value("SELECT options FROM psynetdata_job WHERE kind = 'snapshot' ORDER BY id DESC LIMIT 1")
    assert json.loads(options)["full"] is True


@action("A note, left and removed", f"{POST}_add_note", f"{POST}_remove_note")
def note(visit):
    visit.open(deployment(visit, "watched"))
    visit.fill("textarea[name=text]", "Restarted at ten.")
    visit.press("button:text-is('Add note')")
    visit.told("The note is saved.")
    assert visit.site.rows("SELECT text FROM exports_note WHERE deployment_id = ?", visit.site.n["watched"]) == [
        ("Restarted at ten.",)
    ]
    visit.press(".psd-remark a:text-is('Remove')")
    visit.confirm("Remove it")
    visit.told("The note is removed.")
    assert not visit.site.rows("SELECT 1 FROM exports_note WHERE deployment_id = ?", visit.site.n["watched"])


@action("Settings", f"{POST}_change")
def settings(visit):
    visit.open(deployment(visit, "server"))
    visit.fill("input[name=every]", "7")
    visit.press("button[name=_save], input[name=_save]")
    visit.page.wait_for_selector(".psd-card:has-text('The settings were not saved')")
    visit.looks_right()
    visit.fill("input[name=every]", "3600")
    visit.fill("input[name=keep_hourly_days]", "12")
    visit.press("button[name=_save], input[name=_save]")
    visit.told("The settings of On a server are saved.")
    stands = "SELECT every, keep_hourly_days FROM psynetdata_deployment WHERE number = ?"
    assert visit.site.rows(stands, visit.site.n["server"]) == [(3600, 12)]


@action("The server's logs: searched, older ones, read on", f"{POST}_logs")
def logs(visit):
    visit.open(deployment(visit, "server"))
    visit.press("a:text-is('to search')")
    visit.page.wait_for_selector("td:text-is('line 249')")
    visit.press("button:text-is('Older lines')")
    visit.page.wait_for_selector("td:text-is('line 149')")
    visit.fill("input[name=q]", "LINE 17")
    visit.press("button:text-is('Search')")
    visit.page.wait_for_selector("td:text-is('line 17')")
    assert "17" not in visit.page.url
    assert visit.page.locator("td:text-is('line 18')").count() == 0
    visit.looks_right()
    visit.press("button:text-is('Fetch newer lines')")
    visit.told("The logs are being read")
    assert visit.site.job("logs")[0] == "failed"  # nothing answers there
