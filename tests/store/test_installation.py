"""Database and storage carry one id; where they do not, nothing is written and nothing is deleted."""

import json
import shutil
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from exports.models import DeploymentManifest, Incident, Installation, QuarantinedFile, ReleasedFile, Snapshot
from exports.operations.storage_check import verify_snapshot
from exports.store import installation, manifests
from exports.store.installation import FILE, WrongStorage, check, count_prune, read_mark
from exports.watch.inspection import inspect
from psynetdata import jobs
from psynetdata.env import local_storage, storage
from psynetdata.models import Deployment, Job
from tests.operations.aged_snapshots import age, prune, stored, taken

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def forget_everything() -> None:
    """The database is a new one."""
    for model in (Job, Snapshot, Deployment, Installation, QuarantinedFile, ReleasedFile):
        model.objects.all().delete()


@pytest.fixture
def desk():
    """A desk with a snapshot, and an old one that a prune will let go."""
    taken("old", days=200)
    snapshot = taken("new")
    check()
    age()
    return snapshot


def refused() -> str:
    """A prune and a load fail, nothing in the storage changes, and there is an alarm. Return the sentence."""
    before = {name: Path(default_storage.path(name)).read_bytes() for name in stored() | {FILE} if _is_there(name)}
    with pytest.raises(WrongStorage) as problem:
        prune()
    with pytest.raises(WrongStorage):
        jobs.run_here("snapshot")
    assert {name: Path(default_storage.path(name)).read_bytes() for name in before} == before
    assert len(stored()) == len(before.keys() - {FILE})
    inspect()
    assert Incident.objects.get(kind="installation", ended_at=None).sentence == problem.value.sentence
    return problem.value.sentence


def _is_there(name: str) -> bool:
    return Path(default_storage.path(name)).is_file()


def test_a_new_desk_gets_an_id_once():
    first = check()
    assert json.loads(Path(default_storage.path(FILE)).read_text()) == {
        "installation": first.installation_id, "prunes": 0, "format": 1,
    }  # fmt: skip
    assert check().installation_id == first.installation_id
    assert Installation.objects.count() == 1


def test_a_desk_from_before_ids_existed_gets_one(desk):
    Path(default_storage.path(FILE)).unlink()
    Installation.objects.all().delete()
    row = check()
    assert row.created_at <= desk.stored_at
    assert prune()["deployments"]["made__launch"]["goes"] == 1
    assert verify_snapshot(desk).problems == []


def test_an_empty_database(desk):
    forget_everything()
    assert "belongs to another installation" in refused()


def test_an_empty_database_on_a_storage_from_before_ids_existed(desk):
    forget_everything()
    Path(default_storage.path(FILE)).unlink()
    assert "already holds data" in refused()


def test_the_database_of_another_desk(desk):
    Installation.objects.update(installation_id="0" * 32)
    assert "give it its own" in refused()


def test_an_older_copy_of_the_database(desk):
    before = Installation.objects.get()
    prune()
    Installation.objects.filter(pk=before.pk).update(prunes=before.prunes, pruned_at=before.pruned_at)
    assert "as if restored from a backup" in refused()


def test_a_folder_that_is_not_mounted(desk, settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": local_storage(tmp_path / "mount-point")}
    assert "Is its folder mounted" in refused()
    assert not (tmp_path / "mount-point").exists()


def test_a_folder_that_is_not_mounted_on_a_desk_from_before_ids_existed(desk, settings, tmp_path):
    Installation.objects.all().delete()
    settings.STORAGES = {**settings.STORAGES, "default": local_storage(tmp_path / "mount-point")}
    assert "none of the files that the database names" in refused()


def test_a_mount_that_is_lost_while_a_job_writes(desk, monkeypatch):
    from exports.store import writer

    finish = writer.StoreWriter.finish

    def unmounted(self):
        Path(default_storage.path(FILE)).unlink()
        finish(self)

    monkeypatch.setattr(writer.StoreWriter, "finish", unmounted)
    count = Snapshot.objects.count()
    with pytest.raises(WrongStorage):
        taken("newest")
    assert Snapshot.objects.count() == count


def test_a_mount_that_is_lost_while_manifests_are_written(desk, monkeypatch):
    """They are written again, though the empty folder took them."""
    to_json = manifests.to_json

    def unmounted(content):
        Path(default_storage.path(FILE)).unlink(missing_ok=True)
        return to_json(content)

    monkeypatch.setattr(manifests, "to_json", unmounted)
    with pytest.raises(WrongStorage):
        manifests.save_due()
    assert Snapshot.objects.filter(manifest_due=True).count() == Snapshot.objects.count() > 0
    assert not DeploymentManifest.objects.exclude(sha256="").exists()


def test_a_bucket(bucket, swift_server, settings):
    settings.STORAGES = {**settings.STORAGES, "default": storage(swift_server.url(bucket, "lab"))}
    with pytest.raises(FileNotFoundError):
        default_storage.open(FILE)
    first = check()
    assert check().installation_id == first.installation_id == read_mark().installation_id
    count_prune()
    assert read_mark().prunes == 1
    Installation.objects.all().delete()
    with pytest.raises(WrongStorage):
        check()


def test_a_storage_of_a_newer_version(desk):
    path = Path(default_storage.path(FILE))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    assert "newer version of psynetdata" in refused()


def test_a_mark_that_cannot_be_read(desk):
    Path(default_storage.path(FILE)).write_bytes(b"junk")
    assert "cannot be read" in refused()


def test_alarms_go_out_and_nothing_else_is_begun(desk, monkeypatch):
    Installation.objects.update(installation_id="0" * 32)
    begun = []
    monkeypatch.setattr(
        jobs, "_each_minute", [(lambda: begun.append("work"), False), (lambda: begun.append("alarms"), True)]
    )
    jobs.tick()
    assert begun == ["alarms"]


def test_a_crash_between_the_two_counts_of_a_prune(desk):
    Installation.objects.update(prunes=5)
    check()
    prune()
    assert read_mark().prunes == 6


def test_a_prune_that_counts_while_somebody_checks(desk, monkeypatch):
    """Not an older database. Found with a slow S3 storage: the desk was "ill" until the next check."""

    def read_late():
        monkeypatch.undo()
        count_prune()
        return read_mark()

    monkeypatch.setattr(installation, "read_mark", read_late)
    assert check().prunes == read_mark().prunes == 1


def test_workers_do_not_start(desk, typed):
    Installation.objects.update(installation_id="0" * 32)
    status, out, err = typed("serve", "--only", "workers")
    assert (status, out) == (1, "")
    assert err.startswith("The storage belongs to another installation")


# --- adopt --------------------------------------------------------------------------------------------


def test_adopt_is_a_deliberate_act(desk, typed):
    forget_everything()
    before = read_mark()
    status, _, err = typed("adopt")
    assert status == 2
    assert "add --yes to confirm" in err
    assert read_mark() == before
    status, _, _ = typed("adopt", "--yes")
    assert (status, read_mark().installation_id != before.installation_id) == (0, True)
    check()
    assert "belong together already" in typed("adopt", "--yes")[1]


def test_after_adopting_nothing_that_was_there_is_deleted(desk, typed):
    forget_everything()
    typed("adopt", "--yes")
    taken("another", name="another")
    age()
    before = stored()
    for _ in range(3):
        prune()
    QuarantinedFile.objects.update(prunes=100, found_at=desk.stored_at.replace(year=2020))
    assert "younger" in prune()["stopped"][0]
    assert stored() == before


def test_adopting_locks_the_other_desk_out(desk, typed, tmp_path):
    other = Installation.objects.get()
    shutil.copytree(default_storage.location, tmp_path / "copy")
    forget_everything()
    typed("adopt", "--yes")
    Installation.objects.update(installation_id=other.installation_id)
    with pytest.raises(WrongStorage):
        check()
