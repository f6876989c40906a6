"""The policy of a deployment, and who gets its data: for those who look after it."""

import io
import json
import zipfile
from pathlib import Path

from .action_table import action, deployment

POST = "POST psynetdata_deployment"


@action("Who sees it", f"{POST}_set_access")
def access(visit):
    def seen():
        return (
            visit.site.value("SELECT restricted FROM psynetdata_deployment WHERE number = ?", visit.site.n["sample"]),
            visit.site.rows(
                "SELECT user_id FROM psynetdata_deployment_people WHERE deployment_id = ?", visit.site.n["sample"]
            ),
        )

    for people, says in (([(visit.site.n["viewer"],)], "is now seen by viewer"), ([], "is now seen by everybody")):
        visit.open(deployment(visit, "sample"))
        visit.act("Who sees it", menu="More")
        visit.tick("input[name=restricted]")
        visit.tick(f"input[name=people][value='{visit.site.n['viewer']}']")
        visit.confirm("Save")
        visit.told(says)
        assert seen() == (bool(people), people)


@action("The key: out, once, and destroyed", f"{POST}_export_key", f"{POST}_destroy_key")
def key(visit):
    visit.open(deployment(visit, "plain"))
    visit.act("Export the key", menu="Key")
    with visit.download() as got:
        visit.confirm("Export it")
    assert json.loads(Path(got.value.path()).read_text())
    visit.open(deployment(visit, "plain", "export-key/"))
    visit.page.wait_for_selector("text=A key can be exported only once.")
    visit.looks_right()
    before = visit.site.value("SELECT sealed_key FROM psynetdata_deployment WHERE number = ?", visit.site.n["plain"])
    visit.open(deployment(visit, "plain"))
    visit.act("Destroy the key", menu="Key")
    visit.confirm("Destroy it")
    visit.told("is destroyed. Its anonymous face is being rebuilt")
    after = visit.site.value("SELECT sealed_key FROM psynetdata_deployment WHERE number = ?", visit.site.n["plain"])
    assert before != after


@action("Source code, and its get_basic_data", f"{POST}_source_code", "GET psynetdata_deployment_basic_data")
def source_code(visit):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("experiment.py", "class Exp:\n    def get_basic_data(cls):\n        return 1\n")
    visit.open(deployment(visit, "plain"))
    visit.act("Source code", menu="More")
    file = {"name": "source_code.zip", "mimeType": "application/zip", "buffer": held.getvalue()}
    visit.page.set_input_files("input[type=file]", file)
    visit.confirm("Keep it")
    visit.told("is kept")
    sha256 = visit.site.value("SELECT sha256 FROM exports_sourcecode WHERE deployment_id = ?", visit.site.n["plain"])
    stored = visit.site.folder / "storage" / "source_code" / str(visit.site.n["plain"]) / f"{sha256}.zip"
    assert stored.read_bytes() == held.getvalue()
    visit.press("a:text-is('get_basic_data')")
    visit.page.wait_for_selector("pre:has-text('return 1')")
    visit.looks_right()


@action(
    "Policy: looked at, decided, taken back, withheld",
    *(f"{POST}_edit_policy verb={verb}" for verb in ("look", "decide", "forget", "withhold", "scrub")),
)
def edit_policy(visit):
    def decisions():
        return visit.site.value(
            "SELECT count(*) FROM psynetdata_decision WHERE deployment_id = ?", visit.site.n["sample"]
        )

    visit.open(deployment(visit, "sample"))
    visit.act("Edit policy")
    visit.press("button[value=look]")
    visit.page.wait_for_selector("button[value=decide]", timeout=120_000)
    visit.looks_right()
    first = visit.page.locator("input[name=place]").first
    first.check()
    visit.press("button[value=decide]")
    visit.told("Decided about 1.")
    assert decisions() == 1
    visit.looks_right()
    visit.tick("form:has(button[value=forget]) input[name=place]")
    visit.press("button[value=forget]")
    visit.told("1 taken back.")
    assert decisions() == 0
    for verb, says in (
        ("withhold", "What is undecided is withheld."),
        ("scrub", "What is undecided is exported scrubbed."),
    ):
        visit.press(f"button[value={verb}]")
        visit.told(says)


@action("Participants withdraw, from their list and their page, and it is taken back",
        "POST psynetdata_participant_changelist action=withdraw_selected", "POST psynetdata_participant_withdraw",
        "POST exports_withdrawal_take_back")  # fmt: skip
def withdraw(visit):
    number = visit.site.n["sample"]
    one, two = (number << 40 | each for each in (1, 2))
    stands = "SELECT id, participant FROM exports_withdrawal WHERE deployment_id = ? ORDER BY participant"
    visit.open(f"/admin/psynetdata/participant/{two}/change/")
    visit.act("Withdraw")
    visit.confirm("Withdraw them")
    visit.told("Participant 2 withdrew; a worker carries it out.")
    visit.open(f"/admin/psynetdata/participant/?deployment={number}")
    visit.act_on_selected("withdraw_selected", one)
    visit.confirm("Withdraw them")
    visit.told("1 of 1 withdrew; a worker carries it out.")
    rows = visit.site.rows(stands, number)
    assert [participant for _, participant in rows] == [1, 2]
    for row, _ in rows:
        visit.open(f"/admin/exports/withdrawal/{row}/change/")
        visit.act("Take back")
        visit.confirm("Take it back")
        visit.told("It is taken back; a worker carries it out.")
    assert not visit.site.rows(stands, number)
    assert visit.site.audited("withdraw") == 2


@action("Restore: the command, to copy", "GET psynetdata_deployment_restore")
def restore(visit):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open(deployment(visit, "plain"))
    visit.act("Restore", menu="More")
    visit.press("[data-copy]")
    copied = f"manage.py restore {visit.site.n['snapshot']} --database"
    visit.page.wait_for_function("async text => (await navigator.clipboard.readText()).startsWith(text)", arg=copied)


@action("A link to a sheet", "POST psynetdata_deployment_sheet", "GET sheet-link")
def sheet_link(visit):
    visit.open(deployment(visit, "plain", "sheets/participant/"))
    visit.fill("input[name=days]", "3")
    visit.press("button:text-is('Create link')")
    link = visit.page.locator("#new-link").inner_text()
    visit.looks_right()
    answer, rows = visit.page.context.request.get(link), visit.page.locator("dt:text-is('rows') + dd").inner_text()
    assert (answer.status, len(answer.json())) == (200, int(rows))
    visit.page.evaluate("link => fetch(link)", link)
    assert visit.site.rows("SELECT sheet, revoked FROM psynetdata_sheetlink ORDER BY id DESC LIMIT 1") == [
        ("participant", 0)
    ]
