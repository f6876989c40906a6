"""Accept a suspect snapshot: a person says that it is right."""

from django.db import transaction

from exports.models import Snapshot
from exports.store.locks import claim_in_time
from exports.store.snapshot_record import fewer
from psynetdata.jobs import Running
from psynetdata.models import Audit
from psynetdata.psynet.problems import Conflict

KIND = "accept"  # of the job that does it


def accept(snapshot: Snapshot, *, user=None, running: Running | None = None) -> list[Snapshot]:
    """Mark it as good, and later ones that are suspect only because of it. Return all that changed.

    Raises Conflict if it is already good.
    """
    if running:
        claim_in_time(snapshot.deployment.deployment_id, running)
    with transaction.atomic():
        row = Snapshot.objects.select_for_update().get(pk=snapshot.pk)
        if row.state == Snapshot.State.GOOD:
            raise Conflict(f"{str(row).capitalize()} is not suspect; there is nothing to accept.")
        accepted = with_followers(row)
        Snapshot.objects.filter(pk__in=[one.pk for one in accepted]).update(
            state=Snapshot.State.GOOD, reason="", manifest_due=True
        )
        Audit.record("accept", user=user, deployment=row.deployment, target=row, snapshots=len(accepted))
    return accepted


def with_followers(snapshot: Snapshot) -> list[Snapshot]:
    """Return the suspect snapshot and the later ones that are suspect only because of it, in order of time."""
    snapshots = [snapshot]
    later = Snapshot.objects.filter(
        deployment=snapshot.deployment, state=Snapshot.State.SUSPECT, taken_at__gt=snapshot.taken_at
    ).exclude(origin__startswith="anonymous/")
    for one in later.order_by("taken_at", "pk"):
        if fewer(one.tables, snapshots[-1].tables):
            break
        snapshots.append(one)
    return snapshots
