"""Note in Snapshot.damage which blobs are missing or damaged, and which are whole again."""

from collections import defaultdict
from collections.abc import Set
from contextlib import suppress

from exports.models import Snapshot
from psynetdata.psynet.problems import Damaged

from .blobs import Store
from .repair import every_state


def note_damaged(store: Store, refs: Set[str]) -> set[int]:
    """Note blobs in every snapshot that needs them: the next capture reads them again.

    Return the numbers of their deployments.
    """
    if not refs:
        return set()
    damaged_by_state: dict[str, set[str]] = defaultdict(set)
    for state in every_state():
        if state in refs:
            damaged_by_state[state].add(state)
        with suppress(Damaged):
            damaged_by_state[state] |= refs & {segment.blob for segment in store.state(state).segments}
    deployments = set()
    for snapshot in Snapshot.objects.only("tables", "damage", "deployment_id").iterator():
        states = (entry["state"] for entry in snapshot.tables.values())
        damage = set().union(*(damaged_by_state.get(state, set()) for state in states))
        if damage:
            deployments.add(snapshot.deployment_id)
        if damage - set(snapshot.damage):
            Snapshot.objects.filter(pk=snapshot.pk).update(damage=sorted({*snapshot.damage, *damage}))
    return deployments


def note_whole(refs: Set[str]) -> None:
    """Note that these blobs are whole, as far as they were noted as damaged."""
    for snapshot in Snapshot.objects.exclude(damage=[]).only("damage"):
        left = [ref for ref in snapshot.damage if ref not in refs]
        if left != snapshot.damage:
            Snapshot.objects.filter(pk=snapshot.pk).update(damage=left)
