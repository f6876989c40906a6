"""The job row: taken once, beating, cancellable, honest about how it ended."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from psynetdata import clusters, jobs
from psynetdata.models import Beat, Job
from psynetdata.psynet.problems import Cancelled, Conflict, Problem

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


@pytest.fixture
def kind(monkeypatch):
    """kind(function) makes jobs of the kind `test` do that."""

    def register(function, max_attempts=3, kept=None):
        monkeypatch.setitem(jobs._kinds, "test", jobs.Kind(function, jobs.SLOW, max_attempts, kept))

    return register


@pytest.fixture
def sent(monkeypatch):
    """What was handed to django-q2, as (function's name, argument, cluster)."""
    found = []
    monkeypatch.setattr(
        clusters, "async_task", lambda name, argument, cluster, **_: found.append((name, argument, cluster))
    )
    return found


def test_a_job_is_done_with_its_result(kind):
    kind(lambda running: {"rows": running.options["n"]})
    job = jobs.run_here("test", options={"n": 3})
    assert (job.state, job.result, job.attempts, job.percent) == (Job.State.DONE, {"rows": 3}, 1, 100)


def test_submit_sends_the_id_when_the_transaction_commits(kind, sent):
    from django.db import transaction

    kind(lambda running: None)
    with transaction.atomic():
        job = jobs.submit("test")
        assert sent == []
    assert sent == [("psynetdata.jobs.run_in_turn", job.pk, "slow")]
    assert job.state == Job.State.QUEUED


def test_a_second_delivery_returns(kind):
    calls = []

    def once(running):
        calls.append(1)
        jobs.run(running.job.pk)

    kind(once)
    job = jobs.run_here("test")
    jobs.run(job.pk)
    assert calls == [1]


def test_a_problem_is_the_reason_and_reaches_the_caller(kind):
    def fail(running):
        raise Problem("The file is empty; hand in another.")

    kind(fail)
    with pytest.raises(Problem):
        jobs.run_here("test")
    job = Job.objects.get()
    assert (job.state, job.reason) == (Job.State.FAILED, "The file is empty; hand in another.")


def test_an_unexpected_error_keeps_its_text_out_of_the_row(kind):
    def fail(running):
        raise KeyError("worker-1234")

    kind(fail)
    with pytest.raises(KeyError):
        jobs.run_here("test")
    job = Job.objects.get()
    assert job.state == Job.State.FAILED
    assert "worker-1234" not in job.reason


def test_cancel_reaches_a_running_job(kind, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)

    def until_cancelled(running):
        jobs.cancel(running.job)
        assert running.cancelled.wait(10)
        running.check()

    kind(until_cancelled)
    with pytest.raises(Cancelled):
        jobs.run_here("test")
    assert Job.objects.get().state == Job.State.CANCELLED


def test_cancel_ends_a_queued_job_at_once(kind, sent):
    kind(lambda running: None)
    job = jobs.submit("test")
    assert jobs.cancel(job)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.CANCELLED, 0)
    assert not jobs.cancel(job)


def test_the_heart_beats_while_work_goes_on(kind, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(jobs, "BEAT_EVERY", 0.01)
    first = timezone.now() - timedelta(seconds=50)

    def wait_for_beat(running):
        mine = Job.objects.filter(pk=running.job.pk)
        mine.update(heartbeat_at=first)
        give_up = threading.Event()
        for _ in range(500):
            if mine.get().heartbeat_at > first:
                return {"beaten": True}
            give_up.wait(0.02)
        return {"beaten": False}

    kind(wait_for_beat)
    assert jobs.run_here("test").result == {"beaten": True}


def stale(job, attempts):
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.RUNNING,
        attempts=attempts,
        run_token="gone",
        heartbeat_at=timezone.now() - timedelta(minutes=2),
    )


def test_tick_hands_a_job_of_a_dead_worker_to_another(kind, sent):
    kind(lambda running: None)
    job = jobs.submit("test")
    sent.clear()
    stale(job, attempts=1)
    jobs.tick()
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert ("psynetdata.jobs.run_in_turn", job.pk, "slow") in sent
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.DONE, 2)


def test_tick_gives_up_when_attempts_are_used_up(kind, sent):
    kind(lambda running: None)
    job = jobs.submit("test")
    stale(job, attempts=3)
    jobs.tick()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "died 3 times" in job.reason


def test_a_worker_that_lost_its_job_does_not_write_over_the_other(kind):
    def taken_over(running):
        Job.objects.filter(pk=running.job.pk).update(run_token="another", phase="theirs")
        running.progress("mine", 1, 2)
        return {"mine": True}

    kind(taken_over)
    job = jobs.run_here("test")
    assert (job.state, job.phase, job.result) == (Job.State.RUNNING, "theirs", {})


def test_progress_never_says_hundred_before_the_end(kind):
    seen = []

    def work(running):
        running.progress("rows", 10, 10)
        seen.append(running.job.percent)

    kind(work)
    jobs.run_here("test")
    assert seen == [99]


def test_a_cluster_without_life_is_named(sent):
    assert clusters.standing_still() == ["fast", "slow", "mirror"]
    jobs.prepare_start()
    assert clusters.standing_still() == []
    Beat.objects.filter(cluster="slow").update(at=timezone.now() - timedelta(minutes=4))
    assert clusters.standing_still() == ["slow"]
    Job.objects.create(kind="test", cluster="slow", state=Job.State.RUNNING, heartbeat_at=timezone.now())
    assert clusters.standing_still() == []


def test_only_one_beat_is_asked_for_at_a_time(sent):
    jobs.prepare_start()
    jobs.tick()
    jobs.tick()
    assert sent.count(("psynetdata.clusters.beat", "slow", "slow")) == 1
    clusters.beat("slow")
    jobs.tick()
    assert sent.count(("psynetdata.clusters.beat", "slow", "slow")) == 2


def test_two_workers_take_a_job_once(kind, sent):
    started, calls = threading.Barrier(2), []

    def work(running):
        calls.append(1)

    kind(work)
    job = jobs.submit("test")

    def worker():
        started.wait()
        jobs.run(job.pk)
        connections.close_all()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_rows_of_jobs_that_come_by_the_minute_are_forgotten(kind):
    kind(lambda running: None)
    new, old = jobs.run_here("test"), jobs.run_here("test")
    Job.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    assert jobs.forget() == 0
    kind(lambda running: None, kept=timedelta(days=7))
    assert jobs.forget() == 1
    assert Job.objects.get() == new


@pytest.mark.parametrize("beaten", [False, True])
def test_a_job_whose_heart_stood_still_does_not_go_on(kind, beaten):
    """A process that was stopped for over a minute did not respond for too long; what it stands on may be gone."""

    def stand_still(running):
        running.beaten_at -= 2 * jobs.STALE_AFTER.total_seconds()
        if beaten:
            running.beaten()
        running.check()

    kind(stand_still)
    with pytest.raises(Conflict, match="did not respond for too long"):
        jobs.run_here("test")


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_does_not_end_a_job(kind, monkeypatch, hours):
    real = timezone.now

    def work(running):
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=hours))
        running.check()
        running.beaten()
        running.check()
        return {"done": True}

    kind(work)
    assert jobs.run_here("test").result == {"done": True}
