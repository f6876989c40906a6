"""The minute tick sends what is due: one at a time, on a grid, without a pile after a gap."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.capture import snapshot_schedule
from exports.models import Snapshot
from exports.operations import deployments
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Conflict, UsageError

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def send(now) -> int:
    """How many were sent at that moment; they are done at once."""
    sent = snapshot_schedule.send_due(now)
    for job in sent:
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, started_at=now, finished_at=now)
    return len(sent)


def test_each_minute_and_what_is_sent_makes_a_snapshot(experiment):
    running = experiment()
    jobs.tick()
    job = Job.objects.get(kind="snapshot")
    assert (job.deployment, job.cluster, job.max_attempts) == (running.deployment, "fast", 1)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["snapshot"]) == ("done", Snapshot.objects.get().pk)
    jobs.tick()
    assert Job.objects.filter(kind="snapshot").count() == 1  # not due before the minute is over
    Deployment.objects.update(due_at=timezone.now())
    jobs.tick()
    assert Job.objects.filter(kind="snapshot").count() == 2


def test_a_tick_that_comes_early_or_late_keeps_the_grid(experiment):
    experiment(every=120)
    now = Deployment.objects.get().due_at
    moments = [0, 55, 100, 175, 240, 290, 350]
    assert [send(now + timedelta(seconds=at)) for at in moments] == [1, 0, 1, 0, 1, 0, 1]
    assert Deployment.objects.get().due_at == now + timedelta(seconds=480)


def test_a_clock_that_was_set_back(experiment):
    experiment(every=120)
    now = Deployment.objects.get().due_at
    assert send(now) == 1
    hours_ago = now - timedelta(hours=3)
    assert [send(hours_ago), send(hours_ago + timedelta(seconds=60)), send(hours_ago + timedelta(seconds=120))] == [
        1,
        0,
        1,
    ]
    assert send(hours_ago - timedelta(seconds=60)) == 1  # further ahead than its own interval


@pytest.mark.each_database
def test_no_overlap_and_no_pile(experiment):
    experiment()
    now = timezone.now() + timedelta(minutes=1)
    (job,) = snapshot_schedule.send_due(now)
    for minutes in range(1, 10):
        assert snapshot_schedule.send_due(now + timedelta(minutes=minutes)) == []
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED, started_at=now, finished_at=now)
    later = now + timedelta(hours=5)
    assert send(later) == 1
    assert send(later + timedelta(seconds=20)) == 0
    assert Deployment.objects.get().due_at == later + timedelta(seconds=60)


def test_a_scheduled_one_that_meets_another_is_skipped(experiment):
    """It did not fail: the other one is as good. The schedule asks again as soon as that is over."""
    running = experiment(every=86_400)
    jobs.tick()
    job = Job.objects.get(kind="snapshot")
    by_hand = Job.objects.create(
        kind="snapshot", deployment=running.deployment, state=Job.State.RUNNING, heartbeat_at=timezone.now()
    )
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert job.reason.startswith(f"Skipped: Snapshot {by_hand.pk} is working on ")
    assert not Snapshot.objects.exists()
    jobs.tick()
    assert Job.objects.filter(kind="snapshot", state=Job.State.QUEUED).count() == 0
    Job.objects.filter(pk=by_hand.pk).update(state=Job.State.DONE)
    jobs.tick()
    jobs.run(Job.objects.get(kind="snapshot", state=Job.State.QUEUED).pk)
    assert Snapshot.objects.count() == 1
    # One that somebody asked for says that it could not.
    Job.objects.filter(pk=by_hand.pk).update(state=Job.State.RUNNING)
    with pytest.raises(Conflict, match="is working on"):
        jobs.run_here("snapshot", deployment=running.deployment)
    assert Job.objects.latest("pk").state == Job.State.FAILED


@pytest.mark.each_database
def test_two_ticks_at_the_same_time_send_one(experiment, monkeypatch):
    experiment()
    stale = Deployment.objects.get()
    now = timezone.now() + timedelta(minutes=1)
    assert send(now) == 1
    monkeypatch.setattr(type(Deployment.objects), "watched", lambda self: [stale])
    assert send(now) == 0


def test_slow_captures_stretch_the_time_between(experiment):
    running = experiment()
    job = jobs.submit("snapshot", deployment=running.deployment)
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, started_at=now, finished_at=now + timedelta(seconds=30))
    assert snapshot_schedule.interval(Deployment.objects.get()) == 120
    Job.objects.filter(pk=job.pk).update(finished_at=now + timedelta(seconds=3))
    assert snapshot_schedule.interval(Deployment.objects.get()) == 60


@pytest.mark.parametrize("verb", ["pause", "archive"])
def test_only_what_runs_is_due(experiment, verb):
    running = experiment()
    getattr(deployments, verb)(running.deployment)
    later = timezone.now() + timedelta(hours=1)
    assert send(later) == 0
    deployments.resume(Deployment.objects.get())
    assert send(later) == 1
    deployments.set_every(Deployment.objects.get(), 0)
    assert send(later + timedelta(days=1)) == 0


@pytest.mark.parametrize("every", [1, 59, -5, 10**9])
def test_how_often(experiment, every):
    with pytest.raises(UsageError, match="every 60 to 604800 seconds"):
        experiment(every=every)
    assert not Deployment.objects.exists()
