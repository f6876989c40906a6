"""A mirror that does not follow its snapshots is an alarm, whatever stops it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Incident, Snapshot, Watch
from exports.operations import withdraw
from exports.watch import mirror_lag
from exports.watch.inspection import inspect
from psynetdata import jobs
from psynetdata.infra.outages import Outage
from psynetdata.models import Deployment

from .conftest import NOW, TABLES, show

pytestmark = pytest.mark.django_db(databases="__all__")
OTHERS = TABLES | {"info": {"state": "1" * 64, "rows": 31}}


def found(now=NOW) -> str | None:
    inspect(now)
    return Incident.objects.filter(ended_at=None, kind="mirror").values_list("sentence", flat=True).first()


@pytest.mark.parametrize(
    ("every", "age", "behind"), [(60, 590, False), (60, 610, True), (600, 1790, False), (600, 1810, True)]
)
def test_behind_is_longer_than_three_intervals_and_ten_minutes(watched, snapshot, every, age, behind):
    deployment = watched(every=every)
    snapshot(deployment, age=7200)
    snapshot(deployment, age=age, tables=OTHERS, shown=())
    assert (found() is not None) == behind
    snapshot(deployment, age=1, tables=OTHERS)
    assert found() is None


def test_one_that_follows_at_a_distance_is_none(watched, snapshot):
    """Each minute brings another snapshot; the mirror shows that of nine minutes ago."""
    deployment = watched()
    for minute in range(30, -1, -1):
        tables = TABLES | {"info": {"state": f"{minute:064}", "rows": 31}}
        snapshot(deployment, age=60 * minute, tables=tables, shown=("identified", "anonymous") if minute == 9 else ())
    assert found() is None
    assert found(NOW + timedelta(minutes=3)).startswith("The mirror does not follow: it shows none of the snapshots")


def test_it_says_which_face_and_why(watched, snapshot, job):
    deployment = watched()
    snapshot(deployment, age=7200)
    snapshot(deployment, age=3600, tables=OTHERS, shown=("identified",))
    job(deployment, "failed", kind="mirror", reason="The pseudonym key cannot be decrypted.")
    assert found() == (
        "The anonymous face of the mirror does not follow: it shows none of the snapshots since "
        "2026-11-22 11:00:00 UTC. The last try failed: The pseudonym key cannot be decrypted."
    )
    job(deployment, "failed", reason="The disk is full.")
    assert found().endswith("The last try failed: The disk is full.")
    assert "disk" not in Incident.objects.get(kind="mirror").sentence_without_places
    show("anonymous", Snapshot.objects.first())
    assert found() is None


def test_a_suspect_snapshot_is_not_mirrored(watched, snapshot):
    deployment = watched()
    snapshot(deployment, age=7200)
    snapshot(deployment, age=3600, tables=OTHERS, state="suspect", reason="There are fewer rows.", shown=())
    assert found() is None


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_people_who_withdrew_are_missing_from_the_mirror_only(loaded, monkeypatch):
    """The mirror then shows states that no snapshot names."""
    deployment = loaded("static")
    now = timezone.now()
    Deployment.objects.update(state="running", source="local", every=60)
    Watch.objects.create(deployment=deployment, since=now)
    Snapshot.objects.update(stored_at=now - timedelta(hours=1))
    withdraw.withdraw(deployment, [3])
    assert found(now) is None
    jobs.run(jobs.prepare(withdraw.KIND, deployment=deployment).pk, raise_problems=True)
    assert found(now) is None

    def away(*_):
        raise Outage("The storage cannot be reached.")

    mirror_lag._with_all_rows.cache_clear()
    monkeypatch.setattr(mirror_lag.withdrawals, "unfiltered_state", away)
    assert found(now) is None
