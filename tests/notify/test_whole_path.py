"""From the tick to the message: a deployment whose source is gone, and comes back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Incident, Snapshot, Watch
from psynetdata import jobs
from psynetdata.models import Deployment, Job

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def tick(monkeypatch):
    """tick() → what a minute does: the tick, and the notices that it sends jobs for."""
    monkeypatch.setattr("psynetdata.clusters.async_task", lambda *_, **__: None)

    def minute():
        jobs.tick()
        for job in Job.objects.filter(kind="notify", state=Job.State.QUEUED):
            jobs.run(job.pk)

    return minute


def over(deployment, state, **fields):
    Job.objects.create(kind="snapshot", deployment=deployment, state=state, **fields)


def test_a_source_that_goes_and_comes_back(slack, tick):
    soon = timezone.now() + timedelta(days=1)  # no snapshot is due, so that the tick sends none
    deployment = Deployment.objects.create(deployment_id="zoo", source="local", every=60, due_at=soon)
    Watch.objects.create(deployment=deployment, since=timezone.now() - timedelta(minutes=4))
    over(deployment, "failed", reason="exp on db:5432: no answer.", result={"problem": "Unreachable"})
    for _ in range(3):
        tick()
    [first] = slack.got
    assert "2 alarms" in first["text"]
    assert "There is no snapshot yet, though one is due every minute." in first["text"]
    assert first["text"].count("exp on db:5432: no answer.") == 2
    over(deployment, "done")
    Snapshot.objects.create(deployment=deployment, taken_at=timezone.now(), seconds=1)
    for _ in range(3):
        tick()
    [_, second] = slack.got
    assert "2 over" in second["text"]
    assert not Incident.objects.filter(ended_at=None).exists()


def test_a_channel_in_trouble_breaks_no_tick(slack, tick, caplog):
    slack.answers = ["invalid_auth"] * 2
    soon = timezone.now() + timedelta(days=1)
    deployment = Deployment.objects.create(deployment_id="zoo", source="local", every=60, due_at=soon)
    Watch.objects.create(deployment=deployment, since=timezone.now() - timedelta(minutes=4))
    for _ in range(4):
        tick()
    assert slack.asked == 3
    assert len(slack.got) == 1
    assert "Traceback" not in caplog.text
