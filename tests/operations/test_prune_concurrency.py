"""Prune does no harm beside other work, nor where it was stopped itself."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from exports.models import Snapshot
from exports.operations.deployments import add
from exports.operations.storage_check import verify_snapshot
from exports.store import garbage, locks
from exports.store.blobs import Store
from exports.store.writer import StoreWriter
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Cancelled, Conflict
from tests.load.uploads import reference, to_zip, with_cell

from .aged_snapshots import age, held, prune, stored, taken

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


@pytest.fixture
def own_files(monkeypatch):
    """Every blob in a file of its own."""
    monkeypatch.setattr("exports.store.writer.SMALL", 0)


def test_one_prune_at_a_time():
    taken("new")
    other = Job.objects.create(kind="prune", state=Job.State.RUNNING, heartbeat_at=timezone.now())
    prune()
    Job.objects.filter(pk=other.pk).update(options={"alone": True})
    with pytest.raises(Conflict, match="Another prune"):
        prune()
    Job.objects.filter(pk=other.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert prune()["store"]["files"] == 0


def test_nothing_is_removed_while_something_is_being_stored(own_files, monkeypatch):
    monkeypatch.setattr(garbage, "_PATIENCE", 0.0)
    monkeypatch.setattr(garbage, "_LOOK", 0.0)
    taken("old", days=200)
    new = taken("new")
    age()
    busy = Job.objects.create(kind="snapshot", state=Job.State.RUNNING, heartbeat_at=timezone.now())
    before = stored()
    found = prune()
    assert found["store"] == {"files": 0, "bytes": 0, "waits": True}
    assert (held(), stored()) == ({new.pk}, before)
    busy.delete()
    assert prune()["store"]["files"] == 2


def test_one_that_was_stopped_is_finished_by_the_next(own_files, monkeypatch):
    for number in range(5):
        taken(str(number), days=200 + number)
    new = taken("new")
    age()
    monkeypatch.setattr(garbage, "_BATCH", 1)
    remove, removed = garbage._remove_one, []

    def remove_two(file, *args):
        if len(removed) == 2:
            raise Cancelled("Enough.")
        removed.append(file.name)
        remove(file, *args)

    monkeypatch.setattr(garbage, "_remove_one", remove_two)
    with pytest.raises(Cancelled):
        prune()
    assert held() == {new.pk}
    assert Job.objects.get().options["deleting"] is False
    monkeypatch.setattr(garbage, "_remove_one", remove)
    assert prune()["store"]["files"] == 8
    assert verify_snapshot(new).problems == []


def test_what_a_killed_attempt_said_does_not_hold_up_captures(monkeypatch):
    taken("new")
    seen = []
    update = garbage.References.update

    def look(self, running=None):
        seen.append(Job.objects.get().options["deleting"])
        update(self, running)

    monkeypatch.setattr(garbage.References, "update", look)
    prune(deleting=True)
    assert set(seen) == {False}


def test_each_state_is_read_once_however_many_share_it(monkeypatch):
    first = taken("one")
    for _ in range(30):
        Snapshot.objects.create(deployment=first.deployment, taken_at=timezone.now(), tables=first.tables)
    read = []
    state = Store.state
    monkeypatch.setattr(Store, "state", lambda store, ref: read.append(ref) or state(store, ref))
    prune()
    assert sorted(read) == sorted({entry["state"] for entry in first.tables.values()})


@contextmanager
def pruning():
    """Prune without a pause in another thread while the body runs; how many files each removed."""
    over, failures, removed = threading.Event(), [], []

    def prune_on():
        try:
            while not over.is_set():
                removed.append(prune()["store"]["files"])
            removed.append(prune()["store"]["files"])  # one more, that nothing holds up
        except Exception as problem:
            failures.append(problem)
        finally:
            connections.close_all()

    pruner = threading.Thread(target=prune_on)
    pruner.start()
    try:
        yield removed
    finally:
        over.set()
        pruner.join()
    assert failures == []


def test_prune_again_and_again_beside_loads(monkeypatch, tmp_path, own_files):
    """Loads that find the rows of snapshots that were just let go: their files are named by nobody at that moment."""
    monkeypatch.setattr(garbage, "GRACE", timedelta(0))
    monkeypatch.setattr(garbage, "_LOOK", 0.02)
    monkeypatch.setattr("exports.store.locks._LOOK", 0.02)
    tables = reference()
    paths = [
        to_zip(tmp_path / f"{number}.zip", with_cell(tables, "participant", "vars", f'{{"n": {number}}}'))
        for number in range(3)
    ]
    with pruning() as removed:
        for number in range(12):
            job = jobs.run_here("load", options={"path": str(paths[number % 3])})
            loaded = Snapshot.objects.get(pk=job.result["snapshot"])
            assert verify_snapshot(loaded).problems == []
            # As if it had been captured, and nothing but the newest good one were to stay.
            Snapshot.objects.update(origin="")
            Deployment.objects.update(source="local", keep_all_hours=0, keep_hourly_days=0, keep_daily_days=0)
            Snapshot.objects.filter(pk=loaded.pk).update(taken_at=timezone.now())
    assert sum(removed) > 0
    assert all(verify_snapshot(one).problems == [] for one in Snapshot.objects.all())


def test_prune_again_and_again_beside_captures(monkeypatch, postgres, own_files):
    """Rows that come and go: captures find files of snapshots that were let go a moment ago."""
    monkeypatch.setattr(garbage, "GRACE", timedelta(0))
    monkeypatch.setattr(garbage, "_LOOK", 0.02)
    monkeypatch.setattr("exports.store.locks._LOOK", 0.02)
    url = postgres.database("static")
    deployment = add(url).deployment
    Deployment.objects.update(keep_all_hours=0, keep_hourly_days=0, keep_daily_days=0)
    looked, deleting, finish = threading.Event(), locks.deleting, StoreWriter.finish

    def look(running):
        looked.set()
        return deleting(running)

    def finish_and_wait(shelf):
        """All is stored and nothing names it yet: give the prune its chance to remove it."""
        finish(shelf)
        for _ in range(2):
            looked.clear()
            looked.wait(0.3)

    monkeypatch.setattr(locks, "deleting", look)
    monkeypatch.setattr(StoreWriter, "finish", finish_and_wait)
    with pruning() as removed:
        for number in range(6):
            postgres.execute(url, "UPDATE info SET vars = %s WHERE id = 1", (f'{{"n": {number % 3}}}',))
            jobs.run_here("snapshot", options={"full": number % 4 == 0}, deployment=deployment)
            assert verify_snapshot(Snapshot.objects.newest(deployment)).problems == []
    assert sum(removed) > 0
    assert all(verify_snapshot(one).problems == [] for one in Snapshot.objects.all())
