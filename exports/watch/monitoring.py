"""The numbers for monitoring, in as many queries for a hundred deployments as for one."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, Min, OuterRef, QuerySet, Subquery, Sum

from exports.models import CheckedPart, Incident, SecondCopy, Snapshot
from exports.store.second_copy.place import is_configured
from psynetdata import clusters, jobs
from psynetdata.models import Deployment, Job

from .deployment_status import taken_snapshots
from .disks import Disk, disks
from .mirror_lag import mirror_lags
from .queue_wait import oldest_queued
from .storage_alarms import oldest_check, waiting_in_quarantine

COUNTED = ("participant", "info", "response")
_SHOWN = (Job.State.QUEUED, Job.State.RUNNING, Job.State.FAILED)
_OF_DEPLOYMENTS = tuple(kind for kind in Incident.Kind.values if kind not in Incident.OF_DESK)


@dataclass
class DeploymentMetrics:
    """`age`: seconds since the time of the newest good snapshot; `seconds`: of the last capture; None if there is none.

    `lag`: seconds since the oldest good snapshot was stored that the mirror does not show yet, 0 if there is none.

    `stored`: bytes that the kept snapshots added to the storage when they were taken. `last_jobs`: {kind: state}.
    """

    id: str
    age: float | None = None
    seconds: float | None = None
    lag: float | None = None
    rows: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    stored: int = 0
    incidents: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OF_DEPLOYMENTS, 0))
    last_jobs: dict[str, str] = field(default_factory=dict)


@dataclass
class DeskMetrics:
    """`jobs`: {(kind, state): how many}; `hearts`: {cluster: seconds since its last sign of life}.

    `tick`: seconds since the last check each minute came to its end; None if there was none. `waits`: {cluster: seconds
    that its oldest queued job has waited}. `quarantine`: files, bytes and the age of the oldest in seconds. `backup`:
    seconds since the last one. `check`: seconds since the oldest check of stored data; `damaged`: what it found.
    `copy`: of the second copy, files and bytes that wait, and seconds since it was complete; empty if there is none.
    """

    jobs: dict[tuple[str, str], int]
    hearts: dict[str, float]
    tick: float | None
    disks: list[Disk]
    incidents: dict[str, int]
    waits: dict[str, float]
    quarantine: dict[str, float]
    backup: float | None
    check: float | None
    damaged: int
    copy: dict[str, float]


def deployment_metrics(deployments: QuerySet[Deployment], now: datetime) -> list[DeploymentMetrics]:
    """Return one for each running deployment."""
    good = Snapshot.objects.good().filter(deployment=OuterRef("pk")).order_by("-taken_at", "-id")
    last = taken_snapshots().filter(deployment=OuterRef("pk")).order_by("-pk")
    rows = deployments.filter(state=Deployment.State.RUNNING).order_by("number")
    rows = rows.annotate(good_id=Subquery(good.values("pk")[:1]), took=Subquery(last.values("seconds")[:1]))
    metrics_by_number = {row.number: (row, DeploymentMetrics(row.deployment_id, seconds=row.took)) for row in rows}
    snapshots = Snapshot.objects.only("taken_at", "tables").in_bulk(
        [row.good_id for row, _ in metrics_by_number.values()]
    )
    for row, figures in metrics_by_number.values():
        if row.good_id in snapshots:
            snapshot = snapshots[row.good_id]
            figures.age = max(0.0, (now - snapshot.taken_at).total_seconds())
            figures.rows = {table: snapshot.rows_of(table) for table in COUNTED if table in snapshot.tables}
    lags = mirror_lags({number: row for number, (row, _) in metrics_by_number.items()}, now)
    for number, lag in lags.items():
        metrics_by_number[number][1].lag = lag
    _add_storage(metrics_by_number)
    _add_incidents(metrics_by_number)
    _add_jobs(metrics_by_number)
    return [figures for _, figures in metrics_by_number.values()]


def _add_storage(metrics_by_number: dict) -> None:
    kept = Snapshot.objects.filter(deployment__in=metrics_by_number).order_by().values("deployment_id")
    for entry in kept.annotate(kept=Count("pk"), stored=Sum("new_bytes")):
        _, figures = metrics_by_number[entry["deployment_id"]]
        figures.kept, figures.stored = entry["kept"], entry["stored"]


def _add_incidents(metrics_by_number: dict) -> None:
    for number, kind in Incident.objects.filter(ended_at=None, deployment__in=metrics_by_number).values_list(
        "deployment", "kind"
    ):
        metrics_by_number[number][1].incidents[kind] = 1


def _add_jobs(metrics_by_number: dict) -> None:
    newest = (
        Job.objects.filter(deployment__in=metrics_by_number)
        .order_by()
        .values("deployment", "kind")
        .annotate(last=Max("pk"))
    )
    last = Job.objects.filter(pk__in=[entry["last"] for entry in newest])
    for number, kind, state in last.values_list("deployment", "kind", "state"):
        metrics_by_number[number][1].last_jobs[kind] = state


def desk_metrics(now: datetime) -> DeskMetrics:
    counts = Job.objects.filter(state__in=_SHOWN).order_by().values_list("kind", "state").annotate(count=Count("pk"))
    incidents = set(Incident.objects.filter(ended_at=None, deployment=None).values_list("kind", flat=True))
    return DeskMetrics(
        jobs={(kind, state): count for kind, state, count in counts},
        hearts=_hearts(now),
        tick=_age(clusters.last_tick(), now),
        disks=disks(),
        incidents={kind: int(kind in incidents) for kind in Incident.OF_DESK},
        waits={cluster: _age(at, now) for cluster, at in oldest_queued().items()},
        quarantine=_quarantine(now),
        backup=_age(_last_backup(), now),
        check=_age(oldest_check(), now),
        damaged=CheckedPart.objects.aggregate(sum=Sum("damaged"))["sum"] or 0,
        copy=_second_copy(now),
    )


def _quarantine(now: datetime) -> dict[str, float]:
    held = waiting_in_quarantine().aggregate(files=Count("pk"), bytes=Sum("bytes"), first=Min("found_at"))
    return {"files": held["files"], "bytes": held["bytes"] or 0, "age": _age(held["first"], now) or 0.0}


def _last_backup() -> datetime | None:
    return Job.objects.filter(kind="backup", state=Job.State.DONE).aggregate(at=Max("finished_at"))["at"]


def _second_copy(now: datetime) -> dict[str, float]:
    row = SecondCopy.objects.first() if is_configured() else None
    if row is None:
        return {}
    figures = {"files": row.waiting_files, "bytes": row.waiting_bytes}
    return figures | {"age": _age(row.complete_at or row.begun_at, now)}


def _hearts(now: datetime) -> dict[str, float]:
    """Return each cluster's last sign of life: its own beat, or the heartbeats of the jobs that keep it busy."""
    signs = clusters.signs_of_life()
    running = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__isnull=False).exclude(cluster=jobs.HERE)
    for cluster, at in running.order_by().values_list("cluster").annotate(at=Max("heartbeat_at")):
        signs[cluster] = max(at, signs.get(cluster, at))
    return {cluster: max(0.0, (now - at).total_seconds()) for cluster, at in signs.items()}


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
