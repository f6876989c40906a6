"""One job at a time writes a deployment's faces, nothing that is requested is forgotten, and no snapshot waits."""

import threading
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from time import sleep

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.utils import timezone

from exports.mirroring import mirror_claims, newest
from exports.mirroring.mirror import mirror
from exports.models import Snapshot
from exports.operations import withdraw
from exports.operations.deployments import add
from exports.store.withdrawals import unfiltered_states
from psynetdata import faces, jobs
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import PreparedRows, face_table, shows
from psynetdata.models import Deployment, Job, Participant, Response
from psynetdata.psynet.problems import Conflict, NotFound, Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES
from tests.load.uploads import reference, to_zip, with_cell

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]
WAIT = 60  # seconds until a thread counts as hanging


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setattr(mirror_claims, "_LOOK", 0.01)


@pytest.fixture
def arrive(tmp_path):
    """arrive(status) → a snapshot in which the first participant has that status: the newest one, not mirrored."""
    tables, count = reference("timeline"), 0

    def load(status, row=1):
        nonlocal count
        count += 1
        path = tmp_path / f"{count}.zip"
        to_zip(path, with_cell(tables, "participant", "status", status, row), date=(2026, 11, 22, 10, count, 0))
        job = jobs.run_here("load", options={"path": str(path), "mirror": False})
        return Snapshot.objects.select_related("deployment").get(pk=job.result["snapshot"])

    return load


@pytest.fixture
def at_work(monkeypatch):
    """`with at_work(run): …`: `run` works in another thread, which is about to mirror while the body runs."""
    really, begun, goes_on = newest.mirror, threading.Event(), threading.Event()

    def wait_then_mirror(snapshot, *, running, **ledger):
        if threading.current_thread() is not threading.main_thread() and not begun.is_set():
            begun.set()
            assert goes_on.wait(WAIT)
        return really(snapshot, running=running, **ledger)

    monkeypatch.setattr(newest, "mirror", wait_then_mirror)

    @contextmanager
    def work(run):
        begun.clear()
        goes_on.clear()
        with in_thread(run):
            assert begun.wait(WAIT)
            try:
                yield
            finally:
                goes_on.set()

    return work


@contextmanager
def in_thread(run):
    """Run the function while the body runs; fail if it did."""
    failures = []

    def do():
        try:
            run()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=do)
    thread.start()
    try:
        yield
    finally:
        thread.join(WAIT)
    assert not thread.is_alive()
    assert failures == []


def shown(face, deployment) -> str:
    """The status of the first participant."""
    return Participant.objects.using(face).filter(deployment_number=deployment.number).order_by("id").first().status


def states(snapshot) -> dict:
    return {table: entry["state"] for table, entry in snapshot.tables.items() if table not in UNMIRRORED_TABLES}


def run(job) -> Job:
    jobs.run(job.pk, raise_problems=True)
    job.refresh_from_db()
    return job


def run_waiting() -> list[Job]:
    """Run the mirror jobs that wait, as workers would; return them."""
    waiting = list(Job.objects.filter(kind="mirror", state=Job.State.QUEUED).order_by("pk"))
    return [run(job) for job in waiting]


def test_snapshots_are_stored_while_the_mirror_is_filled_and_the_mirror_skips_to_the_newest(arrive, at_work):
    first = arrive("one")
    job = mirror_claims.request(first.deployment)
    with at_work(lambda: run(job)):
        for status in ("two", "three", "four"):
            snapshot = arrive(status)
            assert mirror_claims.request_if_newest(snapshot) == job
    job.refresh_from_db()
    assert (job.state, job.result["snapshot"]) == ("done", first.pk)
    [following] = run_waiting()
    assert following.result["snapshot"] == snapshot.pk
    assert {face: shows(face, first.deployment) for face in (IDENTIFIED, ANONYMOUS)} == {
        IDENTIFIED: states(snapshot),
        ANONYMOUS: states(snapshot),
    }
    assert run_waiting() == []
    assert Job.objects.filter(kind="mirror").count() == 2


def test_a_capture_does_not_wait_for_the_mirror(postgres, at_work):
    url = postgres.database("timeline")
    deployment = add(url).deployment
    job = jobs.run_here("snapshot", deployment=deployment)
    mirroring = Job.objects.get(pk=job.result["mirror"])
    with at_work(lambda: run(mirroring)):
        postgres.execute(url, "UPDATE participant SET status = 'returned'")
        later = jobs.run_here("snapshot", deployment=deployment)
        assert (later.state, later.result["mirror"]) == ("done", mirroring.pk)
    assert "returned" not in {shown(face, deployment) for face in (IDENTIFIED, ANONYMOUS)}
    run_waiting()
    assert {shown(face, deployment) for face in (IDENTIFIED, ANONYMOUS)} == {"returned"}


def test_a_snapshot_is_stored_although_its_mirror_fails(arrive, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise Problem("The mirror's table info would have 1 rows, but its source has 2; nothing was changed.")

    monkeypatch.setattr(newest, "mirror", fail)
    path = to_zip(tmp_path / "a.zip", reference("timeline"))
    load = jobs.run_here("load", options={"path": str(path)})
    job = Job.objects.get(pk=load.result["mirror"])
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (load.state, job.state) == ("done", "failed")
    assert job.reason.startswith("The mirror's table info")
    assert "mirrors" not in job.options
    with pytest.raises(Problem, match=r"^Snapshot \d+ is stored, but not mirrored\. The mirror's table info"):
        call_command("load", path)
    assert Snapshot.objects.get().state == "good"


@pytest.mark.parametrize("kind", ["mirror", "withdraw"])
def test_a_job_that_meets_another_waits_and_leaves_the_faces_at_the_newest(arrive, at_work, monkeypatch, kind):
    """The first job is about to mirror an older snapshot when the second one begins."""
    mirror(arrive("none"))
    deployment = arrive("one").deployment
    first = mirror_claims.request(deployment)
    came = threading.Event()  # the second job waits, or is done
    monkeypatch.setattr(mirror_claims, "sleep", lambda _: came.set() or sleep(0.01))

    def begin_second():
        run(second)
        came.set()

    with ExitStack() as stack, at_work(lambda: run(first)):
        newest_one = arrive("two")
        if kind == "withdraw":
            withdraw.withdraw(deployment, [2])
        second = jobs.prepare(kind, options={"waits": True}, deployment=deployment)
        stack.enter_context(in_thread(begin_second))
        assert came.wait(WAIT)
    for face in (IDENTIFIED, ANONYMOUS):
        assert shown(face, deployment) == "two"
        assert unfiltered_states(deployment, shows(face, deployment)) == states(newest_one)
        assert Participant.objects.using(face).filter(id=2).exists() == (kind == "mirror")


def test_jobs_that_start_together_leave_both_faces_at_the_newest(arrive, monkeypatch):
    deployment = arrive("one").deployment
    for number in range(4):
        snapshot = arrive(f"round {number}")
        options = [{"waits": waits} for waits in (True, False, True)]
        some = [jobs.prepare("mirror", options=each, deployment=deployment) for each in options]
        some.append(withdraw.send(deployment))
        start = threading.Barrier(len(some))

        def begin(job, start=start):
            start.wait(WAIT)
            jobs.run(job.pk, raise_problems=True)

        with in_thread(lambda: begin(some[0])), in_thread(lambda: begin(some[1])), in_thread(lambda: begin(some[2])):  # noqa: B023
            begin(some[3])
        run_waiting()
        for face in (IDENTIFIED, ANONYMOUS):
            assert shows(face, deployment) == states(snapshot)
            assert shown(face, deployment) == f"round {number}"
    assert {job.state for job in Job.objects.filter(kind__in=("mirror", "withdraw"))} == {"done"}


def test_writers_without_a_claim_wait_for_each_other(arrive, monkeypatch):
    """Such as a job that was considered dead and is not. The second begins when the first has read what is shown."""
    first = arrive("one")
    mirror(first)
    second, third = arrive("two"), arrive("three", row=2)
    is_in, came, insert = threading.Event(), threading.Event(), face_table.insert
    monkeypatch.setattr(faces, "sleep", lambda _: came.set() or sleep(0.01))

    def wait_then_insert(*args):
        if threading.current_thread() is not threading.main_thread() and not is_in.is_set():
            is_in.set()
            assert came.wait(WAIT)
        return insert(*args)

    monkeypatch.setattr(face_table, "insert", wait_then_insert)
    with in_thread(lambda: mirror(second, faces=[IDENTIFIED])):
        assert is_in.wait(WAIT)
        mirror(third, faces=[IDENTIFIED])
        came.set()
    people = list(Participant.objects.using(IDENTIFIED).values_list("status", flat=True))
    assert shows(IDENTIFIED, first.deployment) == states(third)
    assert ("two" in people, "three" in people, len(people)) == (False, True, 7)


def test_a_request_is_one_job_until_that_begins(arrive):
    deployment = arrive("one").deployment
    job = mirror_claims.request(deployment)
    assert mirror_claims.request(deployment) == job
    assert (job.kind, job.cluster) == ("mirror", "mirror")
    run(job)
    assert mirror_claims.request(deployment) != job


def test_a_claim_that_is_not_given_back_in_time_is_a_conflict(arrive, monkeypatch):
    monkeypatch.setattr(mirror_claims, "PATIENCE", 0.0)
    deployment = arrive("one").deployment
    now = timezone.now()
    holder = Job.objects.create(
        kind="mirror", deployment=deployment, state="running", heartbeat_at=now, run_token="x",
        options={"mirrors": deployment.deployment_id},
    )  # fmt: skip
    with pytest.raises(Conflict, match=f"Mirror {holder.pk} is still filling the mirror of timeline-demo"):
        jobs.run_here("mirror", options={"waits": True}, deployment=deployment)
    assert jobs.run_here("mirror", deployment=deployment).result == {"left_to": holder.pk}
    holder.refresh_from_db()
    assert holder.options["again"]
    # One that died holds nothing.
    Job.objects.filter(pk=holder.pk).update(heartbeat_at=now - timedelta(minutes=5))
    assert jobs.run_here("mirror", deployment=deployment).result["rows"]["participant"] == 7


def test_a_job_that_another_worker_took_over_changes_no_claim(arrive, monkeypatch):
    deployment = arrive("one").deployment

    def be_taken_over(snapshot, running, ledger):
        Job.objects.filter(pk=running.job.pk).update(run_token="another")
        raise Conflict("It did not respond for too long.")

    monkeypatch.setattr(newest, "mirror", be_taken_over)
    with pytest.raises(Conflict):
        jobs.run_here("mirror", deployment=deployment)
    assert Job.objects.get(kind="mirror").options["mirrors"] == deployment.deployment_id


def test_an_attempt_that_was_taken_over_leaves_the_rows_to_the_next_one(arrive, monkeypatch, settings):
    """The worker was stopped for a while, or the clock jumped; it ends while the next attempt uses the folder."""
    job, keep = mirror_claims.request(arrive("one").deployment), PreparedRows.keep

    def be_taken_over(self, name, rows):
        keep(self, name, rows)
        Job.objects.filter(pk=job.pk).update(run_token="another")
        raise Conflict("It did not respond for too long.")

    with monkeypatch.context() as broken:
        broken.setattr(PreparedRows, "keep", be_taken_over)
        jobs.run(job.pk)
    (folder,) = settings.TEMP_DIR.glob(f"mirror-{job.pk}-*")
    assert len(list(folder.iterdir())) == 1
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    run(job)
    assert not folder.exists()


def test_a_deployment_without_a_good_snapshot_has_no_mirror(db):
    empty = Deployment.objects.create(deployment_id="empty")
    with pytest.raises(NotFound, match="empty has no good snapshot"):
        jobs.run_here("mirror", deployment=empty)


def test_a_killed_attempt_is_continued_and_then_the_newest_is_mirrored(arrive, monkeypatch, settings):
    """The first attempt ends without a word, as after kill -9, when it has transformed half of the parts."""
    first = arrive("one")
    keep, made = PreparedRows.keep, []

    def lose_the_database(self, name, rows):
        if len(made) == 5:
            raise OperationalError("server closed the connection")
        made.append(keep(self, name, rows))
        return made[-1]

    job = mirror_claims.request(first.deployment)
    with monkeypatch.context() as broken:
        broken.setattr(PreparedRows, "keep", lose_the_database)
        jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.options["snapshot"]) == ("running", first.pk)
    assert shows(ANONYMOUS, first.deployment) == {}
    later = arrive("two")

    again = []
    monkeypatch.setattr(PreparedRows, "keep", lambda *args: again.append(keep(*args)) or again[-1])
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    run(job)
    assert (again[:5], sum(made) > 0, sum(again) > 0) == ([0] * 5, True, True)
    assert sum(made) + sum(again) == sum(first.rows_of(table) for table in states(first))
    assert (job.attempts, job.result["snapshot"]) == (2, first.pk)
    assert Response.objects.using(ANONYMOUS).count() == first.rows_of("response")
    assert not list(settings.TEMP_DIR.glob(f"mirror-{job.pk}-{job.created_at.timestamp():.6f}"))
    assert [one.result["snapshot"] for one in run_waiting()] == [later.pk]
