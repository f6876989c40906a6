"""/metrics, read as Prometheus reads it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from exports.models import CheckedPart, Incident, QuarantinedFile, SecondCopy, Snapshot
from psynetdata.env import local_storage
from psynetdata.models import ApiToken, Beat, Deployment, Job

from .conftest import TABLES

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def scrape():
    """scrape(deployments=[…]) → the answer to Prometheus with a token of somebody who may view deployments."""

    def ask(codename="view_deployment", keyword="Bearer", **bound):
        user, _ = User.objects.get_or_create(username=codename)
        user.user_permissions.set(Permission.objects.filter(codename=codename))
        _, token = ApiToken.issue(user, **bound)
        accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"
        return Client().get("/metrics", headers={"authorization": f"{keyword} {token}", "accept": accept})

    return ask


def samples(answer) -> dict:
    """{(name without prefix, label values in the order of their names): value}"""
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found[sample.name.removeprefix("psynetdata_"), *labels] = sample.value
    return found


def test_figures_of_a_deployment(scrape, watched, snapshot, job):
    deployment = watched()
    snapshot(deployment, age=7200, seconds=2.5)
    snapshot(deployment, taken_at=timezone.now() - timedelta(seconds=90))
    snapshot(deployment, state="suspect", seconds=0.5, tables={})
    job(deployment, "failed", kind="drill")
    job(deployment, "failed")
    job(deployment, "done")
    Incident.objects.create(deployment=deployment, kind="fell", sentence="", began_at=timezone.now())
    Incident.objects.create(
        deployment=deployment, kind="late", sentence="", began_at=timezone.now(), ended_at=timezone.now()
    )
    name = deployment.deployment_id
    found = samples(scrape())
    assert 90 <= found.pop(("snapshot_age_seconds", name)) < 120
    assert {key: value for key, value in found.items() if name in key} == {
        ("capture_seconds", name): 0.5,
        ("mirror_lag_seconds", name): 0,
        ("rows", name, "participant"): 2,
        ("rows", name, "info"): 30,
        ("rows", name, "response"): 4,
        ("snapshots", name): 3,
        ("stored_bytes", name): 3000,
        ("incident_open", name, "fell"): 1,
        ("incident_open", name, "late"): 0,
        ("incident_open", name, "mirror"): 0,
        ("incident_open", name, "unreachable"): 0,
        ("incident_open", name, "drill"): 0,
        ("last_job", name, "drill", "failed"): 1,
        ("last_job", name, "snapshot", "done"): 1,
    }


def test_figures_of_the_desk(scrape, job):
    now = timezone.now()
    for state in ("queued", "failed", "failed", "done"):
        job(None, state, kind="export")
    Job.objects.create(kind="export", cluster="slow", state="running", heartbeat_at=now)
    Beat.objects.create(cluster="fast", at=now - timedelta(minutes=2))
    Beat.objects.create(cluster="slow", at=now - timedelta(hours=2))
    Beat.objects.create(cluster="tick", at=now - timedelta(seconds=40))
    Incident.objects.create(kind="storage", sentence="", began_at=now)
    found = samples(scrape())
    assert 120 <= found.pop(("worker_heart_age_seconds", "fast")) < 150
    assert found.pop(("worker_heart_age_seconds", "slow")) < 30
    assert 40 <= found.pop(("tick_age_seconds",)) < 70
    assert found.pop(("disk_free_bytes", "data")) > 0
    assert found.pop(("disk_free_bytes", "storage")) > 0
    assert found.pop(("queue_wait_seconds", "slow")) < 30
    assert found == {
        ("jobs", "export", "queued"): 1,
        ("jobs", "export", "running"): 1,
        ("jobs", "export", "failed"): 2,
        ("desk_incident_open", "storage"): 1,
        ("desk_incident_open", "installation"): 0,
        ("desk_incident_open", "prune"): 0,
        ("desk_incident_open", "backup"): 0,
        ("desk_incident_open", "damage"): 0,
        ("desk_incident_open", "rehash"): 0,
        ("desk_incident_open", "copy"): 0,
        ("desk_incident_open", "quarantine"): 0,
        ("desk_incident_open", "queue"): 0,
        ("quarantine_files",): 0,
        ("quarantine_bytes",): 0,
        ("quarantine_age_seconds",): 0,
        ("damaged",): 0,
    }


def test_figures_of_stored_data(scrape, settings, tmp_path):
    now = timezone.now()
    for days, kept in ((3, False), (9, False), (20, True)):
        at = now - timedelta(days=days)
        QuarantinedFile.objects.create(
            name=f"snapshots/{days}", bytes=1000, modified_at=at, found_at=at, last_found_at=now, kept=kept
        )
    Job.objects.create(kind="backup", state="done", finished_at=now - timedelta(hours=5))
    Job.objects.create(kind="backup", state="failed", finished_at=now)
    CheckedPart.objects.create(number=1, added_at=now - timedelta(days=40), checked_at=now - timedelta(days=2))
    CheckedPart.objects.create(number=2, added_at=now - timedelta(days=7), damaged=2)
    settings.STORAGES = {**settings.STORAGES, "second_copy": local_storage(tmp_path)}
    SecondCopy.objects.create(
        place="x", begun_at=now - timedelta(days=9), complete_at=now - timedelta(days=1), waiting_files=4,
        waiting_bytes=70,
    )  # fmt: skip
    Job.objects.create(kind="mirror", cluster="mirror", created_at=now, state="queued", attempts=1)  # not its first
    found = samples(scrape())
    days = {
        "quarantine_age_seconds": 9, "backup_age_seconds": 5 / 24, "check_age_seconds": 7, "second_copy_age_seconds": 1
    }  # fmt: skip
    for name, age in days.items():
        assert found[(name,)] == pytest.approx(age * 86400, abs=60), name
    counts = {
        "quarantine_files": 2, "quarantine_bytes": 2000, "damaged": 2, "second_copy_waiting_files": 4,
        "second_copy_waiting_bytes": 70,
    }  # fmt: skip
    assert {name: found[(name,)] for name in counts} == counts
    assert not [key for key in found if key[0] == "queue_wait_seconds"]


def test_how_far_the_mirror_is_behind(scrape, watched, snapshot):
    deployment = watched()
    now = timezone.now()
    for minutes in (9, 6, 3):
        tables = TABLES | {"info": {"state": f"{minutes:064}", "rows": 31}}
        faces = {9: ("identified", "anonymous"), 6: ("identified",)}.get(minutes, ())
        row = snapshot(deployment, tables=tables, shown=faces)
        at = now - timedelta(minutes=minutes)
        Snapshot.objects.filter(pk=row.pk).update(taken_at=at, stored_at=at)
    assert 360 <= samples(scrape())["mirror_lag_seconds", deployment.deployment_id] < 390


def test_what_is_unknown_is_left_out(scrape, watched):
    deployment = watched()
    names = {key[0] for key in samples(scrape()) if deployment.deployment_id in key}
    assert names == {"snapshots", "stored_bytes", "incident_open"}


def test_only_running_deployments(scrape, watched):
    watched(1, state="paused")
    watched(2)
    assert {key[1] for key in samples(scrape()) if key[0] == "snapshots"} == {"zoo__launch=2"}


def test_a_bound_token_sees_its_deployment_alone(scrape, watched):
    own, _ = watched(1), watched(2)
    Incident.objects.create(kind="storage", sentence="", began_at=timezone.now())
    found = samples(scrape(deployments=[own]))
    assert {key[1] for key in found} == {own.deployment_id}


def test_odd_names_are_escaped(scrape, watched):
    name = 'a"b\\c\nd{}'
    Deployment.objects.filter(pk=watched().pk).update(deployment_id=name)
    assert ("snapshots", name) in samples(scrape())


def test_who_may(scrape, watched):
    watched()
    assert scrape(keyword="Token").status_code == 200
    refused = scrape(codename="view_snapshot")
    assert refused.status_code == 403
    anonymous = Client().get("/metrics")
    assert anonymous.status_code == 401
    wrong = Client().get("/metrics", headers={"authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    for answer in (refused, anonymous, wrong):
        assert "zoo" not in answer.content.decode()


def test_as_many_queries_for_thirty_deployments_as_for_one(scrape, watched, snapshot, job):
    def make(number):
        deployment = watched(number)
        snapshot(deployment)
        job(deployment, "failed")
        Incident.objects.create(deployment=deployment, kind="late", sentence="", began_at=timezone.now())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            found = samples(scrape())
        assert sum(key[0] == "snapshots" for key in found) == Deployment.objects.count()
        return len(captured)

    make(0)
    queries()
    one = queries()
    for number in range(1, 30):
        make(number)
    assert queries() == one
    assert one <= 26
