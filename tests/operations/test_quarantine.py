"""What nothing refers to, though nobody decided so, stays; and what makes a prune delete nothing at all."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone

from exports.models import Incident, Installation, QuarantinedFile, ReleasedFile, Snapshot, StoredAsset
from exports.models.asset import file_of
from exports.operations import prune as prune_module
from exports.operations.storage_check import verify_snapshot
from exports.store import installation, quarantine
from exports.watch.inspection import inspect
from psynetdata.models import Deployment, Job

from .aged_snapshots import age, held, prune, stored, taken

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

LOST = "ab" * 16


@pytest.fixture(autouse=True)
def few_files_count(monkeypatch):
    """Tests have few files; how many may go at once has a test of its own."""
    monkeypatch.setattr(quarantine, "MOST", 1.0)


def lost_file(name=f"snapshots/ab/ab/{LOST}.pack", hours=1000) -> str:
    """A file of ours that no row names, as old as that."""
    default_storage.save(name, ContentFile(b"the only copy"))
    moment = timezone.now().timestamp() - hours * 3600
    os.utime(default_storage.path(name), (moment, moment))
    installation.check()
    Installation.objects.update(created_at=timezone.now() - timedelta(days=365))
    return name


def pass_days(days: float) -> None:
    """Everything that is noted about the quarantine was noted so much earlier."""
    earlier = timedelta(days=days)
    QuarantinedFile.objects.update(found_at=F("found_at") - earlier, last_found_at=F("last_found_at") - earlier)
    Installation.objects.update(pruned_at=F("pruned_at") - min(earlier, timedelta(days=1)))


def prune_for(days: int) -> dict:
    for _ in range(days):
        pass_days(1)
        result = prune()
    return result


def test_it_stays_for_thirty_days_and_is_listed(typed):
    taken("new")
    name = lost_file()
    assert prune()["quarantined"] == {"files": 1, "bytes": 13, "waits": False}
    prune_for(29)
    assert name in stored()
    assert QuarantinedFile.objects.get().prunes == 30
    status, out, _ = typed("quarantine")
    assert status == 0
    assert name in out
    assert "1 files in quarantine" in out
    assert prune_for(1)["store"]["files"] == 1
    assert name not in stored()
    assert not QuarantinedFile.objects.exists()


def test_a_clock_that_jumps_ends_no_quarantine():
    taken("new")
    name = lost_file()
    prune()
    pass_days(1000)
    prune()
    assert name in stored()


def test_a_file_that_is_named_again_leaves_the_quarantine():
    snapshot = taken("new")
    age()
    tables, snapshot.tables = snapshot.tables, {}
    snapshot.save()
    other = taken("other", name="other")
    prune()
    assert QuarantinedFile.objects.count() == len(tables)
    snapshot.tables = tables
    snapshot.save()
    prune()
    assert not QuarantinedFile.objects.exists()
    assert [verify_snapshot(one).problems for one in (snapshot, other)] == [[], []]


def test_a_file_that_is_kept_stays_until_it_is_released(typed):
    taken("new")
    name = lost_file()
    prune()
    assert typed("quarantine", "keep", "snapshots/")[0] == 0
    prune(quarantined=True)
    assert name in stored()
    assert typed("quarantine", "release", name)[0] == 0
    prune(quarantined=True)
    assert name not in stored()


def test_names_that_are_not_in_quarantine(typed):
    status, _, err = typed("quarantine", "keep", "snapshots/no/such.pack")
    assert (status, err.strip()) == (1, "No file in quarantine has such a name; `manage.py quarantine` lists them.")
    assert typed("quarantine", "keep")[0] == 2


# --- what advises against deleting --------------------------------------------------------------------


@pytest.fixture
def over():
    """A lost file whose quarantine is over."""
    taken("new")
    name = lost_file()
    prune()
    QuarantinedFile.objects.update(prunes=100)
    pass_days(31)
    return name


def is_told(sentence: str) -> None:
    """The last prune said so, and it is an incident."""
    inspect()
    assert sentence in Incident.objects.get(kind="prune", ended_at=None).sentence


def test_no_row_at_all(over):
    Snapshot.objects.all().delete()
    prune()
    assert over in stored()
    is_told("The database knows no snapshot at all")


def test_the_first_prune_after_a_start(over):
    installation.note_start()
    prune()
    assert over in stored()
    is_told("the first prune after a start")
    prune()
    assert over not in stored()
    inspect()
    assert not Incident.objects.filter(kind="prune", ended_at=None).exists()


def test_a_database_that_is_younger_than_the_files(over):
    Installation.objects.update(created_at=timezone.now())
    prune()
    assert over in stored()
    is_told("The database is younger than files")


def test_too_many_at_once(over, monkeypatch):
    monkeypatch.setattr(quarantine, "MOST", 0.05)
    prune()
    assert over in stored()
    is_told("1 of ")


def test_a_clock_far_ahead_deletes_no_snapshot_and_no_file(over, monkeypatch):
    old = taken("old", days=10)
    Installation.objects.update(pruned_at=timezone.now() - timedelta(days=200))
    result = prune()
    assert "either the clock is wrong" in result["stopped"][0]
    assert old.pk in held()
    assert over in stored()
    prune()
    assert over not in stored()


def test_a_clock_behind_the_last_prune_deletes_nothing(over):
    Installation.objects.update(pruned_at=timezone.now() + timedelta(days=2))
    assert "either the clock is wrong" in prune()["stopped"][0]
    assert over in stored()


def test_a_clock_that_no_watched_source_agrees_with():
    snapshot = taken("old", days=100)
    gone = taken("older", days=101)
    Deployment.objects.update(every=60, state=Deployment.State.RUNNING)
    for _ in range(3):
        assert "no source answers" in prune()["stopped"][0]
    assert {snapshot.pk, gone.pk} == held()


# --- what was decided goes at once --------------------------------------------------------------------


def test_a_prune_that_dies_after_the_rows_went_is_continued(monkeypatch):
    taken("old", days=200)
    new = taken("new")
    age()
    before = stored()
    monkeypatch.setattr(prune_module, "sweep", _killed)
    with pytest.raises(KeyboardInterrupt):
        prune()
    assert (held(), stored()) == ({new.pk}, before)
    assert ReleasedFile.objects.exists()
    monkeypatch.undo()
    assert prune()["store"]["files"] > 0
    assert stored() < before
    assert not ReleasedFile.objects.exists()
    assert verify_snapshot(new).problems == []


def _killed(*arguments):
    raise KeyboardInterrupt


def test_a_decision_about_a_file_ends_when_it_is_named_again(monkeypatch):
    taken("old", days=200)
    taken("new")
    age()
    monkeypatch.setattr(prune_module, "sweep", _killed)
    with pytest.raises(KeyboardInterrupt):
        prune()
    monkeypatch.undo()
    again = taken("old")
    prune()
    again.delete()
    age()
    files = stored()
    prune()
    assert stored() == files


def test_an_asset_that_no_row_names():
    digest = "cd" * 32
    snapshot = taken("new")
    name = lost_file(file_of(digest))
    prune()
    assert default_storage.exists(name)
    StoredAsset.objects.create(deployment=snapshot.deployment, asset_id=1, sha256=digest, bytes=13)
    prune(quarantined=True)
    assert Path(default_storage.path(name)).read_bytes() == b"the only copy"


def test_a_dry_run_notes_nothing():
    taken("new")
    lost_file()
    prune(dry_run=True)
    assert not QuarantinedFile.objects.exists()
    assert Job.objects.get(kind="prune").result["quarantined"]["files"] == 0
