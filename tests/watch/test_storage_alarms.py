"""Alarms about stored data, its second copy, its quarantine, and jobs that wait: when each begins and is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import CheckedPart, Incident, QuarantinedFile, SecondCopy
from exports.watch.inspection import inspect
from psynetdata.env import local_storage
from psynetdata.models import Deployment, Job

pytestmark = pytest.mark.django_db(databases="__all__")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def found() -> dict[str, str]:
    inspect()
    return dict(Incident.objects.filter(ended_at=None, deployment=None).values_list("kind", "sentence"))


def part(number: int = 1, **fields) -> CheckedPart:
    return CheckedPart.objects.update_or_create(number=number, defaults={"checked_at": timezone.now(), **fields})[0]


def test_damage_is_counted_and_over_when_it_is_repaired():
    part(1, damaged=2)
    part(2, damaged=1)
    assert found()["damage"] == (
        "3 stored segments or files are missing or damaged, and there is no whole copy; `manage.py verify --all` lists "
        "them."
    )
    part(1, damaged=0)
    part(2, damaged=0)
    assert found() == {}


def test_damage_of_an_only_copy_names_the_deployment_unless_it_is_restricted():
    one = Deployment.objects.create(deployment_id="one", label="Zoo", state="archived")
    two = Deployment.objects.create(deployment_id="two", label="Hidden", state="archived", restricted=True)
    part(damaged=1, only_copies=[one.pk, two.pk])
    sentence = found()["damage"]
    assert sentence.startswith("One stored segment or file is missing or damaged")
    assert sentence.endswith(f"the only copy: {one}, a deployment with restricted access.")
    assert "Hidden" not in sentence


@pytest.mark.parametrize(("checked", "alarm"), [(34, False), (36, True), (None, True)])
def test_data_that_was_not_checked_for_long(checked, alarm):
    now = timezone.now()
    part(1)
    part(2, added_at=now - 36 * DAY, checked_at=checked and now - checked * DAY)
    Job.objects.create(kind="rehash", state="failed", reason="The storage cannot be reached.")
    sentence = found().get("rehash")
    assert (sentence is not None) == alarm
    assert not alarm or sentence.endswith("The last try failed: The storage cannot be reached.")


@pytest.fixture
def copy(settings, tmp_path):
    """copy(**fields): how far the second copy follows."""
    settings.STORAGES = {**settings.STORAGES, "second_copy": local_storage(tmp_path / "second")}

    def change(**fields):
        defaults = {"begun_at": timezone.now() - 9 * DAY, "place": "x", **fields}
        SecondCopy.objects.update_or_create(number=SecondCopy.ONLY, defaults=defaults)

    return change


def test_a_second_copy_that_fails_for_a_while(copy, settings):
    now = timezone.now()
    copy(complete_at=now - 3 * HOUR, failing_since=now - HOUR, problem="It cannot be reached.")
    assert found() == {}
    copy(failing_since=now - 3 * HOUR)
    assert found()["copy"].endswith("The last try failed: It cannot be reached.")
    copy(failing_since=None)
    assert found() == {}
    copy(failing_since=now, refused=True, problem="It belongs to another installation.")
    assert found()["copy"] == "It belongs to another installation."  # at once
    settings.STORAGES = {name: entry for name, entry in settings.STORAGES.items() if name != "second_copy"}
    assert found() == {}


def test_a_second_copy_that_does_not_become_complete(copy):
    now = timezone.now()
    copy(complete_at=now - 23 * HOUR, waiting_files=7, waiting_bytes=3_000_000_000)
    assert found() == {}
    copy(complete_at=now - 25 * HOUR)
    assert found()["copy"].endswith("7 files (3.0 GB) to copy.")
    copy(complete_at=None)
    assert "copy" in found()
    copy(complete_at=None, begun_at=now - 23 * HOUR)
    assert found() == {}


def test_files_that_leave_the_quarantine_soon():
    now = timezone.now()
    row = QuarantinedFile.objects.create(
        name="snapshots/x", bytes=2_500_000, modified_at=now, found_at=now - 22 * DAY, last_found_at=now
    )
    assert found() == {}
    QuarantinedFile.objects.update(found_at=now - 24 * DAY)
    assert found()["quarantine"].startswith("1 file (2.5 MB) to which nothing refers will leave the quarantine")
    QuarantinedFile.objects.filter(pk=row.pk).update(kept=True)
    assert found() == {}


@pytest.mark.parametrize(("cluster", "minutes"), [("fast", 15), ("mirror", 60), ("slow", 720)])
def test_jobs_that_wait(cluster, minutes):
    now = timezone.now()
    job = Job.objects.create(kind="export", cluster=cluster, state="queued")
    Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(minutes=minutes - 1))
    assert found() == {}
    Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(minutes=minutes + 1))
    assert f"of the cluster {cluster} since" in found()["queue"]
    Job.objects.filter(pk=job.pk).update(state="running")
    assert found() == {}
