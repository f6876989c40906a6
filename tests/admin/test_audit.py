"""What somebody does or sees stands in the audit log, whatever the surface: one line with who, of what, and what."""

import json
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver
from django.utils import timezone

from exports.models import Export, ExportArchive, ExportPreset, ExportSchedule, Note, ServerLogs, SourceCode
from psynetdata.anonymize.face.deployment_anonymizer import key_of
from psynetdata.models import ApiToken, Audit, Job, MirroredTable, Record, SavedSheet, SheetLink
from tests.admin.access.hidden_deployment import MIRRORED
from tests.admin.conftest import page_of
from tests.server.test_source_code import code

pytestmark = pytest.mark.django_db(databases="__all__")
ASKED = {"anonymize": "no", "assets": "none", "type": "psynet", "format": "csv", "level": "shared"}
ASKED |= {"pseudonyms": "hmac", "coarsen": "", "snapshot": "", "verb": "start"}
SHEET = {"name": "animals", "base": "trial", "columns": "id\nwho = participant_worker_id", "filters": "", "order": ""}
SETTINGS = {"label": "Renamed", "assets_url": "", "every": "60", "keep_all_hours": "24", "keep_hourly_days": "7",
            "keep_daily_days": "90"}  # fmt: skip
RULE = {"table": "response", "column": "answer", "selector": "q", "shared": "drop", "open": "drop", "kind": "choice"}
PLACE = json.dumps(["response", "answer", "q"])
TICKED = {f"shared {PLACE}": "drop", f"open {PLACE}": "drop", f"kind {PLACE}": "choice", "place": PLACE}
TICKED_ONE = {"confirmed": "yes"}
PASSWORD = {"password1": "kaikoura-2026-x", "password2": "kaikoura-2026-x", "usable_password": "true"}
D, S, E, OURS = (
    "/admin/psynetdata/deployment/{d}/",
    "/admin/exports/snapshot/{s}/",
    "/admin/exports/export/{e}/",
    "/admin/psynetdata/",
)


@dataclass(frozen=True)
class Case:
    """`at`: an address with the world's numbers; `sent`: None to only look; `verb` and `target` of the one line."""

    group: str
    at: str
    sent: dict | list | None
    verb: str
    target: str
    identified: bool = False
    of_deployment: bool = True
    as_json: bool = False


def looks(at: str, target: str) -> Case:
    return Case("data officer", at, None, "view", target, identified=True)


def reads(at: str, target: str) -> Case:
    return Case("data officer", at, None, "read", target, identified=True)


def asks(group: str, at: str, sent, verb: str, target: str, **more) -> Case:
    return Case(group, at, sent, verb, target, as_json=True, **more)


def _lists() -> list[Case]:
    found = []
    for model in MIRRORED:
        at, name = f"{OURS}{model._meta.model_name}/", str(model._meta.verbose_name)
        found.append(looks(f"{at}?deployment={{d}}&q=7", f"list of {model._meta.verbose_name_plural}"))
        found.append(looks(f"{at}{{{model.__name__}}}/change/", "coin 1" if model is Record else f"{name} 1"))
    return found


CASES = [
    *_lists(),
    looks(f"{D}sheets/trial/", "sheet trial"),
    looks(f"{D}logs/", "server logs"),
    looks(f"{D}get-basic-data/", "get_basic_data in the source code"),
    looks(f"{E}change/", "files of export {e}"),
    Case("data officer", f"{OURS}savedsheet/add/", SHEET | {"deployment": "{d}", "_preview": "1"}, "view",
         "sheet animals", identified=True),
    reads("/api/basic_data/?deployment={id}", "sheet all sheets"),
    reads("/api/basic_data/?deployment={id}&sheet=trial", "sheet trial"),
    reads("/api/basic_data/trial/?deployment={id}&limit=1", "sheet trial"),
    reads("/api/basic_data/trial/1/?deployment={id}", "sheet trial"),
    reads("/api/basic_data/trial/?deployment={id}&format=csv", "sheet trial"),
    Case("analyst", "/api/basic_data/trial/?deployment={id}", None, "read", "sheet trial"),
    Case("data officer", "/api/exports/{e}/download/?mode=regular", None, "download", "export {e} regular",
         identified=True),
    Case("analyst", "/api/exports/{e}/download/?mode=anonymous", None, "download", "export {e} anonymous"),
    # Exports.
    Case("data officer", f"{D}export/", ASKED, "export", "export {next_export}", identified=True),
    Case("analyst", f"{D}export/", ASKED | {"anonymize": "yes"}, "export", "export {next_export}"),
    asks("analyst", "/api/exports/", {"deployment": "{id}", "anonymize": "yes"}, "export", "export {next_export}"),
    asks("admin", "/api/exports/{queued}/cancel/", {}, "cancel", "export {queued}"),
    Case("admin", f"{OURS}job/{{queued_job}}/cancel/", {}, "cancel", "job {queued_job}"),
    Case("admin", f"{OURS}job/", TICKED_ONE | {"action": "cancel_selected", "_selected_action": "{queued_job}"},
         "cancel", "job {queued_job}"),
    Case("analyst", f"{E}verify/", {}, "verify", "export {e}"),
    Case("analyst", f"{D}export/", ASKED | {"anonymize": "yes", "verb": "repeat", "every": "7"}, "schedule",
         "scheduled export"),
    Case("admin", f"{D}schedules/{{schedule}}/resume/", {}, "resume", "scheduled export {schedule}"),
    Case("admin", f"{D}schedules/{{schedule}}/remove/", {}, "unschedule", "scheduled export {schedule}"),
    Case("analyst", f"{D}export/", ASKED | {"anonymize": "yes", "verb": "keep", "name": "Mine"}, "keep",
         "export preset", of_deployment=False),
    Case("admin", f"{D}presets/{{preset}}/remove/", {}, "remove", "export preset {preset}", of_deployment=False),
    # Snapshots.
    Case("admin", f"{D}snapshot-now/", {}, "snapshot", "job"),
    asks("admin", "/api/snapshots/", {"deployment": "{id}"}, "snapshot", "job"),
    Case("admin", f"{S}pin/", {}, "pin", "snapshot {s}"),
    Case("admin", f"{S}verify/", {}, "verify", "snapshot {s}"),
    Case("admin", "/admin/exports/snapshot/", TICKED_ONE | {"action": "pin_selected", "_selected_action": "{s}"},
         "pin", "snapshot {s}"),
    # The deployment.
    Case("admin", f"{D}change/", SETTINGS, "change", "{id}"),
    Case("admin", f"{D}change/", SETTINGS | {"label": "Faces", "every": "300"}, "schedule", "{id}"),
    Case("admin", f"{D}change/", SETTINGS | {"label": "Faces", "assets_url": "file:///srv"}, "change", "{id}"),
    Case("admin", f"{D}pause/", {}, "pause", "{id}"),
    Case("admin", f"{D}archive/", {}, "archive", "{id}"),
    asks("admin", "/api/deployments/{d}/pause/", {}, "pause", "{id}"),
    asks("admin", "/api/deployments/{d}/archive/", {}, "archive", "{id}"),
    Case("admin", f"{D}access/", {"restricted": "on"}, "access", "{id}"),
    Case("viewer", f"{D}notes/add/", {"text": "Restarted."}, "add", "note"),
    Case("admin", f"{D}notes/{{note}}/remove/", {}, "remove", "note {note}"),
    # The policy, and keys.
    Case("data officer", f"{D}policy/", TICKED | {"verb": "decide"}, "decide", "response.answer q"),
    Case("data officer", f"{D}policy/", {"verb": "withhold"}, "withhold undecided", ""),
    asks("data officer", "/api/deployments/{d}/decisions/", [RULE], "decide", "response.answer q"),
    Case("data officer", f"{D}export-key/", {}, "export key", "{id}", identified=True),
    Case("data officer", f"{D}destroy-key/", {}, "destroy key", "{id}", identified=True),
    Case("data officer", f"{D}source-code/", {"file": code}, "keep source code", "Faces"),
    # Sheets, links, tokens.
    Case("data officer", f"{OURS}savedsheet/add/", SHEET | {"deployment": "{d}"}, "add", "sheet animals"),
    Case("data officer", f"{OURS}savedsheet/{{sheet}}/change/", SHEET | {"deployment": "{d}", "name": "old"}, "change",
         "sheet old"),
    Case("admin", f"{OURS}savedsheet/{{sheet}}/delete/", {"post": "yes"}, "remove", "sheet old"),
    Case("admin", f"{OURS}savedsheet/", {"action": "delete_selected", "_selected_action": "{sheet}", "post": "yes"},
         "remove", "sheet old"),
    Case("analyst", f"{D}sheets/trial/", {"days": "3"}, "issue", "link"),
    Case("superuser", f"{OURS}sheetlink/{{link}}/revoke/", {}, "revoke", "link {link}"),
    Case("superuser", f"{OURS}sheetlink/", TICKED_ONE | {"action": "revoke_selected", "_selected_action": "{link}"},
         "revoke", "link {link}"),
    Case("analyst", f"{OURS}apitoken/add/", {"name": "mine", "deployments": "{d}"}, "issue", "token"),
    Case("superuser", f"{OURS}apitoken/{{token}}/revoke/", {}, "revoke", "token {token}"),
    # People.
    Case("superuser", "/admin/auth/user/{user}/password/", PASSWORD, "set password", "user someone",
         of_deployment=False),
    Case("superuser", "/admin/auth/user/{user}/delete/", {"post": "yes"}, "remove", "user someone",
         of_deployment=False),
    Case("superuser", "/admin/auth/group/{group}/change/", {"name": "viewer"}, "change", "group viewer",
         of_deployment=False),
    Case("admin", "/admin/exports/incident/test-message/", {}, "send a test message", "", of_deployment=False),
]  # fmt: skip


@pytest.fixture
def world(person, fill, watched, take):
    """{name: number} of one row of everything."""
    fill(1)
    columns = {
        "info": ["id", "origin_id", "participant_id", "answer", "definition", "failed"],
        "participant": ["id", "worker_id", "vars"],
        "node": ["id"],
    }
    for face in ("identified", "anonymous"):
        for table, names in columns.items():
            told = [[name, {"id": "int4", "failed": "bool"}.get(name, "varchar"), False] for name in names]
            MirroredTable.objects.using(face).create(
                deployment_number=watched.number, table=table, state="s", transform="t", columns=told, rows=1
            )
    snapshot, now, owner = take(), timezone.now(), person("superuser").user
    exports = {}
    for state in ("done", "queued"):
        job = Job.objects.create(kind="export", deployment=watched, state=state, owner=owner)
        exports[state] = Export.objects.create(
            deployment=watched, snapshot=snapshot, job=job, owner=owner, options={"anonymize": "both", "assets": "none"}
        )
    for mode in ("anonymous", "regular"):
        name = default_storage.save(f"{mode}.zip", ContentFile(b"0123456789"))
        of = {"export": exports["done"], "mode": mode, "file": name}
        ExportArchive.objects.create(**of, bytes=10, sha256="ab" * 32, manifest={}, report={})
    schedule = ExportSchedule.objects.create(
        deployment=watched, owner=owner, options={"anonymize": "yes"}, every_days=7, due_at=now, stopped_at=now
    )
    SourceCode.objects.create(deployment=watched, bytes=1, sha256="1" * 64)
    parts = [{"file": "logs/none.jsonl.gz", "bytes": 1, "sha256": "0" * 64}]
    ServerLogs.objects.create(deployment=watched, read_at=now, parts=parts)
    key_of(watched)
    someone = person("viewer").user
    someone.username = "someone"
    someone.save()
    found = {
        "d": watched.pk, "id": watched.deployment_id, "s": snapshot.pk, "e": exports["done"].pk,
        "queued": exports["queued"].pk, "queued_job": exports["queued"].job_id, "next_export": exports["queued"].pk + 1,
        "schedule": schedule.pk, "preset": ExportPreset.objects.create(name="x", options={"anonymize": "yes"}).pk,
        "note": Note.objects.create(deployment=watched, text="x").pk, "user": someone.pk,
        "sheet": SavedSheet.objects.create(deployment=watched, name="old", base="trial", columns=[["id", "id"]]).pk,
        "link": SheetLink.issue(owner, deployment=watched, sheet="trial", days=1).pk,
        "token": ApiToken.issue(owner, deployments=[watched])[0].pk, "group": Group.objects.get(name="viewer").pk,
    }  # fmt: skip
    for model in MIRRORED:
        found[model.__name__] = model.objects.using("identified").get(deployment_number=watched.pk).pk
    Audit.objects.all().delete()
    return found


def filled(value, world: dict):
    """The texts of what is sent, with the world's numbers in them."""
    if callable(value):
        return SimpleUploadedFile("mine.zip", value())
    if isinstance(value, str) and not value.startswith("["):
        return value.format(**world)
    return value


def send(client, case: Case, world: dict):
    at = case.at.format(**world)
    if case.sent is None:
        return client.get(at)
    if isinstance(case.sent, list):
        return client.post(at, case.sent, content_type="application/json")
    sent = {name: filled(value, world) for name, value in case.sent.items()}
    return client.post(at, sent, **({"content_type": "application/json"} if case.as_json else {}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.verb}-{case.at.strip('/').replace('/', '.')}")
def test_it_is_on_record_once(person, world, watched, case):
    client = person(case.group)
    answer = send(client, case, world)
    assert answer.status_code in (200, 201, 202, 302), answer.content
    if answer.streaming:
        b"".join(answer.streaming_content)
    (line,) = Audit.objects.all()
    assert (line.verb, line.user, line.username) == (case.verb, client.user, client.user.username)
    assert line.target.startswith(case.target.format(**world))
    assert line.deployment == (watched if case.of_deployment else None)
    assert line.identified == case.identified
    assert "7" not in line.details.values()  # what was searched for may be somebody's id


def test_the_anonymous_face_is_looked_at_without_a_line(person, world):
    client = person("analyst")
    for case in CASES:
        if case.verb == "view" and case.sent is None:
            client.get(case.at.format(**world))
    assert not Audit.objects.exists()


def test_no_address_changes_or_removes_a_line(person, world, watched):
    """Every address of the site, tried by a superuser in every way that a form or a client has."""
    client = person("superuser")
    line = Audit.record("export", user=client.user, deployment=watched, target="export 1", details="x")
    before = Audit.objects.filter(pk=line.pk).values().get()
    own = [str(p.pattern) for p in _patterns(get_resolver().url_patterns) if "audit" in str(p.name)]
    assert len(own) >= 5
    chosen = {"_selected_action": [line.pk], "post": "yes", "select_across": "1", "index": "0"}
    addresses = [f"/admin/psynetdata/audit/{part.replace('<path:object_id>', str(line.pk))}" for part in own]
    for address in [*addresses, f"/admin/psynetdata/audit/{line.pk}/delete/?_popup=1"]:
        for sent in (
            {"verb": "nothing", "post": "yes", "_save": "1"},
            {"action": "delete_selected", **chosen},
            {
                "form-TOTAL_FORMS": "1",
                "form-INITIAL_FORMS": "1",
                "form-0-id": line.pk,
                "form-0-verb": "x",
                "_save": "1",
            },
        ):
            assert client.post(address, sent).status_code in (200, 302, 403, 404), address
        for method in (client.put, client.patch, client.delete):
            assert method(address).status_code in (200, 302, 403, 404, 405), address
    assert Audit.objects.filter(pk=line.pk).values().get() == before
    answer = client.get("/admin/psynetdata/audit/")
    assert "delete_selected" not in answer.content.decode()
    assert answer.context["cl"].formset is None


def _patterns(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern.url_patterns)
        elif pattern.name:
            yield pattern


def test_what_a_line_is_of_can_go_and_the_line_stays(person, world, watched):
    client = person("superuser")
    someone = person("viewer").user
    line = Audit.record("view", user=someone, deployment=watched, target="trial 1")
    client.post(f"/admin/auth/user/{someone.pk}/delete/", {"post": "yes"})
    line.refresh_from_db()
    assert (line.user, line.username, line.deployment, line.target) == (None, someone.username, watched, "trial 1")
    assert page_of(line).startswith("/admin/psynetdata/audit/")
