"""The dead man's switch: a request each minute as long as all is well, and no word of its address."""

import logging
import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Snapshot, Watch
from exports.watch import heartbeat
from psynetdata import clusters, jobs
from psynetdata.models import Beat, Job

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
ADDRESS = "/ping/0a1b-topsecret?key=topsecret"


@pytest.fixture(autouse=True)
def switch(settings, web):
    web.files[ADDRESS] = b"OK"
    settings.HEARTBEAT_URL = web.url + ADDRESS
    clusters.ensure_schedule()
    return web


def beats(switch) -> int:
    """How many requests come in one minute."""
    before = len(switch.asked)
    heartbeat.submit()
    jobs.run(Job.objects.filter(kind="heartbeat").latest("pk").pk)
    assert {path for path, _ in switch.asked} <= {ADDRESS}
    return len(switch.asked) - before


def last() -> Job:
    return Job.objects.filter(kind="heartbeat").latest("pk")


@pytest.fixture
def deployment(watched, snapshot):
    """deployment(age=…, every=…): when its newest snapshot arrived, in seconds."""

    def make(age, every=60):
        row = watched(every=every)
        Watch.objects.update(since=timezone.now() - timedelta(days=1))
        taken = snapshot(row)
        Snapshot.objects.filter(pk=taken.pk).update(stored_at=timezone.now() - timedelta(seconds=age))
        return row

    return make


def test_the_tick_sends_it(switch):
    jobs.tick()
    job = last()
    assert switch.asked == []  # not in the tick, which must not wait
    jobs.tick()
    assert last() == job  # one at a time
    jobs.run(job.pk)
    assert [path for path, _ in switch.asked] == [ADDRESS]
    assert last().result == {"sent": True, "reason": ""}


@pytest.mark.parametrize(("every", "age", "sent"), [
    (60, 30, 1), (60, 800, 1), (60, 1000, 0), (600, 5900, 1), (600, 6100, 0),
])  # fmt: skip
def test_it_stops_if_a_snapshot_is_far_too_old(switch, deployment, every, age, sent):
    row = deployment(age, every)
    assert beats(switch) == sent
    row.state = "paused"
    row.save()
    assert beats(switch) == 1


def test_it_stops_if_the_tick_is_late(switch):
    Beat.objects.filter(cluster="tick").update(at=timezone.now() - timedelta(minutes=4))
    assert beats(switch) == 0
    assert last().result == {"sent": False, "reason": "The check each minute is late."}
    clusters.ticked()
    assert beats(switch) == 1


def test_a_clock_that_was_set_back_is_no_excuse(switch, deployment):
    """A snapshot that seems to be of the future counts from now on."""
    deployment(-7200)
    assert beats(switch) == 1
    assert Snapshot.objects.get().stored_at <= timezone.now()


@pytest.mark.parametrize("reason", ["it answered with status 503", "it does not answer", "it cannot be reached"])
def test_an_address_that_does_not_answer(switch, settings, monkeypatch, caplog, reason):
    monkeypatch.setattr(heartbeat, "_TIMEOUT", 0.2)
    switch.moods[ADDRESS] = ["ill", "ill"]
    with socket.create_server(("127.0.0.1", 0)) as silent, caplog.at_level(logging.INFO):
        port = {"it does not answer": silent.getsockname()[1], "it cannot be reached": 1}.get(reason)
        if port:
            settings.HEARTBEAT_URL = f"http://127.0.0.1:{port}{ADDRESS}"
        for _ in range(2):
            beats(switch)
            assert last().state == Job.State.FAILED
            assert last().reason == f"The heartbeat could not be sent to HEARTBEAT_URL: {reason}."
    assert len(caplog.records) == 1  # not each minute
    assert "topsecret" not in caplog.text + last().reason
    switch.moods.clear()
    settings.HEARTBEAT_URL = switch.url + ADDRESS
    assert beats(switch) == 1


def test_without_an_address_there_is_none(settings):
    settings.HEARTBEAT_URL = ""
    jobs.tick()
    assert not Job.objects.filter(kind="heartbeat").exists()
