"""Deployments with what a list says of their watching, in as many queries for a hundred of them as for one."""

from datetime import datetime, timedelta

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from exports.capture import snapshot_schedule
from exports.models import Incident, Snapshot
from exports.watch.alarms import is_late
from psynetdata.admin.pages import html
from psynetdata.models import Deployment, Job

# Large columns that no list shows.
_LARGE = ("sequences", "server", "damage")


def with_newest(deployments: QuerySet[Deployment]) -> list[Deployment]:
    """Return each with `.newest` (the good Snapshot that its data comes from), `.last` (of any state),
    `.incidents_open`, `.interval` (None: snapshots only on request) and `.late`.
    """
    snapshots = Snapshot.objects.filter(deployment=OuterRef("pk")).order_by("-taken_at", "-id")
    done = Job.objects.filter(kind=snapshot_schedule.KIND, deployment=OuterRef("pk"), state=Job.State.DONE).order_by(
        "-pk"
    )
    rows = list(
        deployments.annotate(
            newest_id=Subquery(snapshots.good().values("pk")[:1]),
            last_id=Subquery(snapshots.values("pk")[:1]),
            done_id=Subquery(done.values("pk")[:1]),
            watched_since=F("watch__since"),
        )
    )
    kept = Snapshot.objects.defer(*_LARGE).in_bulk({pk for row in rows for pk in (row.newest_id, row.last_id) if pk})
    jobs = Job.objects.only("started_at", "finished_at").in_bulk({row.done_id for row in rows if row.done_id})
    incidents: dict[int, list[Incident]] = {row.pk: [] for row in rows}
    for incident in Incident.objects.filter(ended_at=None, deployment__in=incidents):
        incidents[incident.deployment_id].append(incident)
    now = timezone.now()
    for row in rows:
        row.newest, row.last = kept.get(row.newest_id), kept.get(row.last_id)
        row.incidents_open = incidents[row.pk]
        row.interval = _interval(row, jobs.get(row.done_id))
        row.late = _late(row, now)
    return rows


def rows_in(snapshot: Snapshot | None, table: str) -> str:
    return html.number(snapshot.tables.get(table, {}).get("rows") if snapshot else None)


def age_of(row: Deployment):
    """Return the age of the newest good snapshot, as a link; with a badge if it is late or a newer one is suspect."""
    newest = row.newest
    age = html.link(html.change_url(Snapshot, newest.pk), html.age(newest.taken_at)) if newest else html.EMPTY
    marks = [html.badge("late", "danger")] if row.late else []
    marks += [html.badge(row.last.state)] if row.last and row.last.state == Snapshot.State.SUSPECT else []
    return html.joined([age, *marks]) if marks else age


def _interval(row: Deployment, last: Job | None) -> timedelta | None:
    return timedelta(seconds=snapshot_schedule.stretched(row, last)) if row.every else None


def _late(row: Deployment, now: datetime) -> bool:
    """Return whether it is late, as for the alarm (exports.watch.alarms), but now and not at the last check."""
    if not row.is_watched or row.watched_since is None:  # resumed since the last check
        return False
    return is_late(row.watched_since, row.last, row.interval, now)
