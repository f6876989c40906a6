"""The verb `load`: from a file to snapshot and mirror, and not a trace of what failed."""

import fcntl
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from exports.load import load as load_module
from exports.mirroring import newest
from exports.models import Snapshot
from exports.store.blobs import Store
from exports.store.reader import SnapshotReader
from exports.store.writer import StoreWriter
from psynetdata import faces, jobs
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.models import Audit, Deployment, Job, Participant, Response, Trial
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import BadInput, Conflict, Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES
from tests.mirrored import load
from tests.references import REFERENCES

from .uploads import DATA, changed, reference, split, to_folder, to_zip, with_cell

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

TABLES = reference()
LATER = (2026, 11, 22, 9, 30, 0)


@pytest.fixture
def handed_in(tmp_path):
    """handed_in(tables, …) → a zip of them."""
    count = 0

    def make(tables, **options):
        nonlocal count
        count += 1
        return to_zip(tmp_path / f"database-{count}.zip", tables, **options)

    return make


def everything() -> dict:
    """What a failed load must leave as it was: rows, files in the storage, temporary files."""
    stored = sorted(str(path) for path in Path(default_storage.location).rglob("*") if path.is_file())
    counted = {
        model.__name__: model.objects.using(alias).count()
        for model, alias in (
            (Deployment, "default"),
            (Snapshot, "default"),
            (Participant, IDENTIFIED),
            (Participant, ANONYMOUS),
            (Response, IDENTIFIED),
            (Trial, IDENTIFIED),
        )
    }
    left = [path.name for path in settings.TEMP_DIR.iterdir() if path.name.startswith("load-")]
    return {"stored": stored, "rows": counted, "temporary": left}


def without_id(rows):
    """`experiment` as it was before PsyNet kept the id there."""
    rows[1][rows[0].index("vars")] = '{"label": "Old"}'


# --- what loads ----------------------------------------------------------------------------


@pytest.mark.each_database
@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_database(name):
    done = load(DATA / name / "database.zip")
    tables = reference(name)
    rows = {table: len(split(data)) - 1 for table, data in tables.items()}
    assert done.created
    assert done.warnings == []
    assert done.rows == rows
    assert {table: done.snapshot.rows_of(table) for table in done.snapshot.tables} == rows
    reader = SnapshotReader(done.snapshot)
    for table in tables:
        assert len(list(reader.rows(table))) == rows[table]
        assert table in UNMIRRORED_TABLES or reader.table_state(table).rows == rows[table]
    for face in (IDENTIFIED, ANONYMOUS):
        assert Participant.objects.using(face).count() == rows["participant"]
        assert Response.objects.using(face).count() == rows["response"]
        assert Trial.objects.using(face).count() == rows["info"]


def test_the_deployment_describes_itself():
    deployment = load(DATA / "static" / "database.zip").deployment
    assert deployment.deployment_id == "static-experiment-demo__mode=debug__launch=2026-11-22--08-12-41"
    assert deployment.label == "Static experiment demo"
    assert (deployment.psynet_version, deployment.dallinger_version) == ("13.3.0", "12.4.0")
    assert deployment.python_version == "3.11.7"
    assert deployment.clock_offset == 0


def test_the_same_file_twice_adds_nothing():
    first = load(DATA / "static" / "database.zip")
    before = everything()
    again = load(DATA / "static" / "database.zip")
    assert not again.created
    assert again.snapshot == first.snapshot
    assert everything() == before


@pytest.mark.each_database
def test_a_mirror_that_was_interrupted_completes(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(newest, "mirror", _fail)
        with pytest.raises(Problem, match="stopped"):
            call_command("load", DATA / "static" / "database.zip")
    assert Participant.objects.using(IDENTIFIED).count() == 0
    again = load(DATA / "static" / "database.zip")
    assert not again.created
    assert Participant.objects.using(IDENTIFIED).count() == 15


@pytest.mark.each_database
def test_a_later_snapshot_updates_adds_and_removes(handed_in):
    load(handed_in(TABLES))
    header = split(TABLES["participant"])[0]

    def change(rows):
        rows[1][header.index("status")] = "returned"
        added = [*rows[2]]
        added[header.index("id")] = "99"
        return [header, rows[1], *rows[3:], added]

    done = load(handed_in(changed(TABLES, "participant", change), date=LATER))
    rows = split(TABLES["participant"])[1:]
    gone, stays = rows[1][header.index("id")], rows[0][header.index("id")]
    found = Participant.objects.using(IDENTIFIED)
    assert done.created
    assert found.count() == len(rows)
    assert found.get(id=int(stays)).status == "returned"
    assert found.filter(id=99).exists()
    assert not found.filter(id=int(gone)).exists()
    assert Snapshot.objects.newest(done.deployment) == done.snapshot


def test_only_what_changed_is_stored_again(handed_in):
    load(handed_in(TABLES))
    load(handed_in(with_cell(TABLES, "participant", "status", "returned"), date=LATER))
    new, old = Snapshot.objects.all()
    changed = [table for table, entry in new.tables.items() if entry != old.tables[table]]
    assert changed == ["participant"]
    assert 0 < new.new_bytes < old.new_bytes / 2


def test_fewer_rows_load_with_a_word(handed_in):
    first = load(handed_in(TABLES))
    done = load(handed_in(changed(TABLES, "response", lambda rows: rows[:-2]), date=LATER))
    rows = done.rows["response"]
    assert done.warnings == [
        f"There are fewer rows than in {first.snapshot}, though PsyNet deletes none: "
        f"{rows} responses instead of {rows + 2}."
    ]
    assert Response.objects.using(IDENTIFIED).count() == rows


def test_an_older_snapshot_stays_in_the_history(handed_in):
    newest = load(handed_in(TABLES, date=LATER))
    older = load(handed_in(changed(TABLES, "response", lambda rows: rows[:-2])))
    assert older.created
    assert len(older.warnings) == 1
    assert f"is older than the newest, {newest.snapshot}; it stays in the history" in older.warnings[0]
    assert Response.objects.using(IDENTIFIED).count() == newest.rows["response"]


def test_anonymous_rows_do_not_take_the_place_of_the_real_ones(handed_in, tmp_path):
    load(handed_in(TABLES))
    (tmp_path / "anonymous").mkdir()
    hidden = with_cell(TABLES, "participant", "worker_id", "hidden")
    path = to_zip(tmp_path / "anonymous/database.zip", hidden, date=LATER)
    done = load(path)
    assert done.snapshot.state == Snapshot.State.SUSPECT
    assert "is the anonymous part of an export" in done.warnings[0]
    assert not Participant.objects.using(IDENTIFIED).filter(worker_id="hidden").exists()
    assert not load(path).created
    assert load(handed_in(TABLES)).warnings == []


def test_anonymous_rows_alone_are_mirrored(tmp_path):
    (tmp_path / "anonymous").mkdir()
    done = load(to_zip(tmp_path / "anonymous/database.zip", TABLES))
    assert done.snapshot.state == Snapshot.State.GOOD
    assert Participant.objects.using(IDENTIFIED).exists()


# --- when, and whose -----------------------------------------------------------------------


def test_an_archives_dates_are_in_the_servers_clock(handed_in):
    info = split(TABLES["experiment_status"])
    created = info[1][info[0].index("creation_time")]
    ahead = (datetime.fromisoformat(created) + timedelta(minutes=330)).isoformat(" ")
    done = load(handed_in(with_cell(TABLES, "experiment_status", "creation_time", ahead)))
    assert done.deployment.clock_offset == 330
    assert done.snapshot.clock_offset == 330
    assert done.snapshot.taken_at == datetime(2026, 11, 22, 3, 30, tzinfo=UTC)


def test_a_clock_that_was_corrected_stays(handed_in):
    deployment = load(handed_in(TABLES)).deployment
    Deployment.objects.filter(pk=deployment.pk).update(clock_offset=60)
    done = load(handed_in(with_cell(TABLES, "participant", "status", "returned"), date=LATER))
    assert done.deployment.clock_offset == 60


@pytest.mark.parametrize("date", [(1980, 1, 1, 0, 0, 0), (2106, 1, 1, 0, 0, 0)])
def test_without_an_honest_date_it_is_now(handed_in, date):
    before = timezone.now()
    done = load(handed_in(TABLES, date=date))
    assert before <= done.snapshot.taken_at <= timezone.now()


def test_another_deployments_snapshot_is_refused():
    before = everything()
    with pytest.raises(BadInput) as caught:
        load(DATA / "timeline" / "database.zip", deployment_id="mine")
    assert "timeline-demo" in caught.value.sentence
    assert "not to mine" in caught.value.sentence
    assert everything() == before


def test_its_own_id_may_be_named():
    done = load(DATA / "timeline" / "database.zip")
    assert not load(DATA / "timeline" / "database.zip", deployment_id=done.deployment.deployment_id).created


def test_a_database_that_does_not_say_whose_it_is(handed_in):
    path = handed_in(changed(TABLES, "experiment", without_id))
    before = everything()
    with pytest.raises(BadInput, match="name one with --deployment"):
        load(path)
    assert everything() == before
    done = load(path, deployment_id="my-study")
    assert (done.deployment.deployment_id, done.deployment.label) == ("my-study", "Old")


@pytest.mark.parametrize("named", ["a\nb", "x" * 301, " "])
def test_an_id_that_is_no_name(handed_in, named):
    with pytest.raises(BadInput, match="printable"):
        load(handed_in(changed(TABLES, "experiment", without_id)), deployment_id=named)


def test_odd_labels_load(handed_in):
    text = '{"deployment_id": "odd", "label": "a\\u0000b\\ud800' + "c" * 400 + '", "psynet_version": 13}'
    deployment = load(handed_in(with_cell(TABLES, "experiment", "vars", text))).deployment
    assert deployment.label == "a b " + "c" * 296
    assert deployment.psynet_version == ""


def test_where_the_assets_are(tmp_path):
    path = DATA / "static_audio" / "database.zip"
    assert load(path).deployment.assets_url == ""
    (tmp_path / "my assets").mkdir()
    done = load(path, assets=tmp_path / "my assets")
    assert not done.created
    assert done.deployment.assets_url == f"file://{tmp_path.resolve()}/my%20assets"
    assert load(path).deployment.assets_url == done.deployment.assets_url


def test_assets_that_are_no_folder(tmp_path):
    with pytest.raises(BadInput, match="is not a folder"):
        load(DATA / "static_audio" / "database.zip", assets=tmp_path / "missing")


def test_the_load_is_on_record():
    done = load(DATA / "timeline" / "database.zip")
    line = Audit.objects.get(verb="load")
    assert (line.deployment, line.target) == (done.deployment, str(done.snapshot))


# --- what fails leaves no trace ------------------------------------------------------------


BAD = {
    "no database": lambda tables: {"coin": tables["coin"]},
    "a table is missing": lambda tables: {table: data for table, data in tables.items() if table != "node"},
    "no id": lambda tables: {**tables, "info": b"creation_time\n"},
    "id twice": lambda tables: changed(tables, "participant", lambda rows: [*rows, rows[1]]),
    "short row": lambda tables: changed(tables, "response", lambda rows: [*rows, ["1"]]),
    "no UTF-8": lambda tables: {**tables, "response": tables["response"] + b"\xff\n"},
    "NUL": lambda tables: {**tables, "response": tables["response"] + b"\0\n"},
    "vars": lambda tables: with_cell(tables, "experiment", "vars", "{"),
    "open quote": lambda tables: {**tables, "response": tables["response"] + b'"'},
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("pack", [to_zip, to_folder])
def test_bad_input_leaves_no_trace(tmp_path, name, pack):
    load(DATA / "custom_table_simple" / "database.zip")
    before = everything()
    with pytest.raises(BadInput) as caught:
        load(pack(tmp_path / "bad", BAD[name](TABLES)))
    assert caught.value.sentence.endswith(".")
    assert everything() == before


@pytest.mark.parametrize("error", [Problem, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("after", [0, 1, 5, 40])
def test_storage_that_fails_on_the_way(monkeypatch, error, after):
    before = everything()
    put, count = StoreWriter.state, 0

    def put_some(self, state):
        nonlocal count
        count += 1
        if count > after:
            raise error("stopped")
        return put(self, state)

    monkeypatch.setattr(StoreWriter, "state", put_some)
    if after == 40:
        monkeypatch.setattr(Snapshot.objects, "create", lambda **_: _fail(None, error=error))
    with pytest.raises(error):
        load(DATA / "static" / "database.zip")
    assert everything() == before
    monkeypatch.undo()
    assert load(DATA / "static" / "database.zip").created


@pytest.mark.each_database
def test_what_others_came_to_stand_on_stays(monkeypatch, handed_in):
    """Tables without rows are alike in all deployments, so a load that fails shares blobs with one that did not."""

    def load_another_then_fail(*args, **_):
        monkeypatch.undo()
        load(handed_in(with_cell(TABLES, "experiment", "vars", '{"deployment_id": "other"}')))
        raise Problem("stopped")

    monkeypatch.setattr(load_module, "commit", load_another_then_fail)
    with pytest.raises(Problem, match="stopped"):
        load(handed_in(TABLES))
    snapshot = Snapshot.objects.get()
    store = Store()
    for entry in snapshot.tables.values():
        for segment in store.state(entry["state"]).segments:
            assert store.check(segment.blob) == segment.bytes


# --- one at a time -------------------------------------------------------------------------


def _running_job(**more) -> Job:
    now = timezone.now()
    return Job.objects.create(kind="load", state=Job.State.RUNNING, heartbeat_at=now, run_token="x", **more)


@pytest.mark.each_database
def test_a_second_load_of_the_deployment_waits_for_the_first():
    done = load(DATA / "timeline" / "database.zip")
    other = _running_job(options={"claims": done.deployment.deployment_id})
    before = everything()
    with pytest.raises(Conflict, match=f"Load {other.pk} is working on timeline-demo"):
        load(DATA / "timeline" / "database.zip")
    assert everything() == before
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    load(DATA / "timeline" / "database.zip")


@pytest.mark.each_database
def test_a_mirror_of_the_deployment_is_not_waited_for():
    done = load(DATA / "timeline" / "database.zip")
    Job.objects.filter(pk=_running_job(deployment=done.deployment).pk).update(kind="mirror")
    assert not load(DATA / "timeline" / "database.zip").created


@pytest.mark.each_database
def test_loads_of_other_deployments_do_not_matter():
    _running_job(options={"claims": "another"})
    assert load(DATA / "timeline" / "database.zip").created


# --- as a job ------------------------------------------------------------------------------


def test_the_job_says_what_it_did():
    job = jobs.run_here("load", options={"path": str(DATA / "timeline" / "database.zip")})
    snapshot = Snapshot.objects.get()
    assert job.deployment == snapshot.deployment
    assert job.options["claims"] == snapshot.deployment.deployment_id
    assert (job.result["snapshot"], job.result["created"], job.result["warnings"]) == (snapshot.pk, True, [])
    assert job.result["mirror"] == Job.objects.get(kind="mirror", deployment=snapshot.deployment).pk
    assert job.result["rows"]["participant"] == 7


def test_progress_goes_up_to_the_whole(monkeypatch):
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0)
    seen = []
    options = {"path": str(DATA / "static" / "database.zip"), "mirror": False}
    watch = {"on_progress": lambda job: seen.append((job.phase, job.done, job.total))}
    deployment = jobs.run_here("load", options=options, **watch).deployment
    jobs.run_here("mirror", deployment=deployment, **watch)
    reading = [done for phase, done, _ in seen if phase.startswith("reading")]
    assert reading == sorted(reading)
    assert any(phase == "storing" for phase, _, _ in seen)
    phases = ("mirroring", "anonymizing")
    filling = [(done, phase) for phase, done, _ in seen if phase.startswith(phases)]
    assert [done for done, _ in filling] == sorted(done for done, _ in filling)
    assert list(dict.fromkeys(phase for _, phase in filling)) == [
        "mirroring, identified",
        "anonymizing",
        "mirroring, anonymous",
    ]
    assert all(done <= total for _, done, total in seen)


@pytest.mark.each_database
@pytest.mark.skipif(connections[IDENTIFIED].vendor != "sqlite", reason="PostgreSQL's writers do not wait for others")
def test_a_mirror_waits_while_another_writes_to_the_face(monkeypatch):
    """The other is let go at the first look of the one that waits."""
    deployment = load_module.load(DATA / "timeline" / "database.zip").deployment
    with open(f"{connections[IDENTIFIED].settings_dict['NAME']}.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(faces, "sleep", lambda _: fcntl.flock(other, fcntl.LOCK_UN))
        job = jobs.run_here("mirror", deployment=deployment)
    assert (job.state, job.result["rows"]["participant"]) == (Job.State.DONE, 7)


@pytest.mark.each_database
def test_rows_come_out_as_they_went_in(handed_in):
    """From the file to the store and back, the bytes of the reference are the bytes of the snapshot."""
    tables = reference("static")
    done = load(handed_in(tables))
    reader = SnapshotReader(done.snapshot)
    for table, data in tables.items():
        before = sorted(csvtext.records(io.BytesIO(data)))
        before.remove(next(csvtext.records(io.BytesIO(data))))
        assert sorted(reader.records(table)) == before


def _fail(*args, error=Problem, **options):
    raise error("stopped")
