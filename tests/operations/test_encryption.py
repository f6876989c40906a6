"""A desk whose storage is encrypted from the first file on, later, or again with another key."""

import json
import os
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.utils import timezone
from rest_framework.test import APIClient

from exports.models import Export, Incident, Installation, QuarantinedFile, Snapshot, StoredAsset
from exports.operations import rebuild
from exports.operations.storage_check import verify_export, verify_snapshot
from exports.store import installation, quarantine
from exports.store.blobs import file_of
from exports.store.storage_keys import WrongKey
from exports.watch.inspection import inspect
from psynetdata.env import local_storage, sealed, storage
from psynetdata.models import Job
from psynetdata.psynet.problems import Conflict

from .aged_snapshots import prune, taken
from .encrypted_desk import MARK, NEW, OLD, check_secret, files_in, fill, stored_bytes

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture(params=["folder", "bucket", "ssh"])
def backend(request, tmp_path):
    """A STORAGES entry of each kind."""
    if request.param == "folder":
        return local_storage(tmp_path / "storage")
    if request.param == "bucket":
        name = request.getfixturevalue("bucket")
        return storage(request.getfixturevalue("swift_server").url(name, "desk"))
    (tmp_path / "behind").mkdir()
    return storage(request.getfixturevalue("known_ssh_server").url(tmp_path / "behind"))


def test_the_whole_path(backend, keys, typed, marked_zip, tmp_path, django_user_model, monkeypatch):
    keys(OLD, backend=backend)
    monkeypatch.setattr("exports.store.writer.SMALL", 2000)  # packs, and files of their own
    status, _, err = typed("load", marked_zip)
    assert status == 0, err
    status, _, err = typed("export", "--path", tmp_path / "out", "--assets", "none", "--n_parallel", "2")
    assert status == 0, err
    with ZipFile(tmp_path / "out" / "regular" / "database.zip") as archive:
        assert MARK.encode() in archive.read("data/response.csv")
    check_secret(stored_bytes(backend))

    client, export = APIClient(), Export.objects.get()
    client.force_authenticate(django_user_model.objects.create_superuser("admin"))
    archive = export.archives.get(mode="regular")
    url = f"/api/exports/{export.pk}/download/?mode=regular"
    whole = b"".join(client.get(url).streaming_content)
    assert len(whole) == archive.bytes
    start = archive.bytes // 3
    part = client.get(url, headers={"Range": f"bytes={start}-{start + 99_999}"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, whole[start : start + 100_000])
    assert typed("verify", "--all")[0] == 0
    assert typed("prune")[0] == 0
    assert verify_snapshot(Snapshot.objects.get()).problems == []
    assert "So are all others" in typed("storage")[1]


def test_turned_on_later_and_then_with_another_key(keys, own_storage, typed, marked_zip, tmp_path, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 2000)
    fill(tmp_path, typed, marked_zip)
    snapshot, export = Snapshot.objects.get(), Export.objects.get()
    before = stored_bytes(local_storage(own_storage))

    keys(OLD)
    assert "Older ones may not be encrypted" in typed("storage")[1]
    assert json.loads(before["installation.json"]).keys() == {"installation", "prunes", "format"}
    assert (verify_snapshot(snapshot).problems, verify_export(export).problems) == ([], [])
    status, out, err = typed("storage", "encrypt")
    assert (status, "files were encrypted" in out, "So are all others" in out) == (0, True, True), err
    contents = stored_bytes(local_storage(own_storage))
    check_secret(contents)
    assert len(contents) == len(before)
    assert (verify_snapshot(snapshot).problems, verify_export(export).problems) == ([], [])
    assert typed("storage", "encrypt")[1].startswith("0 of ") is False  # manifests are always written again

    keys(NEW, OLD)
    older = default_storage.keys[1].id
    assert f"Older ones need {older}" in typed("storage")[1]
    assert verify_snapshot(snapshot).problems == []
    assert typed("storage", "encrypt")[0] == 0
    assert older not in typed("storage")[1]
    keys(NEW)
    check_secret(stored_bytes(local_storage(own_storage)))
    assert (verify_snapshot(snapshot).problems, verify_export(export).problems) == ([], [])
    assert typed("verify", "--all")[0] == 0
    assert QuarantinedFile.objects.count() == 0
    keys(OLD)
    assert "holds only" in refused()


def refused() -> str:
    with pytest.raises(WrongKey) as problem:
        installation.check()
    return problem.value.sentence


def test_without_the_key_and_with_a_wrong_one(keys, own_storage, typed):
    keys(OLD)
    taken("new")
    installation.check()
    key, before = default_storage.keys[0].id, stored_bytes(local_storage(own_storage))
    for texts, words in (((), "but STORAGE_KEY is not set"), ((NEW,), "write the new one before the old one")):
        keys(*texts)
        assert (key in refused(), words in refused()) == (True, True)
        for command in ("prune", "adopt"):
            status, _, err = typed(command)
            assert (status, words in err) == (1, True), (command, err)
        assert not any(text in refused() for text in (OLD, NEW))
        inspect()
        assert Incident.objects.get(kind="installation", ended_at=None).sentence == refused()
    # Nor does it help to remove what the storage says about it.
    mark = {"installation": Installation.objects.get().installation_id, "prunes": 0}
    (own_storage / "installation.json").write_text(json.dumps(mark))
    assert words in refused()
    (own_storage / "installation.json").write_bytes(before["installation.json"])
    assert stored_bytes(local_storage(own_storage)) == before


@pytest.mark.each_database
def test_clear_files_are_refused_when_all_are_encrypted(keys, own_storage):
    keys(OLD)
    installation.check()
    assert Installation.objects.get().sealed
    snapshot = taken("new")
    state = next(iter(snapshot.tables.values()))["state"]
    pack = own_storage / file_of(state, "json")
    pack.write_bytes(b"\x1f\x8b planted")
    found = verify_snapshot(snapshot).problems
    assert "is not encrypted, though every file of this storage is" in " ".join(found)


def test_one_file_that_was_changed_is_reported_and_the_others_go_on(keys, own_storage, typed):
    keys(OLD)
    snapshot, other = taken("one", name="one"), taken("two", name="two")
    installation.check()
    pack = own_storage / file_of(next(iter(snapshot.tables.values()))["state"], "json")
    data = bytearray(pack.read_bytes())
    data[-20] ^= 1
    pack.write_bytes(data)
    assert "is damaged or was changed" in " ".join(verify_snapshot(snapshot).problems)
    assert verify_snapshot(other).problems == []
    keys(NEW, OLD)
    status, _, err = typed("storage", "encrypt")
    assert (status, "1 of " in err, "the older keys are still needed" in err) == (1, True, True), err
    assert verify_snapshot(other).problems == []
    keys(NEW)
    assert "Set STORAGE_KEY to the right key" in refused()


def test_an_interrupted_encryption_is_continued(keys, own_storage, typed, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    snapshot = taken("new")
    installation.check()
    keys(OLD)
    default_storage.exists("x")
    wrapped, calls = default_storage._wrapped, []
    save = wrapped._save

    def breaks(name, content):
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return save(name, content)

    wrapped._save = breaks
    with pytest.raises(KeyboardInterrupt):
        typed("storage", "encrypt")
    wrapped._save = save
    assert verify_snapshot(snapshot).problems == []
    assert not Installation.objects.get().sealed
    Job.objects.update(heartbeat_at=None)
    assert typed("storage", "encrypt")[0] == 0
    check_secret(stored_bytes(local_storage(own_storage)))
    assert verify_snapshot(snapshot).problems == []


def test_it_needs_a_key_and_no_prune_beside_it(keys, typed):
    status, _, err = typed("storage", "encrypt")
    assert (status, "set STORAGE_KEY" in err) == (2, True)
    assert typed("storage")[1] == "The storage is not encrypted.\n"
    keys(backend=storage("s3://bucket/desk"))
    assert "It is not this machine's own, so set STORAGE_KEY" in typed("storage")[1]
    keys(OLD)
    other = Job.objects.create(
        kind="encrypt", state=Job.State.RUNNING, heartbeat_at=timezone.now(), options={"alone": True}
    )
    with pytest.raises(Conflict, match="An encryption of the storage is running"):
        prune()
    Job.objects.filter(pk=other.pk).update(kind="prune")
    assert "Another prune is running" in typed("storage", "encrypt")[2]


def test_prune_and_quarantine_know_encrypted_files_by_their_stored_names(keys, own_storage, monkeypatch, typed):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    monkeypatch.setattr(quarantine, "MOST", 1.0)
    keys(OLD)
    installation.check()
    taken("old", days=200)
    new = taken("new")
    kept = "cd34" + "1" * 60
    for content in ("ef56" + "2" * 60, kept):
        default_storage.save(f"assets/{content[:2]}/{content[2:4]}/{content}", ContentFile(b"asset"))
    StoredAsset.objects.create(deployment=new.deployment, asset_id=1, sha256=kept, bytes=5, source="x" * 64)
    lost = f"snapshots/ab/12/ab12{'0' * 60}.csv.gz"
    default_storage.save(lost, ContentFile(b"the only copy"))
    (stored,) = default_storage.stored_names(lost)
    for path in files_in(own_storage):
        os.utime(path, (1e9, 1e9))
    result = prune()
    assert (result["store"]["files"], result["quarantined"]["files"]) == (2, 2)
    assert QuarantinedFile.objects.filter(name=stored).exists()
    assert verify_snapshot(new).problems == []
    QuarantinedFile.objects.update(found_at=timezone.now() - timedelta(days=6))
    # Its name follows when another key comes, and so does the time that it has been there.
    keys(NEW, OLD)
    assert typed("storage", "encrypt")[0] == 0
    keys(NEW)
    (renamed,) = default_storage.stored_names(lost)
    assert QuarantinedFile.objects.get(name=renamed).found_at < timezone.now() - timedelta(days=5)
    assert Installation.objects.get().created_at > timezone.now() - timedelta(hours=1)
    monkeypatch.setattr("exports.store.garbage.GRACE", timedelta())
    monkeypatch.setattr("exports.store.asset_garbage.GRACE", timedelta())
    assert prune(quarantined=True)["store"]["files"] == 1
    assert not default_storage.exists(lost)
    assert default_storage.exists(f"assets/cd/34/{kept}")
    assert not default_storage.exists(f"assets/ef/56/ef56{'2' * 60}")
    assert verify_snapshot(new).problems == []


def test_a_desk_from_an_encrypted_store_alone(keys, own_storage, typed, tmp_path, django_db_setup, marked_zip):
    keys(OLD)
    assert typed("load", marked_zip)[0] == 0
    assert typed("storage", "encrypt")[0] == 0  # writes the manifests
    django_db_setup.reset()
    rebuilt = rebuild.rebuild()
    assert (rebuilt.snapshots, rebuilt.problems) == (1, [])
    assert verify_snapshot(Snapshot.objects.get()).problems == []
    # The files of another encrypted storage come under their own names.
    django_db_setup.reset()
    keys(NEW, backend=local_storage(tmp_path / "another"))
    other = storages.create_storage(sealed(local_storage(own_storage), [OLD], clear=True))
    assert rebuild.copy_from(other) > 2
    assert rebuild.rebuild().snapshots == 1
    assert verify_snapshot(Snapshot.objects.get()).problems == []
    check_secret(stored_bytes(local_storage(tmp_path / "another")))
