"""People take turns in the slow cluster, and one person's long jobs leave a worker to others."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from psynetdata import clusters, jobs
from psynetdata.job_turns import next_in_turn
from psynetdata.models import Job

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.each_database]


@pytest.fixture
def ran(monkeypatch):
    """The jobs of the kind `test` that ran, as (owner, name), in their order."""
    done = []

    def work(running):
        done.append((running.job.owner and running.job.owner.username, running.options["name"]))

    monkeypatch.setitem(jobs._kinds, "test", jobs.Kind(work, jobs.SLOW, 3))
    return done


@pytest.fixture
def delivered(monkeypatch):
    """deliver() runs what was handed to django-q2, in that order, until nothing is left, as one worker does."""
    queue = []
    monkeypatch.setattr(clusters, "async_task", lambda name, argument, **_: queue.append((name, argument)))

    def deliver():
        while queue:
            name, argument = queue.pop(0)
            assert name == "psynetdata.jobs.run_in_turn"
            jobs.run_in_turn(argument)

    return deliver


def people(*names: str) -> list[User]:
    return [User.objects.create_user(name) for name in names]


def request(owner: User | None, *names: str, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for name in names:
            jobs.submit("test", options={"name": name}, owner=owner)


def running(owner: User | None, kind: str = "test") -> Job:
    now = timezone.now()
    return Job.objects.create(kind=kind, owner=owner, state="running", started_at=now, heartbeat_at=now)


def queued(owner: User | None, kind: str = "test") -> int:
    return Job.objects.create(kind=kind, owner=owner).pk


def test_who_asks_for_little_does_not_wait_for_who_asks_for_much(ran, delivered, django_capture_on_commit_callbacks):
    ada, bob = people("ada", "bob")
    request(ada, "1", "2", "3", "4", django_capture_on_commit_callbacks=django_capture_on_commit_callbacks)
    request(bob, "1", "2", django_capture_on_commit_callbacks=django_capture_on_commit_callbacks)
    request(None, "check", django_capture_on_commit_callbacks=django_capture_on_commit_callbacks)
    delivered()
    assert ran == [
        ("ada", "1"), ("bob", "1"), (None, "check"), ("ada", "2"), ("bob", "2"), ("ada", "3"), ("ada", "4"),
    ]  # fmt: skip


def test_a_person_leaves_a_worker_to_others(ran, settings):
    ada, bob = people("ada", "bob")
    first = running(ada)
    waiting = queued(ada)
    assert next_in_turn(jobs.SLOW) is None
    other_kind = queued(ada, "another")
    assert next_in_turn(jobs.SLOW) == other_kind
    of_bob = queued(bob)
    assert next_in_turn(jobs.SLOW) == of_bob
    Job.objects.filter(pk__in=(of_bob, other_kind)).update(state="done")
    Job.objects.filter(pk=first.pk).update(state="done")
    assert next_in_turn(jobs.SLOW) == waiting


def test_with_one_worker_a_person_can_use_it(settings):
    (ada,) = people("ada")
    settings.Q_CLUSTER = {"ALT_CLUSTERS": {"slow": {"workers": 1}}}
    assert queued(ada) == next_in_turn(jobs.SLOW)


def test_a_job_that_had_to_wait_is_sent_when_the_other_ends(ran, delivered, django_capture_on_commit_callbacks):
    (ada,) = people("ada")
    long = running(ada)
    request(ada, "waits", django_capture_on_commit_callbacks=django_capture_on_commit_callbacks)
    delivered()  # its task is used up
    assert ran == []
    Job.objects.filter(pk=long.pk).update(state="done")
    jobs.run_in_turn(long.pk)  # the task of the long job was delivered twice; it is over, and this one's turn comes
    assert ran == [("ada", "waits")]


def test_a_lost_task_is_sent_again_although_another_job_runs(ran, monkeypatch):
    sent = []
    monkeypatch.setattr(clusters, "async_task", lambda name, argument, **_: sent.append((name, argument)))
    ada, bob = people("ada", "bob")
    running(ada)
    lost = queued(bob)
    Job.objects.filter(pk=lost).update(created_at=timezone.now() - timedelta(minutes=5))
    jobs.tick()
    assert ("psynetdata.jobs.run_in_turn", lost) in sent


def test_a_job_that_a_command_runs_itself_is_not_taken(ran):
    job = jobs.prepare("test", options={"name": "mine"})
    assert next_in_turn(jobs.SLOW) is None
    jobs.run(job.pk)
    assert ran == [(None, "mine")]
