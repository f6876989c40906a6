"""The numbers for monitoring, in as many queries for a hundred deployments as for one."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Sum

from exports.models import Incident, Snapshot
from psynetdata import clusters, jobs
from psynetdata.models import Deployment, Job

from .deployment_status import taken_snapshots
from .disks import Disk, disks

COUNTED = ("participant", "info", "response")
_SHOWN = (Job.State.QUEUED, Job.State.RUNNING, Job.State.FAILED)
_OF_DEPLOYMENTS = tuple(kind for kind in Incident.Kind.values if kind not in Incident.OF_DESK)


@dataclass
class DeploymentMetrics:
    """`age`: seconds since the time of the newest good snapshot; `seconds`: of the last capture; None if there is none.

    `stored`: bytes that the kept snapshots added to the storage when they were taken. `last_jobs`: {kind: state}.
    """

    id: str
    age: float | None = None
    seconds: float | None = None
    rows: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    stored: int = 0
    incidents: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OF_DEPLOYMENTS, 0))
    last_jobs: dict[str, str] = field(default_factory=dict)


@dataclass
class DeskMetrics:
    """`jobs`: {(kind, state): how many}; `hearts`: {cluster: seconds since its last sign of life}.

    `tick`: seconds since the last check each minute came to its end; None if there was none.
    """

    jobs: dict[tuple[str, str], int]
    hearts: dict[str, float]
    tick: float | None
    disks: list[Disk]
    incidents: dict[str, int]


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
    )


def _hearts(now: datetime) -> dict[str, float]:
    """Return each cluster's last sign of life: its own beat, or the heartbeats of the jobs that keep it busy."""
    signs = clusters.signs_of_life()
    running = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__isnull=False).exclude(cluster=jobs.HERE)
    for cluster, at in running.order_by().values_list("cluster").annotate(at=Max("heartbeat_at")):
        signs[cluster] = max(at, signs.get(cluster, at))
    return {cluster: max(0.0, (now - at).total_seconds()) for cluster, at in signs.items()}


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
