"""When snapshots are due: checked each minute; one at a time for each deployment, and no backlog after a gap."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from exports.store.locks import Busy
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Cancelled

KIND = "snapshot"
# The tick comes about once a minute; if one is a little early, its snapshots must not wait for the next.
_EARLY = timedelta(seconds=25)
# A capture may take a quarter of the time between two snapshots; if it takes longer, they are taken less often.
_SHARE = 4


def send_due(now: datetime | None = None) -> list[Job]:
    """Queue a snapshot for each deployment that is due and has no active snapshot job."""
    now = now or timezone.now()
    active = Job.objects.filter(kind=KIND, state__in=Job.ACTIVE)
    busy = set(active.values_list("deployment", flat=True))
    sent = []
    for deployment in Deployment.objects.watched():
        if deployment.pk in busy or _waits(deployment, now):
            continue
        following = _after(deployment, now)
        # Two ticks at the same time: the one that moves the row sends the job.
        same = Deployment.objects.filter(pk=deployment.pk, due_at=deployment.due_at, state=Deployment.State.RUNNING)
        if same.update(due_at=following):
            sent.append(jobs.submit(KIND, deployment=deployment, options={"scheduled": True}))
    return sent


@contextmanager
def skipped_if_busy(deployment: Deployment) -> Iterator[None]:
    """End a scheduled job as cancelled, not as failed, if another job works on the deployment; it is due again then."""
    try:
        yield
    except Busy as problem:
        Deployment.objects.filter(pk=deployment.pk, due_at__isnull=False).update(due_at=timezone.now())
        raise Cancelled(f"Skipped: {problem.sentence}") from None


def _waits(deployment: Deployment, now: datetime) -> bool:
    """Return whether it is not due yet. A time too far in the future was written before the clock was set back."""
    if deployment.due_at is None or deployment.due_at <= now + _EARLY:
        return False
    return deployment.due_at <= now + timedelta(seconds=interval(deployment)) + _EARLY


def _after(deployment: Deployment, now: datetime) -> datetime:
    """Return the next time on the grid of the last one, or on a new grid after a gap."""
    every = timedelta(seconds=interval(deployment))
    due_at = deployment.due_at if deployment.due_at and deployment.due_at <= now + _EARLY else now
    following = due_at + every
    return following if following > now else now + every


def interval(deployment: Deployment) -> float:
    """Return the seconds between two snapshots: `every`, or four times what the last one took, if that is longer."""
    last = Job.objects.filter(kind=KIND, deployment=deployment, state=Job.State.DONE).order_by("-pk").first()
    return stretched(deployment, last)


def stretched(deployment: Deployment, last: Job | None) -> float:
    """Return the seconds between two snapshots, given the job of the last finished one."""
    took = (last.finished_at - last.started_at).total_seconds() if last and last.started_at else 0.0
    return max(float(deployment.every), _SHARE * took)
