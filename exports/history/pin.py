"""Pin and unpin snapshots. A pinned snapshot is kept, whatever the retention rules say."""

from exports.models import Snapshot
from psynetdata.models import Audit


def pin(snapshot: Snapshot, *, user=None) -> bool:
    """Pin it. Return False if it was already pinned."""
    return _set(snapshot, True, "pin", user)


def unpin(snapshot: Snapshot, *, user=None) -> bool:
    """Unpin it. Return False if it was not pinned."""
    return _set(snapshot, False, "unpin", user)


def _set(snapshot: Snapshot, pinned: bool, verb: str, user) -> bool:
    changed = Snapshot.objects.filter(pk=snapshot.pk).exclude(pinned=pinned).update(pinned=pinned, manifest_due=True)
    if changed:
        Audit.record(verb, user=user, deployment=snapshot.deployment, target=snapshot)
    return bool(changed)
