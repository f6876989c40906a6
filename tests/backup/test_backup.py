"""A backup is one moment of the site's rows, restored as a test before it counts, and restored for real below."""

import json
import os
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.backup import keys_file, schedule, site_rows
from exports.models import Incident, Installation, Note, Snapshot
from exports.watch.inspection import inspect
from psynetdata import credentials, jobs
from psynetdata.infra.sealed.keys import StorageKey
from psynetdata.infra.sealed.stream import open_stream
from psynetdata.models import Audit, Deployment, Job, Secret
from psynetdata.psynet.problems import BadInput, Conflict
from tests.mirrored import load
from tests.references import DATA

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

PASSPHRASE = "six words that nobody would guess"


@pytest.fixture
def desk(begin):
    begin("backup", _make_desk)
    return Deployment.objects.get()


def _make_desk():
    load(DATA / "static" / "database.zip")
    deployment = Deployment.objects.get()
    user = get_user_model().objects.create_superuser("ada", password="right")
    user.groups.add(Group.objects.first())
    Note.objects.create(deployment=deployment, author=user, text="Ünïcode 'quoted'\n\u2028 \U0001f600")
    credentials.keep("source 1", "pass word")
    deployment.people.add(user)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def undrilled(monkeypatch):
    """The restore in a process of its own costs seconds; two tests below have it."""
    monkeypatch.setattr("exports.backup.backup._drill", lambda path, counts: None)


def backed_up(typed, place, **environment) -> Path:
    status, out, err = typed("backup", "--to", place)
    assert status == 0, err
    return place / out.split(":")[0]


def test_a_backup_restores_every_row(desk, typed, place, settings, undrilled):
    settings.BACKUP_PASSPHRASE = PASSPHRASE
    sealed = backed_up(typed, place)
    keys = next(place.glob("*.keys"))
    path = place / "plain.zip"
    with sealed.open("rb") as file, path.open("wb") as plain:
        open_stream(file, plain, [StorageKey(keys_file.unseal(keys.read_bytes(), PASSPHRASE)["backup_key"])])
    assert {name.stat().st_mode & 0o77 for name in place.iterdir()} <= {0o44, 0}
    before = {
        model: list(model.objects.order_by("pk").values()) for model in (Deployment, Snapshot, Note, Secret, Audit)
    }
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        lines = archive.read("site.jsonl").splitlines(keepends=True)
    assert sum(manifest["rows"].values()) == len(lines)
    Note.objects.all().delete()
    Audit.objects.all().delete()
    assert site_rows.replace_all(lines) == manifest["rows"]
    assert {model: list(model.objects.order_by("pk").values()) for model in before} == before
    assert get_user_model().objects.get(username="ada").check_password("right")
    assert [user.username for user in Deployment.objects.get().people.all()] == ["ada"]
    assert Note.objects.create(deployment=desk, text="next").pk > before[Note][-1]["id"]


@pytest.mark.each_database
def test_what_others_write_in_the_meantime_is_not_in_it_and_does_not_wait(desk, tmp_path, monkeypatch):
    models = site_rows.site_models

    def busy():
        yield models()[0]
        Note.objects.create(deployment=desk, text="too late")
        yield Note

    monkeypatch.setattr(site_rows, "site_models", busy)
    with (tmp_path / "rows").open("wb") as file:
        counts = site_rows.write(file)
    assert counts["exports.note"] == 1
    assert Note.objects.count() == 2


def test_a_desk_on_an_empty_machine(desk, typed, place, settings, tmp_path):
    """As an administrator does it: an empty folder, the storage, the backup, the passphrase."""
    settings.BACKUP_PASSPHRASE = PASSPHRASE
    status, _, err = typed("export", "--assets", "none", "--path", tmp_path / "before")
    assert status == 0, err
    path = backed_up(typed, place)
    empty = {
        "DATA_DIR": str(tmp_path / "empty"),
        "DATABASE_URL": "",
        "STORAGE_URL": Path(default_storage.location).as_uri(),
        "BACKUP_PASSPHRASE": PASSPHRASE,
    }

    def run(*words) -> subprocess.CompletedProcess:
        command = [sys.executable, django_settings.BASE_DIR / "manage.py", *map(str, words)]
        return subprocess.run(command, env=os.environ | empty, capture_output=True, text=True, timeout=120, check=False)

    assert path.suffix == ".sealed"
    assert b"ada" not in path.read_bytes()
    done = run("restore-desk", path)
    assert (done.returncode, "are restored" in done.stdout) == (0, True), done.stderr
    assert (tmp_path / "empty" / "master_key").stat().st_mode & 0o77 == 0
    done = run("export", "--assets", "none", "--path", tmp_path / "after")
    assert done.returncode == 0, done.stderr
    before, after = (
        {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (tmp_path / "before", tmp_path / "after")
    )
    assert before == after
    done = run("restore-desk", path)
    assert (done.returncode, "already has accounts or deployments" in done.stderr) == (1, True)


def test_without_a_passphrase_there_are_no_keys_and_a_warning(desk, typed, place, undrilled):
    status, out, err = typed("backup", "--to", place)
    assert (status, "without keys" in out, "does not contain the master key" in err) == (0, True, True)
    assert [path.suffix for path in place.iterdir()] == [".zip"]


def test_the_keys_are_closed(settings, monkeypatch):
    monkeypatch.setattr("psynetdata.env.given", {"SLACK_BOT_TOKEN": "xoxb-1", "MASTER_KEY": "m"})
    sealed = keys_file.seal(PASSPHRASE, "key")
    assert b"xoxb-1" not in sealed
    assert settings.SECRET_KEY.encode() not in sealed
    opened = keys_file.unseal(sealed, PASSPHRASE)
    assert (opened["secret_key"], opened["backup_key"]) == (settings.SECRET_KEY, "key")
    assert opened["settings"] == {"SLACK_BOT_TOKEN": "xoxb-1"}
    with pytest.raises(Conflict, match="passphrase does not open"):
        keys_file.unseal(sealed, "another")
    with pytest.raises(BadInput):
        keys_file.unseal(b"junk", PASSPHRASE)


def test_an_encrypted_backup_without_its_keys_or_with_others(desk, typed, place, settings, undrilled):
    settings.BACKUP_PASSPHRASE = PASSPHRASE
    first, second = backed_up(typed, place), backed_up(typed, place)
    other = next(path for path in place.glob("*.keys") if path.name.startswith(second.name.partition(".")[0]))
    status, _, err = typed("restore-desk", first, "--keys", other)
    assert (status, "its keys file is of another backup" in err) == (1, True)
    status, _, err = typed("restore-desk", first, "--check")
    assert (status, "its keys file is needed too" in err) == (1, True)


def test_old_backups_go_and_other_files_stay(desk, typed, place, settings, undrilled):
    settings.BACKUP_KEEP = 2
    place.mkdir()
    (place / "mine.zip").write_bytes(b"mine")
    kept = [backed_up(typed, place).name for _ in range(4)]
    assert sorted(path.name for path in place.iterdir()) == sorted([*kept[-2:], "mine.zip"])


def test_a_backup_that_cannot_be_restored_is_not_kept(desk, typed, place, monkeypatch):
    write = site_rows.write

    def broken(file):
        counts = write(file)
        file.write(b'{"model": "exports.note", "pk": 99, "fields": {"deployment": 12345}}\n')
        return counts

    monkeypatch.setattr(site_rows, "write", broken)
    status, _, err = typed("backup", "--to", place)
    assert (status, "cannot be restored, so it is not kept" in err) == (1, True)
    assert not place.exists() or not list(place.iterdir())


@pytest.mark.parametrize("content", [b"junk", None])
def test_a_file_that_is_no_backup(typed, tmp_path, content):
    path = tmp_path / "x.zip"
    if content:
        path.write_bytes(content)
    status, _, err = typed("restore-desk", path, "--check")
    assert (status, err.count("\n"), "Traceback" in err) == (1, 1, False)


def test_a_backup_of_a_newer_version(desk, typed, place, undrilled):
    path = backed_up(typed, place)
    newer = path.with_name("newer.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(newer, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        manifest["migrations"].append("exports.9999_from_the_future")
        new.writestr("site.jsonl", old.read("site.jsonl"))
        new.writestr("manifest.json", json.dumps(manifest))
    status, _, err = typed("restore-desk", newer, "--check")
    assert (status, "written by a newer version" in err) == (1, True)


def test_places_that_cannot_be_used(typed, tmp_path):
    for words in (["backup"], ["backup", "--to", "ftp://x/y"], ["backup", "--to", tmp_path, "--every", "-1"]):
        status, _, err = typed(*words)
        assert (status, err.count("\n")) == (2, 1), words


# --- by itself ------------------------------------------------------------------------------------------


def test_it_is_due_as_often_as_was_said(desk, tmp_path):
    assert schedule.submit_due() is None
    schedule.set_schedule(str(tmp_path / "backups"), 24)
    job = schedule.submit_due()
    assert job.options == {"place": str(tmp_path / "backups")}
    assert schedule.submit_due() is None
    Job.objects.filter(pk=job.pk).update(state="done", created_at=timezone.now() - timedelta(hours=25))
    assert schedule.submit_due() is not None


def test_no_backup_for_long_is_an_incident(desk, tmp_path, undrilled):
    schedule.set_schedule(str(tmp_path / "backups"), 24)
    inspect()
    assert not Incident.objects.filter(kind="backup").exists()
    job = schedule.submit_due()
    long_ago = timezone.now() - timedelta(hours=60)
    Job.objects.filter(pk=job.pk).update(state="failed", reason="No room.", created_at=long_ago, finished_at=long_ago)
    inspect()
    assert "The last try failed: No room." in Incident.objects.get(kind="backup", ended_at=None).sentence
    jobs.run_here("backup", options={"place": str(tmp_path / "backups")})
    inspect()
    assert not Incident.objects.filter(kind="backup", ended_at=None).exists()


def test_an_older_backup_says_so_and_rebuild_adds_what_it_lacks(desk, typed, place, undrilled):
    path = backed_up(typed, place)
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("site.jsonl").splitlines(keepends=True)
    assert typed("load", DATA / "timeline" / "database.zip")[0] == 0
    typed("prune")
    site_rows.replace_all(lines)
    assert Snapshot.objects.count() == 1
    status, _, err = typed("prune")
    assert (status, "as if restored from a backup" in err) == (1, True)
    assert typed("rebuild")[0] == 0
    assert Snapshot.objects.count() == 2
    assert typed("prune")[0] == 0
    assert Installation.objects.get().prunes > 1
