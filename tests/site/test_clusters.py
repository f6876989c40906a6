"""What makes the tick come, whatever the clock did, and what waits in the queues."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from psynetdata import clusters, jobs
from psynetdata.models import Beat, Job
from tests.site.test_jobs import kind  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]
ROOT = Path(__file__).resolve().parents[2]
LATER = timedelta(hours=3)


def scheduled_ticks(monkeypatch) -> int:
    """How many ticks the cluster's scheduler puts into its queue now."""
    monkeypatch.setattr(Conf, "CLUSTER_NAME", clusters.FAST)
    scheduler(get_broker(clusters.FAST))
    return OrmQ.objects.filter(key=clusters.FAST).count()


def test_a_clock_that_was_set_back_does_not_stop_the_tick(monkeypatch):
    clusters.ensure_schedule()
    Schedule.objects.update(next_run=timezone.now() + LATER)
    Beat.objects.update(at=timezone.now() + LATER, asked_at=timezone.now() + LATER)
    assert scheduled_ticks(monkeypatch) == 0
    assert clusters.standing_still() == list(clusters.CLUSTERS)
    assert clusters.tick_is_late()
    clusters.mend_times()
    assert scheduled_ticks(monkeypatch) == 1
    assert clusters.standing_still() == []
    assert not clusters.tick_is_late()
    assert Schedule.objects.get().next_run < timezone.now() + timedelta(minutes=2)


def test_a_start_mends_it_too(monkeypatch):
    clusters.ensure_schedule()
    Schedule.objects.update(next_run=timezone.now() + LATER)
    clusters.ensure_schedule()
    assert scheduled_ticks(monkeypatch) == 1


def test_what_is_due_within_its_own_interval_stays():
    clusters.ensure_schedule()
    soon, tomorrow = timezone.now() + timedelta(seconds=50), timezone.now() + timedelta(hours=23)
    Schedule.objects.update(next_run=soon)
    daily = Schedule.objects.create(func="x", schedule_type=Schedule.DAILY, next_run=tomorrow, cluster="other")
    clusters.mend_times()
    assert Schedule.objects.get(name="tick").next_run == soon
    daily.refresh_from_db()
    assert daily.next_run == tomorrow


def test_a_message_that_was_locked_by_another_clock():
    locked = timezone.now() + timedelta(seconds=Conf.RETRY)
    taken = OrmQ.objects.create(key="fast", payload="taken a moment ago", lock=locked)
    future = OrmQ.objects.create(key="fast", payload="taken in the future", lock=locked + LATER)
    clusters.mend_times()
    taken.refresh_from_db()
    future.refresh_from_db()
    assert taken.lock == locked
    assert future.lock <= timezone.now()


def test_jobs_from_the_future_do_not_hold_up_what_is_due(kind):  # noqa: F811
    """As of each job that comes once in a while: whether one was made lately is asked of its time."""
    kind(lambda running: None)
    prune = Job.objects.create(kind="prune", options={"daily": True}, state=Job.State.DONE)
    dead = Job.objects.create(kind="test", state=Job.State.RUNNING, attempts=3, heartbeat_at=timezone.now() + LATER)
    Job.objects.update(created_at=timezone.now() + LATER)
    jobs.tick()
    for job in (prune, dead):
        job.refresh_from_db()
        assert job.created_at <= timezone.now()
    assert dead.state == Job.State.RUNNING  # it may be alive: its heart is heard from now on
    Job.objects.filter(pk=dead.pk).update(heartbeat_at=dead.heartbeat_at - jobs.STALE_AFTER)
    Job.objects.filter(pk=prune.pk).update(created_at=prune.created_at - timedelta(days=1))
    jobs.tick()
    dead.refresh_from_db()
    assert dead.state == Job.State.FAILED
    assert Job.objects.filter(kind="prune", state=Job.State.QUEUED).count() == 1


def test_a_lost_message_is_sent_again_while_the_cluster_works(kind):  # noqa: F811
    kind(lambda running: None)
    Job.objects.create(kind="test", cluster="slow", state=Job.State.RUNNING, heartbeat_at=timezone.now())
    lost, waits = jobs.submit("test"), jobs.submit("test")
    Job.objects.update(created_at=timezone.now() - jobs.SENT_AGAIN_AFTER)
    OrmQ.objects.filter(pk=OrmQ.objects.order_by("pk").first().pk).delete()
    assert clusters.waiting_tasks("slow") == {f"job {waits.pk}"}
    for _ in range(2):
        jobs.tick()
        names = [message.task["name"] for message in OrmQ.objects.filter(key="slow")]
        assert names.count(f"job {lost.pk}") == 1
        assert names.count(f"job {waits.pk}") == 1


def test_a_tick_that_fails_is_not_one(kind, monkeypatch):  # noqa: F811
    clusters.ensure_schedule()
    Beat.objects.filter(cluster="tick").update(at=timezone.now() - timedelta(minutes=4))
    monkeypatch.setattr(jobs, "sweep_leftovers", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jobs.tick()
    assert clusters.tick_is_late()


# A worker of a cluster with three tasks: a small one, one that needs much memory, and one that it must not get to.
_WORKER = """
import django
django.setup()
from multiprocessing import get_context
from django_q.worker import worker
fork = get_context("fork")
tasks, results = fork.Queue(), fork.Queue()
for number, size in enumerate((1, 300_000_000, 1)):
    tasks.put({"id": str(number), "name": str(number), "func": "builtins.bytearray", "args": (size,), "kwargs": {}})
state = fork.Value("f", -1)
results.put = lambda task: print("done", task["name"], flush=True)
# A fork, as in a cluster: the peak of a process that was executed includes that of who executed it.
process = fork.Process(target=worker, args=(tasks, results, state))
process.start()
process.join()
print("recycled" if state.value == -2 else state.value)
"""


def test_a_worker_that_needed_much_memory_is_replaced(tmp_path):
    variables = os.environ | {"DJANGO_SETTINGS_MODULE": "psynetdata.settings", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _WORKER],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split("\n")[:3] == ["done 0", "done 1", "recycled"]
