"""Who may work on what at the same time: kept in job rows, so that it holds for workers on several machines.

A deployment's snapshots and its mirror are claimed separately, so that filling a mirror never delays a snapshot. Here
are the claims of snapshots; those of mirrors are in exports/mirroring/mirror_claims.py.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from exports.models import PackRepair
from exports.sources.untrusted_zip import printable_name
from psynetdata import jobs
from psynetdata.models import Job
from psynetdata.psynet.problems import Conflict

# Jobs that change what a deployment's snapshots are.
SNAPSHOTS = ("load", "snapshot", "accept")
# Jobs that write a deployment's faces, or numbers that are counted in them.
MIRRORS = ("mirror", "withdraw", "summarize")
# Jobs that put blobs into the store, or need blobs that no snapshot names yet.
STORING = (*SNAPSHOTS, *MIRRORS)
PRUNE = "prune"
ENCRYPT = "encrypt"
_LOOK = 0.2  # seconds between checks for a prune that is deleting, or another repair
# Longer than it takes to read and write a pack; after that time its process is dead.
_REPAIR = timedelta(minutes=2)


class Busy(Conflict):
    """Another job is working on the deployment."""


def claim(deployment_id: str, running: jobs.Running | None) -> None:
    """Note in this job's row that only it changes the deployment's snapshots. Raises Busy if another job does."""
    mine = running.job if running else None
    with transaction.atomic():
        # The rows are locked in a fixed order, so of two claims at the same time the second sees the first.
        active = alive(SNAPSHOTS).select_for_update()
        held = {job.pk for job in active.order_by("pk")} - {mine and mine.pk}
        of_deployment = Q(options__claims=deployment_id) | Q(deployment__deployment_id=deployment_id)
        other = Job.objects.filter(of_deployment, pk__in=held).first()
        if other:
            raise Busy(
                f"{str(other).capitalize()} is working on {printable_name(deployment_id)}; wait until it is done."
            )
        if mine:
            mine.options = {**mine.options, "claims": deployment_id}
            Job.objects.filter(pk=mine.pk).update(options=mine.options)


def claim_in_time(deployment_id: str, running: jobs.Running, *, seconds: float = 600.0) -> None:
    """Claim the deployment, but wait while another job has it, as scheduled snapshots do each minute."""
    until = monotonic() + seconds
    while True:
        try:
            return claim(deployment_id, running)
        except Busy:
            if monotonic() > until:
                raise
        running.check()
        sleep(_LOOK)


def others_store(running: jobs.Running | None) -> bool:
    """Return whether another job may be putting blobs into the store right now."""
    return bool(alive(STORING).exclude(pk=running.job.pk if running else None).exists())


def wait_for_deletes(running: jobs.Running | None) -> None:
    """Return when no prune is deleting. From then on none will, as long as this job, one of STORING, is running.

    Each side first writes in its own row what it does, and then looks at the other's row; so of two that start at the
    same time at least one sees the other. The prune gives way; this function waits until it has done so.
    """
    while alive((PRUNE,)).filter(options__deleting=True).exists():
        if running:
            running.check()
        sleep(_LOOK)


def claim_files(running: jobs.Running) -> None:
    """Claim to be the only running job that removes or renames files. Raises Conflict if there is another.

    Claims that a killed attempt left in this job's row are reset.
    """
    with transaction.atomic():
        others = alive((PRUNE, ENCRYPT)).select_for_update().order_by("pk")
        for job in others:
            if job.options.get("alone") and job.pk != running.job.pk:
                other = "Another prune" if job.kind == PRUNE else "An encryption of the storage"
                raise Conflict(f"{other} is running; wait until it has finished.")
        running.job.options = {**running.job.options, "alone": True, "deleting": False}
        Job.objects.filter(pk=running.job.pk).update(options=running.job.options)


@contextmanager
def deleting(running: jobs.Running) -> Iterator[bool]:
    """Yield whether blobs may be deleted in the body; False while a job of STORING runs. For jobs of kind PRUNE."""
    _say_deleting(running, True)
    try:
        yield not alive(STORING).exists()
    finally:
        _say_deleting(running, False)


def _say_deleting(running: jobs.Running, value: bool) -> None:
    running.job.options = {**running.job.options, "deleting": value}
    Job.objects.filter(pk=running.job.pk).update(options=running.job.options)


def alive(kinds: tuple[str, ...]) -> QuerySet[Job]:
    """Return running jobs of these kinds, judged by their heartbeats."""
    since = timezone.now() - jobs.STALE_AFTER
    return Job.objects.filter(kind__in=kinds, state=Job.State.RUNNING, heartbeat_at__gte=since)


@contextmanager
def repairing(pack: str) -> Iterator[None]:
    """Let one process at a time repair a pack; others wait. It is read and written as a whole.

    Not every repair is a job (`verify` on the command line, a capture's thread), so the claim is a row of its own.
    """
    token = uuid.uuid4().hex
    while not _claims_repair(pack, token):
        sleep(_LOOK)
    try:
        yield
    finally:
        PackRepair.objects.filter(pack=pack, token=token).delete()


def _claims_repair(pack: str, token: str) -> bool:
    now = timezone.now()
    try:
        row, is_new = PackRepair.objects.get_or_create(pack=pack, defaults={"token": token, "began_at": now})
    except IntegrityError:  # another repair ended between two of its statements
        return False
    if is_new or now - _REPAIR < row.began_at <= now + _REPAIR:
        return is_new
    dead = PackRepair.objects.filter(pack=pack, token=row.token)
    return bool(dead.update(token=token, began_at=now))
