"""The second copy of the storage follows it, loses only what was decided, and gives back what is damaged."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage, storages
from django.utils import timezone

from exports.assets import asset_files
from exports.models import CopiedFile, DecidedDeletion, Installation, SecondCopy, Snapshot, StoredAsset
from exports.operations.storage_check import verify_snapshot
from exports.store import installation, manifests
from exports.store.blobs import file_of
from exports.store.second_copy import WrongCopy
from exports.store.second_copy.place import FOLDERS, CopyAway
from psynetdata import jobs
from psynetdata.env import local_storage, sealed, storage
from tests.operations.aged_snapshots import age, prune, taken
from tests.operations.encrypted_desk import OLD
from tests.operations.test_rehash import asset_of, check, spoil
from tests.store.snapshot_factory import written_down
from tests.store.test_repair import ROWS, blob_of, damage

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def place(settings, tmp_path):
    """The second copy is a folder."""
    settings.STORAGES = {**settings.STORAGES, "second_copy": local_storage(tmp_path / "second")}
    return tmp_path / "second"


def copy() -> dict:
    return jobs.run_here("copy").result


def contents(folder: Path) -> dict[str, bytes]:
    every = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in every.items() if name.partition("/")[0] in FOLDERS}


def test_it_gets_what_existed_before_and_what_comes_later(place, own_storage):
    first = written_down(ROWS)
    asset_of(first)
    assert copy()["copied"] == len(contents(own_storage))
    assert contents(place) == contents(own_storage)
    assert (place / "installation.json").read_bytes() == (own_storage / "installation.json").read_bytes()
    assert copy()["copied"] == 0
    written_down({"die": [["id", "text"], ["1", "x"]]}, "two")
    manifests.save_due()
    assert copy()["copied"] > 0
    assert contents(place) == contents(own_storage)
    assert SecondCopy.objects.get().complete_at
    assert not SecondCopy.objects.get().waiting_files


def test_a_file_that_is_written_again_is_copied_again(place, own_storage):
    snapshot = written_down(ROWS)
    manifests.save_due()
    copy()
    snapshot.pinned = True
    Snapshot.objects.filter(pk=snapshot.pk).update(pinned=True, manifest_due=True)
    manifests.save_due()
    assert copy()["copied"] == 1
    assert contents(place) == contents(own_storage)


def test_a_run_that_ends_early_is_continued(place, own_storage, monkeypatch):
    written_down(ROWS)
    monkeypatch.setattr("exports.operations.upkeep_schedule.SECONDS", 0.0)
    left = copy()["left"]
    assert left == len(contents(own_storage)) == SecondCopy.objects.get().waiting_files
    assert SecondCopy.objects.get().waiting_bytes == sum(map(len, contents(own_storage).values()))
    assert SecondCopy.objects.get().complete_at is None
    monkeypatch.undo()
    assert copy()["copied"] == left


def test_what_vanishes_stays_in_the_copy(place, own_storage):
    snapshot = written_down(ROWS)
    copy()
    before = contents(place)
    shutil.rmtree(own_storage / "snapshots")
    copy()
    assert contents(place) == before
    assert verify_snapshot(snapshot).problems == []  # and it is put back from there


def test_what_retention_decides_reaches_it(place, own_storage):
    taken("old", days=200), taken("new")
    manifests.save_due()
    copy()
    before = set(contents(place))
    age()
    prune()
    gone = before - set(contents(own_storage))
    assert gone
    assert copy()["deleted"] >= len(gone)
    assert set(contents(place)) == set(contents(own_storage))
    assert not DecidedDeletion.objects.exists()


def test_a_quarantine_that_is_over_does_not_reach_it(place, own_storage):
    snapshot = written_down(ROWS)
    copy()
    name = file_of(blob_of(snapshot), "csv")
    Snapshot.objects.all().delete()
    taken("new")
    age()
    prune(quarantined=True)
    assert not default_storage.exists(name)
    copy()
    assert name in contents(place)


def test_what_is_erased_reaches_it_even_if_it_was_switched_off_meanwhile(place, own_storage, settings):
    asset = asset_of(written_down(ROWS))
    copy()
    switched_on = settings.STORAGES
    settings.STORAGES = {name: entry for name, entry in switched_on.items() if name != "second_copy"}
    asset_files.forget(asset.deployment, [1])
    settings.STORAGES = switched_on
    assert asset.file in contents(place)
    assert copy()["deleted"] == 1
    assert asset.file not in contents(place)


def test_a_file_that_was_stored_again_is_not_deleted(place, own_storage):
    snapshot = written_down(ROWS)
    asset = asset_of(snapshot)
    copy()
    asset_files.forget(asset.deployment, [1])
    asset_of(snapshot)
    assert copy()["deleted"] == 0
    assert contents(place) == contents(own_storage)


# --- whose copy it is ------------------------------------------------------------------------------------


def refused(match: str) -> None:
    before = SecondCopy.objects.filter(refused=True).exists()
    with pytest.raises(WrongCopy, match=match):
        copy()
    assert SecondCopy.objects.get().refused
    assert not before


def test_of_another_installation(place, typed):
    written_down(ROWS)
    place.mkdir()
    (place / "installation.json").write_text('{"installation": "another", "prunes": 0}')
    refused("belongs to another installation")
    assert [path.name for path in place.iterdir()] == ["installation.json"]
    status, _, err = typed("adopt", "--copy")
    assert (status, err) == (0, "")
    assert copy()["copied"] > 0
    assert not SecondCopy.objects.get().refused


def test_a_place_that_holds_data_but_no_id(place):
    (place / "snapshots").mkdir(parents=True)
    (place / "snapshots" / "x").write_text("x")
    written_down(ROWS)
    refused("carries no id")


def test_a_folder_that_is_not_mounted(place):
    written_down(ROWS)
    copy()
    place.rename(place.with_name("unmounted"))
    refused("Is its folder mounted")
    assert not place.exists()


def test_an_older_database(place):
    written_down(ROWS)
    copy()
    mark = place / "installation.json"
    mark.write_text(mark.read_text().replace('"prunes": 0', '"prunes": 3'))
    refused("newer than this database")


def test_another_place_begins_empty(place, own_storage, settings, tmp_path):
    written_down(ROWS)
    copy()
    settings.STORAGES = {**settings.STORAGES, "second_copy": local_storage(tmp_path / "third")}
    copy()
    assert contents(tmp_path / "third") == contents(own_storage)


def test_a_former_copy_is_not_sent_again(place, own_storage, typed):
    written_down(ROWS)
    copy()
    installation.adopt()
    refused("belongs to another installation")
    typed("adopt", "--copy")
    assert copy()["copied"] == 0
    assert CopiedFile.objects.count() == len(contents(own_storage))


def test_a_place_that_is_away_stops_nothing(place, own_storage, monkeypatch):
    snapshot = written_down(ROWS)
    place.write_text("a file where the folder should be")
    with pytest.raises(CopyAway, match="STORAGE_MIRROR_URL"):
        copy()
    first = SecondCopy.objects.get()
    assert first.failing_since
    assert not first.refused
    damage(blob_of(snapshot))
    assert len(verify_snapshot(snapshot).problems) == 1
    with pytest.raises(CopyAway):
        copy()
    assert SecondCopy.objects.get().failing_since == first.failing_since
    place.unlink()
    copy()
    assert SecondCopy.objects.get().failing_since is None


# --- damage ----------------------------------------------------------------------------------------------


def test_the_storage_is_healed_from_it(place, own_storage):
    snapshot = written_down(ROWS)
    asset = asset_of(snapshot)
    copy()
    before = contents(own_storage)
    damage(blob_of(snapshot))
    spoil(asset.file)
    assert check()["repaired"] == 2
    assert contents(own_storage) == before
    assert StoredAsset.objects.get().source


def test_it_is_healed_from_the_storage(place, own_storage):
    snapshot = written_down(ROWS)
    asset = asset_of(snapshot)
    manifests.save_due()
    copy()
    (place / asset.file).unlink()
    (place / file_of(blob_of(snapshot), "csv")).write_bytes(b"damage")
    (place / Snapshot.objects.get().manifest).write_bytes(b"damage")
    assert check()["copies"] == 3
    assert copy()["copied"] == 3
    assert contents(place) == contents(own_storage)
    assert check()["copies"] == 0


def test_damage_on_both_sides_is_not_copied(place, own_storage):
    snapshot = written_down(ROWS)
    copy()
    name = file_of(blob_of(snapshot), "csv")
    damage(blob_of(snapshot))
    (place / name).write_bytes(b"other damage")
    result = check()
    assert (result["damaged"], result["repaired"], result["copies"]) == (1, 0, 0)


def test_with_encryption_the_copy_is_as_unreadable_as_the_storage(place, own_storage, settings):
    settings.STORAGE_KEYS = [OLD]
    settings.STORAGES = {**settings.STORAGES, "default": sealed(local_storage(own_storage), [OLD])}
    snapshot = written_down(ROWS)
    copy()
    assert contents(place) == contents(own_storage)
    assert all(data.startswith(b"PSYNSEAL") for data in contents(place).values())
    shutil.rmtree(own_storage / "snapshots")
    assert check()["repaired"] > 0
    assert verify_snapshot(snapshot).problems == []


def test_what_is_encrypted_later_does_not_stay_clear_in_the_copy(place, own_storage, settings):
    asset_of(written_down(ROWS))
    copy()
    settings.STORAGE_KEYS = [OLD]
    settings.STORAGES = {**settings.STORAGES, "default": sealed(local_storage(own_storage), [OLD])}
    jobs.run_here("encrypt")
    copy()
    assert contents(place) == contents(own_storage)
    assert all(data.startswith(b"PSYNSEAL") for data in contents(place).values())


def test_rebuild_works_from_it(place, own_storage, settings, tmp_path, typed, django_db_setup):
    taken("one")
    manifests.save_due()
    copy()
    django_db_setup.reset()
    new = {name: entry for name, entry in settings.STORAGES.items() if name != "second_copy"}
    settings.STORAGES = {**new, "default": local_storage(tmp_path / "new")}
    status, out, err = typed("rebuild", "--from", place.as_uri())
    assert (status, err) == (0, "")
    assert "1 deployments, 1 snapshots" in out
    assert verify_snapshot(Snapshot.objects.get()).problems == []


def test_a_database_works_with_it_in_place_of_the_storage(place, own_storage, settings, tmp_path, typed):
    """As after `restore-desk` with STORAGE_URL set to the second copy."""
    snapshot = written_down(ROWS)
    copy()
    shutil.rmtree(own_storage)
    settings.STORAGES = {**settings.STORAGES, "default": local_storage(place)}
    assert installation.check() == Installation.objects.get()
    assert verify_snapshot(snapshot).problems == []


def test_in_swift(own_storage, settings, swift_server, bucket):
    settings.STORAGES = {**settings.STORAGES, "second_copy": storage(swift_server.url(bucket, "second"))}
    snapshot = written_down(ROWS)
    asset = asset_of(snapshot)
    assert copy()["copied"] == len(contents(own_storage))
    damage(blob_of(snapshot))
    assert verify_snapshot(snapshot).problems == []
    asset_files.forget(asset.deployment, [1])
    result = copy()
    assert (result["copied"], result["deleted"]) == (1, 1)  # the repaired pack has another time
    assert not storages["second_copy"].exists(asset.file)


def test_over_sftp(own_storage, settings, known_ssh_server, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "second_copy": storage(known_ssh_server.url(tmp_path / "second"))}
    snapshot = written_down(ROWS)
    copy()
    assert contents(tmp_path / "second") == contents(own_storage)
    damage(blob_of(snapshot))
    assert verify_snapshot(snapshot).problems == []


def test_the_schedule(place, monkeypatch):
    from exports.operations.upkeep_schedule import submit_due

    monkeypatch.setattr("psynetdata.jobs._send", lambda job: None)
    job = submit_due()
    assert job.kind == "copy"
    assert submit_due() is None
    jobs.run(job.pk)
    assert submit_due() is None
    jobs.Job.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert submit_due().kind == "copy"
