"""The restore drill: what it finds, what it leaves behind, and when it is due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Snapshot
from exports.operations.drill import drill
from exports.operations.drill_schedule import submit_due
from exports.sources.postgres import Refused, Unreachable
from exports.store.blobs import Store, file_of, sha256_of
from exports.store.reader import SnapshotReader
from exports.store.repair import repair
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import BadInput, Damaged, NotFound
from psynetdata.psynet.tables import Column
from tests.references import REFERENCES
from tests.store.snapshot_factory import snapshot as snapshot_of

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def scratch(settings, tables):
    """A database for drills, which holds tables of someone else's."""
    target = tables("CREATE TABLE coin (id int); INSERT INTO coin VALUES (1)")
    settings.DRILL_DATABASE_URL = target.url
    return target


def spoil(taken: Snapshot, storage) -> None:
    segment = SnapshotReader(taken).table_state("response").segments[0]
    path = storage / file_of(segment.blob, "csv")
    path.write_bytes(path.read_bytes()[:-2000])


# --- with a database ------------------------------------------------------------------------


@pytest.mark.each_version
@pytest.mark.parametrize("name", REFERENCES)
def test_all_is_restored_and_compared(name, snapshot, scratch):
    taken = snapshot(name)
    before = scratch.rows()
    found = drill(taken.deployment)
    assert found["seconds"] > 0
    assert found == {
        "snapshot": taken.pk,
        "how": "restored",
        "seconds": found["seconds"],
        "tables": len(taken.tables),
        "rows": taken.rows,
        "problems": [],
        "sentence": found["sentence"],
    }
    assert f"was restored in {found['seconds']:.1f} s: {len(taken.tables)} tables" in found["sentence"]
    assert scratch.rows() == before
    assert scratch.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'drill%'") == 0


def test_damage_is_noted_and_repaired_from_another_copy(snapshot, scratch, own_storage):
    taken = snapshot("static")
    blob = SnapshotReader(taken).table_state("response").segments[0].blob
    whole = b"".join(Store().unpacked(blob, "csv"))
    path, (offset, length) = own_storage / file_of(blob, "csv"), map(int, blob.split("+")[1:])
    damaged = bytearray(path.read_bytes())
    damaged[offset : offset + length] = bytes(length)
    path.write_bytes(damaged)
    with pytest.raises(Damaged):
        drill(taken.deployment)
    taken.refresh_from_db()
    assert taken.damage == [blob]
    repair(Store(), sha256_of(blob), "csv", [whole])  # as if another snapshot had stored it in a file of its own
    assert drill(taken.deployment)["how"] == "restored"
    taken.refresh_from_db()
    assert taken.damage == []


@pytest.mark.each_version
def test_types_that_no_server_knows(transactional_db, scratch):
    columns = [
        Column("id", "int4"),
        Column("mood", "participant_status"),
        Column('o\'dd "name"', "no such"),
        Column("x"),
    ]
    taken = snapshot_of({"coin": (columns, [["1", "happy", "a", None]])}, "coins")
    assert drill(taken.deployment)["rows"] == 1


def test_damage_is_found(snapshot, scratch, own_storage):
    taken = snapshot("static")
    spoil(taken, own_storage)
    with pytest.raises(Damaged):
        drill(taken.deployment)
    assert scratch.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'drill%'") == 0


def test_a_value_that_is_none_of_its_type(transactional_db, scratch):
    taken = snapshot_of({"coin": ([Column("id", "int4"), Column("n", "int4")], [["1", "SECRET"]])}, "coins")
    with pytest.raises(BadInput) as caught:
        drill(taken.deployment)
    assert "Table coin, column n" in caught.value.sentence
    assert "SECRET" not in caught.value.sentence


@pytest.mark.each_version
def test_the_right_to_create_schemas_is_enough(settings, snapshot, scratch):
    taken = snapshot("timeline")
    settings.DRILL_DATABASE_URL = scratch.role(f'CREATE ON DATABASE "{scratch.address.database}"').url
    assert drill(taken.deployment)["how"] == "restored"
    settings.DRILL_DATABASE_URL = scratch.role().url
    with pytest.raises(Refused):
        drill(taken.deployment)


def test_nobody_there(settings, snapshot):
    settings.DRILL_DATABASE_URL = "postgres://me:hidden@127.0.0.1:1/scratch"
    with pytest.raises(Unreachable) as caught:
        drill(snapshot("timeline").deployment)
    assert "hidden" not in caught.value.sentence


# --- without --------------------------------------------------------------------------------


def test_hashes_alone_and_it_says_so(snapshot):
    taken = snapshot("timeline")
    found = drill(taken.deployment)
    assert (found["how"], found["rows"], found["problems"]) == ("hashes", taken.rows, [])
    assert "It was not restored, because DRILL_DATABASE_URL names no database" in found["sentence"]


def test_damage_is_found_by_hashes(snapshot, own_storage):
    taken = snapshot("static")
    spoil(taken, own_storage)
    with pytest.raises(Damaged) as caught:
        drill(taken.deployment)
    assert caught.value.sentence.startswith(f"Snapshot {taken.pk} has changed since it was taken: Table ")


def test_nothing_to_restore(transactional_db):
    with pytest.raises(NotFound):
        drill(Deployment.objects.create(deployment_id="new"))


# --- as a job -------------------------------------------------------------------------------


def test_the_job(snapshot):
    taken = snapshot("timeline")
    job = jobs.run_here("drill", deployment=taken.deployment)
    assert job.state == Job.State.DONE
    assert job.result["snapshot"] == job.options["snapshot"] == taken.pk


def test_a_drill_that_fails_is_a_failed_job(snapshot, own_storage):
    taken = snapshot("static")
    spoil(taken, own_storage)
    with pytest.raises(Damaged) as caught:
        jobs.run_here("drill", deployment=taken.deployment)
    job = Job.objects.get()
    assert (job.state, job.reason) == (Job.State.FAILED, caught.value.sentence)


def test_each_deployment_in_turn_and_those_that_run_first(snapshot):
    first, second = snapshot("timeline").deployment, snapshot("static").deployment
    archived = snapshot("custom_table_simple").deployment
    Deployment.objects.filter(label="custom_table_simple").update(state=Deployment.State.ARCHIVED)
    Deployment.objects.create(deployment_id="without a snapshot")
    asked = []
    while job := submit_due():
        assert submit_due() is None  # one at a time
        asked.append(job.deployment)
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    assert asked == [first, second, archived]


def test_what_is_archived_is_drilled_every_thirty_days(settings, snapshot):
    settings.DRILL_EVERY_HOURS = 24
    taken = snapshot("timeline")
    Deployment.objects.filter(pk=taken.deployment_id).update(state=Deployment.State.ARCHIVED)
    for days, due in ((29, False), (31, True)):
        Job.objects.filter(kind="drill").delete()
        done = Job.objects.create(kind="drill", deployment=taken.deployment, state=Job.State.DONE)
        Job.objects.filter(pk=done.pk).update(created_at=timezone.now() - timedelta(days=days))
        assert (submit_due() is not None) is due


def test_once_a_day(settings, snapshot):
    settings.DRILL_EVERY_HOURS = 24
    taken = snapshot("timeline")
    for hours, due in ((23, False), (25, True)):
        Job.objects.all().delete()
        job = Job.objects.create(kind="drill", deployment=taken.deployment, state=Job.State.FAILED)
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=hours))
        assert bool(submit_due()) is due


def test_never(settings, snapshot):
    snapshot("timeline")
    settings.DRILL_EVERY_HOURS = 0
    assert submit_due() is None


def test_the_minute_tick_asks_for_it(snapshot):
    snapshot("timeline")
    jobs.tick()
    assert Job.objects.filter(kind="drill", state=Job.State.QUEUED).count() == 1
