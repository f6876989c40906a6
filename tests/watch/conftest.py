"""Deployments that are watched, made by hand: the checks see rows only."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.models import Snapshot, Watch
from exports.store import installation
from psynetdata.models import Deployment, Job, MirroredTable

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TABLES = {name: {"state": "0" * 64, "rows": rows} for name, rows in (("participant", 2), ("info", 30), ("response", 4))}


@pytest.fixture(autouse=True)
def no_channel(settings):
    for name in ("SLACK_BOT_TOKEN", "SLACK_CHANNEL", "EMAIL_HOST", "EMAIL_FROM"):
        setattr(settings, name, "")
    settings.ALARM_EMAILS = []


@pytest.fixture
def sent(monkeypatch):
    """What was handed to django-q2: ids of jobs."""
    found = []
    monkeypatch.setattr("psynetdata.clusters.async_task", lambda name, argument, cluster, **_: found.append(argument))
    return found


@pytest.fixture
def watched(db):
    """watched(**fields) → a running deployment with a source, every minute, watched for a day."""
    installation.check()  # the storage has an id from before there were snapshots

    def make(number=1, **fields):
        fields = {"label": f"Zoo {number}", "source": "local", "every": 60} | fields
        row = Deployment.objects.create(deployment_id=f"zoo__launch={number}", **fields)
        Watch.objects.create(deployment=row, since=NOW - timedelta(days=1))
        return row

    return make


@pytest.fixture
def snapshot(db):
    """snapshot(deployment, age=seconds) → a snapshot that was taken from the source; both faces show it."""

    def make(deployment, age=30, shown=("identified", "anonymous"), **fields):
        at = NOW - timedelta(seconds=age)
        fields = {"seconds": 1.5, "tables": TABLES, "taken_at": at, "new_bytes": 1000} | fields
        row = Snapshot.objects.create(deployment=deployment, **fields)
        Snapshot.objects.filter(pk=row.pk).update(stored_at=at)
        for face in shown:
            show(face, row)
        return row

    return make


def show(face, row):
    """Let a face's own list of tables say that it shows this snapshot."""
    for table, entry in row.tables.items():
        MirroredTable.objects.using(face).update_or_create(
            deployment_number=row.deployment_id,
            table=table,
            defaults={"state": entry["state"], "transform": "", "columns": [], "rows": entry["rows"]},
        )


@pytest.fixture
def job(db):
    """job(deployment, "done") → a job of the kind that is over."""

    def make(deployment, state, kind="snapshot", problem=None, reason="The host is gone."):
        result = {"problem": problem} if problem else {}
        return Job.objects.create(
            deployment=deployment, kind=kind, state=state, result=result, reason="" if state == "done" else reason
        )

    return make
