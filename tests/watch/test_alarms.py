"""Each alarm: when it begins, what it says, when it is over."""

import shutil
from collections import namedtuple
from datetime import timedelta

import pytest

from exports.models import Incident, Watch
from exports.watch.inspection import inspect
from psynetdata.models import Job

from .conftest import NOW

pytestmark = pytest.mark.django_db(databases="__all__")
MINUTE = timedelta(minutes=1)
Usage = namedtuple("Usage", "total used free")


def found(now=NOW) -> dict[str, str]:
    """{kind: sentence} of what is open after a look."""
    inspect(now)
    return dict(Incident.objects.filter(ended_at=None).values_list("kind", "sentence"))


def test_all_is_well(watched, snapshot, job):
    deployment = watched()
    snapshot(deployment)
    job(deployment, "done")
    job(deployment, "done", kind="drill")
    assert found() == {}


@pytest.mark.parametrize(
    ("every", "age", "late"), [(60, 180, False), (60, 181, True), (600, 1800, False), (600, 1801, True)]
)
def test_late_is_older_than_three_times_the_interval(watched, snapshot, every, age, late):
    snapshot(watched(every=every), age=age)
    assert ("late" in found()) == late


def test_a_clock_that_was_set_back_does_not_put_off_alarms(watched, snapshot):
    deployment = watched()
    snapshot(deployment, age=-7200)
    Watch.objects.update(since=NOW + 120 * MINUTE)
    assert found() == {}
    assert set(found(NOW + 4 * MINUTE)) == {"late"}


def test_late_says_since_when_and_how_often(watched, snapshot, job):
    deployment = watched(every=300)
    snapshot(deployment, age=3600)
    assert found()["late"] == ("The newest snapshot is of 2026-11-22 11:00:00 UTC, though one is due every 5 minutes.")
    job(deployment, "failed", problem="Conflict", reason="A table is locked.")
    assert found()["late"].endswith("due every 5 minutes. The last try failed: A table is locked.")
    snapshot(deployment)
    assert found() == {}


def test_a_suspect_snapshot_is_a_snapshot_too(watched, snapshot):
    deployment = watched()
    snapshot(deployment, age=600)
    snapshot(deployment, state="suspect", reason="There are fewer rows.")
    assert set(found()) == {"fell"}


def test_a_file_that_was_handed_in_is_none_from_the_source(watched, snapshot):
    deployment = watched()
    snapshot(deployment, age=600)
    snapshot(deployment, seconds=None, origin="database.zip")
    assert set(found()) == {"late"}


def test_a_long_capture_stretches_the_interval(watched, snapshot, job):
    deployment = watched()
    snapshot(deployment, age=300)
    done = job(deployment, "done")
    Job.objects.filter(pk=done.pk).update(started_at=NOW - 6 * MINUTE, finished_at=NOW - 5 * MINUTE)
    job(deployment, "failed")
    assert found() == {}
    assert found(NOW + 8 * MINUTE)["late"].startswith(
        "The newest snapshot is of 2026-11-22 11:55:00 UTC, though one is due every 4 minutes."
    )


def test_a_new_deployment_has_time_for_its_first_snapshot(watched):
    deployment = watched()
    Watch.objects.all().delete()
    assert found() == {}
    assert found(NOW + 3 * MINUTE) == {}
    assert found(NOW + 4 * MINUTE) == {"late": "There is no snapshot yet, though one is due every minute."}
    assert Watch.objects.get().deployment == deployment


@pytest.mark.parametrize(
    "change", [{"state": "paused"}, {"state": "finished"}, {"state": "archived"}, {"every": None}, {"source": "upload"}]
)
def test_what_is_not_watched_has_no_alarm_and_loses_those_it_had(watched, snapshot, job, change):
    deployment = watched()
    snapshot(deployment, age=600, state="suspect")
    job(deployment, "failed", problem="Unreachable")
    job(deployment, "failed", kind="drill")
    assert set(found()) == {"late", "fell", "unreachable", "drill"}
    for name, value in change.items():
        setattr(deployment, name, value)
    deployment.save()
    assert found() == {}
    assert Incident.objects.filter(ended_at=NOW).count() == 4


def test_a_resumed_deployment_begins_anew(watched, snapshot):
    deployment = watched(state="paused")
    snapshot(deployment, age=86400)
    assert found() == {}
    deployment.state = "running"
    deployment.save()
    assert found(NOW + MINUTE) == {}
    assert found(NOW + 4 * MINUTE) == {}
    assert set(found(NOW + 5 * MINUTE)) == {"late"}


def test_rows_fell_says_why_and_is_over_when_rows_are_back_or_it_is_accepted(watched, snapshot):
    deployment = watched()
    snapshot(deployment, age=60)
    suspect = snapshot(deployment, state="suspect", reason="There are 3 participants instead of 20.")
    assert found() == {"fell": "There are 3 participants instead of 20."}
    suspect.state = "good"
    suspect.save()
    assert found() == {}
    snapshot(deployment, state="suspect")
    assert set(found()) == {"fell"}
    snapshot(deployment)
    assert found() == {}


@pytest.mark.parametrize("problem", ["Unreachable", "Refused"])
def test_unreachable_until_a_snapshot_is_taken(watched, snapshot, job, problem):
    deployment = watched()
    snapshot(deployment)
    job(deployment, "failed", problem=problem)
    assert found() == {"unreachable": "The host is gone."}
    job(deployment, "failed", problem="Conflict")
    job(deployment, "queued")
    job(deployment, "cancelled")
    assert set(found()) == {"unreachable"}
    job(deployment, "done")
    job(deployment, "running")
    assert found() == {}


def test_other_failures_show_through_late_alone(watched, snapshot, job):
    deployment = watched()
    snapshot(deployment)
    job(deployment, "failed", problem="Conflict")
    job(deployment, "failed")
    assert found() == {}


def test_a_failed_drill(watched, snapshot, job):
    deployment = watched()
    snapshot(deployment)
    job(deployment, "failed", kind="drill", reason="Table info has 3 rows instead of 4.")
    assert found() == {"drill": "The last restore drill failed: Table info has 3 rows instead of 4."}
    job(deployment, "done", kind="drill")
    assert found() == {}


def test_storage_begins_at_the_limit_and_is_over_well_above_it(settings, monkeypatch, tmp_path):
    settings.STORAGE_MIN_FREE = {"share": 0.05, "bytes": 2e9}
    free = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(20e9, 0, free[-1]))
    free.append(1.0e9)
    assert found() == {}
    free.append(0.99e9)
    [(kind, sentence)] = found().items()
    assert kind == "storage"
    assert "(1.0 of 20.0 GB free)" in sentence
    assert str(tmp_path) not in sentence
    free.append(1.05e9)
    assert set(found()) == {"storage"}
    free.append(1.2e9)
    assert found() == {}


@pytest.mark.parametrize(("limit", "tight"), [
    ({"share": 0.05, "bytes": 2e9}, False), ({"share": None, "bytes": 2e9}, True),
    ({"share": 0.1, "bytes": None}, True), ({"share": 0.05, "bytes": None}, False),
])  # fmt: skip
def test_the_smaller_of_share_and_size_counts(settings, monkeypatch, limit, tight):
    settings.STORAGE_MIN_FREE = limit
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(20e9, 0, 1.5e9))
    assert ("storage" in found()) == tight


def test_an_object_store_has_no_disk(settings):
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "b"}}
    }
    settings.STORAGE_MIN_FREE = {"share": None, "bytes": 1e18}
    assert "DATA_DIR (" in found()["storage"]
