"""Who may work on what at the same time: said in job rows, so that it holds for workers on any number of machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from exports.sources.untrusted_zip import shown
from psynetdata import jobs
from psynetdata.models import Job
from psynetdata.psynet.problems import Conflict

# Jobs that change what a deployment's snapshots and mirror are.
EXCLUSIVE = ("load", "snapshot", "mirror", "accept", "withdraw")
# Jobs that put blobs into the store, or stand on blobs that no snapshot names yet.
STORING = ("load", "snapshot", "mirror", "accept", "withdraw")
PRUNE = "prune"
_LOOK = 0.2  # seconds between looks at a prune that deletes


def claim(deployment_id: str, running: jobs.Running | None) -> None:
    """Make this the one job at work on the deployment, in its own row; raise Conflict where there is another."""
    mine = running.job if running else None
    with transaction.atomic():
        # The rows are locked in one order, so of two that come at once the second sees the claim of the first.
        active = alive(EXCLUSIVE).select_for_update()
        held = {job.pk for job in active.order_by("pk")} - {mine and mine.pk}
        of_deployment = Q(options__claims=deployment_id) | Q(deployment__deployment_id=deployment_id)
        other = Job.objects.filter(of_deployment, pk__in=held).first()
        if other:
            raise Conflict(f"{str(other).capitalize()} is at work on {shown(deployment_id)}; wait until it is over.")
        if mine:
            mine.options = {**mine.options, "claims": deployment_id}
            Job.objects.filter(pk=mine.pk).update(options=mine.options)


def claim_in_time(deployment_id: str, running: jobs.Running, *, seconds: float = 600.0) -> None:
    """As `claim`, but wait while another job is at work, which scheduled snapshots are each minute."""
    until = monotonic() + seconds
    while True:
        try:
            return claim(deployment_id, running)
        except Conflict:
            if monotonic() > until:
                raise
        running.check()
        sleep(_LOOK)


def others_store(running: jobs.Running | None) -> bool:
    """Whether another job may be putting blobs into the store right now."""
    return alive(STORING).exclude(pk=running.job.pk if running else None).exists()


def wait_for_deletes(running: jobs.Running | None) -> None:
    """Return when no prune deletes. From here on none will, as long as this job, one of STORING, is running.

    Each side first says in its own row what it does and then looks at the other's; so at least one of two
    that come at once sees the other. The prune gives way, this one waits the moment until it has.
    """
    while alive((PRUNE,)).filter(options__deleting=True).exists():
        if running:
            running.check()
        sleep(_LOOK)


@contextmanager
def deleting(running: jobs.Running) -> Iterator[bool]:
    """Whether blobs may be deleted inside the body; False while a job of STORING runs. For jobs of kind PRUNE."""
    _say_deleting(running, True)
    try:
        yield not alive(STORING).exists()
    finally:
        _say_deleting(running, False)


def _say_deleting(running: jobs.Running, value: bool) -> None:
    running.job.options = {**running.job.options, "deleting": value}
    Job.objects.filter(pk=running.job.pk).update(options=running.job.options)


def alive(kinds: tuple[str, ...]) -> QuerySet[Job]:
    """Jobs of these kinds that are at work, as far as their hearts tell."""
    since = timezone.now() - jobs.STALE_AFTER
    return Job.objects.filter(kind__in=kinds, state=Job.State.RUNNING, heartbeat_at__gte=since)
