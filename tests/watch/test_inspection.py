"""Incidents begin once and end once, whoever looks, and however many deployments there are."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.models import Incident, Notice, Watch
from exports.watch.inspection import inspect
from psynetdata import jobs
from psynetdata.models import Job

from .conftest import NOW

pytestmark = pytest.mark.django_db(databases="__all__")


def test_an_incident_stays_the_same_while_it_lasts(watched):
    watched()
    for minute in range(3):
        inspect(NOW + timedelta(minutes=minute))
    [incident] = Incident.objects.all()
    assert (incident.began_at, incident.ended_at) == (NOW, None)


def test_its_sentence_follows(watched, job):
    deployment = watched()
    job(deployment, "failed", problem="Unreachable", reason="There is no host of that name.")
    inspect(NOW)
    job(deployment, "failed", problem="Refused", reason="The password is wrong.")
    inspect(NOW)
    assert Incident.objects.get(kind="unreachable").sentence == "The password is wrong."


def test_what_comes_again_is_a_new_incident(watched, snapshot):
    deployment = watched()
    inspect(NOW)
    row = snapshot(deployment)
    inspect(NOW + timedelta(minutes=1))
    inspect(NOW + timedelta(minutes=2))
    row.delete()
    inspect(NOW + timedelta(minutes=9))
    last, first = Incident.objects.all()
    assert (first.began_at, first.ended_at) == (NOW, NOW + timedelta(minutes=1))
    assert (last.began_at, last.ended_at) == (NOW + timedelta(minutes=9), None)


@pytest.mark.parametrize("of_the_desk", [True, False])
def test_two_of_a_kind_cannot_be_open(watched, of_the_desk):
    deployment = None if of_the_desk else watched()
    fields = {"deployment": deployment, "kind": "storage", "sentence": "", "began_at": NOW}
    Incident.objects.create(**fields, ended_at=NOW)
    Incident.objects.create(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.create(**fields)


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_four_workers_look_at_the_same_moment(watched, snapshot, settings, sent):
    settings.SLACK_BOT_TOKEN = settings.SLACK_CHANNEL = "x"
    settings.STORAGE_MIN_FREE = {"share": None, "bytes": 1e18}
    deployments = [watched(number) for number in range(5)]
    at_once(lambda: inspect(NOW))
    assert Incident.objects.filter(ended_at=None).count() == 6
    assert Notice.objects.count() == 6
    for deployment in deployments:
        snapshot(deployment)
    at_once(lambda: inspect(NOW))
    assert Incident.objects.count() == 6
    assert Incident.objects.filter(ended_at=NOW).count() == 5


def at_once(function, workers=4):
    start, failed = threading.Barrier(workers), []

    def work():
        start.wait()
        try:
            function()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def queries(now) -> int:
    with CaptureQueriesContext(connection) as captured:
        inspect(now)
    return len(captured)


@pytest.mark.parametrize("trouble", [False, True])
def test_as_many_queries_for_thirty_deployments_as_for_one(watched, snapshot, job, settings, sent, trouble):
    settings.SLACK_BOT_TOKEN = settings.SLACK_CHANNEL = "x"

    def make(number):
        deployment = watched(number)
        snapshot(deployment, age=600 if trouble else 1)
        job(deployment, "failed" if trouble else "done", problem="Unreachable" if trouble else None)
        job(deployment, "failed" if trouble else "done", kind="drill")

    make(0)
    one = queries(NOW), queries(NOW)
    Incident.objects.all().delete()
    Job.objects.filter(kind="notify").delete()
    for number in range(1, 30):
        make(number)
    thirty = queries(NOW), queries(NOW)
    assert thirty == one
    assert Incident.objects.count() == (90 if trouble else 0)
    assert max(one) <= 28


def test_the_tick_looks(watched, sent):
    watched()
    Watch.objects.update(since=timezone.now() - timedelta(minutes=4))
    jobs.tick()
    assert Incident.objects.filter(kind="late").count() == 1
