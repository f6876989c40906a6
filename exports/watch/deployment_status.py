"""The state of all watched deployments: their newest snapshots and jobs, in a few queries for any number of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from exports.capture import snapshot_schedule
from exports.models import Snapshot, Watch
from psynetdata.infra.clock import AHEAD
from psynetdata.models import Deployment, Job

_OVER = (Job.State.DONE, Job.State.FAILED)


@dataclass(frozen=True)
class DeploymentStatus:
    """`snapshot`: the last one taken from the source. `taking`, `mirroring`, `drill`: the last finished job of a kind.

    `every`: how often a snapshot is due.
    """

    deployment: Deployment
    since: datetime
    snapshot: Snapshot | None
    taking: Job | None
    mirroring: Job | None
    drill: Job | None
    every: timedelta

    @property
    def heard(self) -> datetime:
        return last_heard(self.since, self.snapshot)


def deployment_statuses(now: datetime) -> list[DeploymentStatus]:
    """Return one for each watched deployment; for those that were not watched a minute ago, `since` is now."""
    rows = list(
        Deployment.objects.watched().annotate(
            taken_id=_newest(taken_snapshots()),
            taking_id=_newest(Job.objects.filter(kind=snapshot_schedule.KIND, state__in=_OVER)),
            done_id=_newest(Job.objects.filter(kind=snapshot_schedule.KIND, state=Job.State.DONE)),
            mirroring_id=_newest(Job.objects.filter(kind="mirror", state__in=_OVER)),
            drill_id=_newest(Job.objects.filter(kind="drill", state__in=_OVER)),
        )
    )
    snapshots = taken_snapshots().only("state", "taken_at", "stored_at", "reason")
    snapshots = snapshots.in_bulk({row.taken_id for row in rows if row.taken_id})
    _mend_times(snapshots.values(), now)
    named = ((row.taking_id, row.done_id, row.mirroring_id, row.drill_id) for row in rows)
    job_ids = {job_id for ids in named for job_id in ids if job_id}
    jobs = Job.objects.only("state", "reason", "result", "started_at", "finished_at").in_bulk(job_ids)
    since = _since({row.number for row in rows}, now)
    return [
        DeploymentStatus(
            row,
            since[row.number],
            snapshots.get(row.taken_id),
            taking=jobs.get(row.taking_id),
            mirroring=jobs.get(row.mirroring_id),
            drill=jobs.get(row.drill_id),
            every=timedelta(seconds=snapshot_schedule.stretched(row, jobs.get(row.done_id))),
        )
        for row in rows
    ]


def last_heard(since: datetime, last: Snapshot | None) -> datetime:
    """Return when a source was last heard of, by our own clock; a snapshot's own time may come from another clock."""
    return max(since, last.stored_at) if last else since


def taken_snapshots() -> QuerySet[Snapshot]:
    """Return snapshots that were taken from a source; one loaded from a file has no transaction of ours."""
    return Snapshot.objects.filter(seconds__isnull=False)


def _mend_times(snapshots: Iterable[Snapshot], now: datetime) -> None:
    """Let snapshots from the future, stored before the clock was set back, count as stored now; else none is late."""
    future = [snapshot for snapshot in snapshots if snapshot.stored_at > now + AHEAD]
    for snapshot in future:
        snapshot.stored_at = now
    if future:
        Snapshot.objects.bulk_update(future, ["stored_at"])


def _newest(rows: QuerySet) -> Subquery:
    # By the key, not by a time: the database finds it at the end of the deployment's index.
    return Subquery(rows.filter(deployment=OuterRef("pk")).order_by("-pk").values("pk")[:1])


def _since(numbers: set[int], now: datetime) -> dict[int, datetime]:
    """Return {deployment: since when it is watched}; forget deployments that are not watched any more."""
    known = dict(Watch.objects.values_list("deployment_id", "since"))
    if gone := known.keys() - numbers:
        Watch.objects.filter(deployment__in=gone).delete()
    if future := {number for number, at in known.items() if at > now + AHEAD}:
        Watch.objects.filter(deployment__in=future).update(since=now)
        known |= dict.fromkeys(future, now)
    if new := numbers - known.keys():
        Watch.objects.bulk_create([Watch(deployment_id=number, since=now) for number in new], ignore_conflicts=True)
    return {number: known.get(number, now) for number in numbers}
