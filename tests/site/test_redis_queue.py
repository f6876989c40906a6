"""The queue in Redis (REDIS_URL): messages that are lost are sent again, and a Redis that is away stops nobody."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.brokers.redis_broker import Redis
from django_q.conf import Conf
from django_q.signing import SignedPackage

from psynetdata import clusters, jobs
from psynetdata.models import Job
from tests.site.test_jobs import kind  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def queue(redis_server, settings, monkeypatch):
    settings.REDIS_URL = redis_server.url
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", redis_server.url)
    assert isinstance(get_broker(jobs.SLOW), Redis)
    return redis_server


def waiting() -> set[str]:
    return clusters.waiting_tasks(jobs.SLOW)


def grow_old(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - jobs.SENT_AGAIN_AFTER - timedelta(seconds=1))


def test_a_job_waits_there_and_is_sent_once(queue, kind):  # noqa: F811
    kind(lambda running: {"rows": 3})
    job = jobs.submit("test")
    assert waiting() == {f"job {job.pk}"}
    grow_old(job)
    jobs.tick()
    messages = get_broker(jobs.SLOW).connection.lrange(get_broker(jobs.SLOW).list_key, 0, -1)
    assert [SignedPackage.loads(message.decode())["name"] for message in messages].count(f"job {job.pk}") == 1
    jobs.run_in_turn(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, {"rows": 3})


def test_a_message_that_is_lost_is_sent_again(queue, kind):  # noqa: F811
    kind(lambda running: None)
    job = jobs.submit("test")
    get_broker(jobs.SLOW).connection.flushall()
    assert waiting() == set()
    jobs.tick()
    assert f"job {job.pk}" not in waiting()  # a worker may have it in hand
    grow_old(job)
    jobs.tick()
    assert f"job {job.pk}" in waiting()


def test_while_redis_is_away_jobs_are_taken_and_sent_when_it_is_back(queue, kind, caplog):  # noqa: F811
    kind(lambda running: None)
    queue.stop()
    job = jobs.submit("test")
    assert job.state == Job.State.QUEUED
    assert "until the queue is back" in caplog.text
    grow_old(job)
    jobs.tick()
    assert clusters.last_tick() is not None
    queue.start()
    jobs.tick()
    assert f"job {job.pk}" in waiting()
