"""The logs of a lab's server: read through its login, kept here, exported, searched on the desk."""

import hashlib
import json
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.capture.take import take
from exports.models import ServerLogs
from exports.operations import deployments
from exports.operations.storage_check import verify_logs
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.server import log_search, logs
from exports.sources.base import NoLogs
from exports.sources.postgres import Unreachable
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.logline import LogLine, parse

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def app(lab):
    """The name of an app that writes logs; its file is `lab.home / "dallinger" / app / "logs.jsonl"`."""
    name = lab.app()
    (lab.home / "dallinger" / name).mkdir(parents=True)
    return name


def file_of(lab, app):
    return lab.home / "dallinger" / app / "logs.jsonl"


def entries(first: int, count: int, level: str = "INFO") -> bytes:
    lines = (
        {"timestamp": f"2026-11-02 09:{n // 60:02}:{n % 60:02},1", "level": level, "message": f"Entry {n} Übung"}
        for n in range(first, first + count)
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def whole(deployment) -> bytes:
    return b"".join(logs.all_of(ServerLogs.objects.get(deployment=deployment)))


def test_they_are_read_on_from_where_the_last_reading_ended(lab, app, monkeypatch):
    monkeypatch.setattr(logs, "PART", 4096)
    running, file = lab.add(app), file_of(lab, app)
    with pytest.raises(NoLogs, match=f"there are no logs at ~/dallinger/{app}/logs.jsonl"):
        logs.fetch(running)
    file.write_bytes(entries(0, 100))
    row = logs.fetch(running)
    assert whole(running) == entries(0, 100)
    assert len(row.parts) > 1
    assert all(logs.lines_of(row, number).endswith(b"\n") for number in range(len(row.parts)))
    offset = row.offset
    with file.open("ab") as more:
        more.write(b'{"half": ')
    assert logs.fetch(running).offset == offset + 9
    with file.open("ab") as more:
        more.write(b"1}\n")
    parts = len(logs.fetch(running).parts)
    assert whole(running) == entries(0, 100) + b'{"half": 1}\n'
    assert parts <= len(row.parts) + 1
    # Parts that were filled up stay a day for whoever reads them, and are gone then.
    replaced = ServerLogs.objects.get().replaced
    assert replaced
    ServerLogs.objects.update(replaced={name: (timezone.now() - timedelta(days=2)).isoformat() for name in replaced})
    row = logs.fetch(running)
    assert (row.replaced, [name for name in replaced if default_storage.exists(name)]) == ({}, [])
    assert verify_logs(row).problems == []
    # Another file in its place is read from its beginning; what was read stays.
    file.write_bytes(entries(500, 3))
    logs.fetch(running)
    assert whole(running) == entries(0, 100) + b'{"half": 1}\n' + entries(500, 3)
    default_storage.delete(row.parts[0]["file"])
    assert len(verify_logs(ServerLogs.objects.get()).problems) == 1


def test_a_server_that_goes_away_in_the_middle(lab, app, monkeypatch):
    """What was read stays, and the next reading goes on there."""
    monkeypatch.setattr(logs, "PART", 1 << 20)
    running, file = lab.add(app), file_of(lab, app)
    file.write_bytes(entries(0, 60_000))
    looks = []

    def look():
        looks.append(None)
        if len(looks) == 3:
            lab.server.stop()

    with pytest.raises(Unreachable):
        logs.fetch(running, check_cancelled=look)
    read = ServerLogs.objects.get().offset
    assert 0 < read < file.stat().st_size
    lab.server.start()
    logs.fetch(running)
    assert hashlib.sha256(whole(running)).digest() == hashlib.sha256(file.read_bytes()).digest()


def test_memory_follows_a_part(lab, app, monkeypatch):
    """A file of 16 MiB, in parts of a quarter of one."""
    monkeypatch.setattr(logs, "PART", 1 << 18)
    running, file = lab.add(app), file_of(lab, app)
    block = entries(0, 2048)
    with file.open("wb") as out:
        while out.tell() < 16 << 20:
            out.write(block)
    tracemalloc.start()
    row = logs.fetch(running)
    for _ in logs.all_of(row):
        pass
    found = log_search.search(row, "no such words")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (row.bytes, found.lines) == (file.stat().st_size, [])
    assert peak < 8 << 20


def exported(deployment, anonymize: str = "no"):
    export = request_export(deployment, ExportOptions(anonymize, assets="none"), here=True)
    run_here(export)
    return {archive.mode: archive for archive in export.archives.all()}


def members(archive) -> dict[str, bytes]:
    with default_storage.open(archive.file) as file, zipfile.ZipFile(file) as found:
        return {name: found.read(name) for name in found.namelist() if name in ("logs.jsonl", "manifest.json")}


def test_a_regular_export_has_them_and_an_anonymous_one_never(lab, app):
    running, file = lab.add(app), file_of(lab, app)
    take(running)
    file.write_bytes(entries(0, 10) + b"not JSON \xff\xfe at all\n")
    archives = exported(running, "both")
    found = members(archives["regular"])
    assert found["logs.jsonl"] == file.read_bytes()
    (told,) = [one for one in json.loads(found["manifest.json"])["files"] if one["path"] == "logs.jsonl"]
    assert told["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "logs.jsonl" not in members(archives["anonymous"])
    # Away: what is here is taken, and the manifest says so. Archived: there is nothing to say.
    lab.server.stop()
    archive = exported(running)["regular"]
    assert members(archive)["logs.jsonl"] == found["logs.jsonl"]
    (note,) = [note for note in archive.manifest["notes"] if "logs" in note]
    assert "they end at the last reading" in note
    deployments.archive(running)
    assert Job.objects.filter(kind=logs.KIND, state="queued").count() == 1  # the last reading
    archive = exported(running)["regular"]
    assert members(archive)["logs.jsonl"] == found["logs.jsonl"]
    assert not [note for note in archive.manifest["notes"] if "logs" in note]
    default_storage.delete(ServerLogs.objects.get().parts[0]["file"])
    archive = exported(running)["regular"]
    assert "logs.jsonl" not in members(archive)
    assert [note for note in archive.manifest["notes"] if "missing from the storage" in note]


def test_they_are_read_each_hour(lab, app):
    running = lab.add(app)
    (job,) = logs.send_due()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, "there are no logs" in job.result["missing"]) == ("done", True)
    assert logs.send_due() == []
    Job.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert len(logs.send_due()) == 1
    Job.objects.all().delete()
    Deployment.objects.filter(pk=running.pk).update(state="finished")
    assert logs.send_due() == []


def kept(deployment, text: bytes) -> ServerLogs:
    row = ServerLogs.objects.create(deployment=deployment)
    for part, size in logs._cut_into_parts(iter([text]), b"", lambda: None):
        row.parts.append(logs._stored(row, part))
        row.offset += size
        logs._write(row)
    return row


@pytest.mark.parametrize(("line", "told"), [
    (b'{"asctime": "t", "levelname": "warning", "msg": "hi"}', LogLine("t", "WARNING", "hi")),
    (b'{"created": 1.5, "level": 30, "message": {"a": 1}}', LogLine("1.5", "30", '{"a": 1}')),
    (b'{"other": 1}', LogLine("", "", '{"other": 1}')), (b"[1]", LogLine("", "", "[1]")),
    (b"Traceback \xff", LogLine("", "", "Traceback �")), (b"[" * 100_000, LogLine("", "", "[" * 100_000)),
])  # fmt: skip
def test_lines_are_read_leniently(line, told):
    assert parse(line) == told


def test_the_page(admin_client, client, django_user_model, monkeypatch):
    monkeypatch.setattr(logs, "PART", 4096)
    deployment = Deployment.objects.create(
        deployment_id="an app", source="ssh", source_url="ssh://a@b/c", state="archived"
    )
    page = f"/admin/psynetdata/deployment/{deployment.pk}/logs/"
    assert admin_client.get(page).status_code == 404
    kept(deployment, entries(0, 300) + b"not JSON at all <b>\n" + entries(300, 1, "ERROR"))
    shown = admin_client.get(page).content.decode()
    assert shown.index("Entry 300 Übung") < shown.index("not JSON at all &lt;b&gt;") < shown.index("Entry 299")
    assert "Entry 200 " not in shown
    older = shown.split('name="before" value="')[1].split('"')[0]
    shown = admin_client.post(page, {"before": older}).content.decode()
    assert "Entry 200 " in shown
    assert "Entry 299 " not in shown
    shown = admin_client.post(page, {"q": "entry 7 übung"}).content.decode()
    assert "Entry 7 Übung" in shown
    assert "Entry 17 " not in shown
    shown = admin_client.post(page, {"level": "ERROR"}).content.decode()
    assert "Entry 300" in shown
    assert "Entry 299" not in shown
    assert "No line matches" in admin_client.post(page, {"q": "nowhere"}).content.decode()
    assert "cannot be searched for" in admin_client.post(page, {"before": "1-x"}).content.decode()
    assert admin_client.post(page, {"read": "1"}).status_code == 403
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_deployment"))
    client.force_login(viewer)
    assert client.get(page).status_code == 403
    assert page not in client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()
    assert page in admin_client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()


def test_a_page_of_a_long_search_ends_in_time_and_goes_on(monkeypatch):
    monkeypatch.setattr(logs, "PART", 4096)
    monkeypatch.setattr(log_search, "LONGEST", -1.0)
    row = kept(Deployment.objects.create(deployment_id="an app"), entries(0, 200))
    found, pages, before = [], 0, None
    while pages == 0 or before:
        page = log_search.search(row, "entry 1", before=before)
        found, pages, before = [*found, *page.lines], pages + 1, page.further
    assert [line.message for line in found] == [
        f"Entry {n} Übung" for n in range(199, -1, -1) if str(n).startswith("1")
    ]
    assert pages == len(row.parts)
