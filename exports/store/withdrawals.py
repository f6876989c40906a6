"""Snapshots without the rows of participants who withdrew: for the mirror, and for everything that is exported.

Stored snapshots stay as they are, like their source, until they are pruned.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.files.storage import default_storage

from exports.models import ReleasedFile, Snapshot, Withdrawal
from psynetdata.faces import IDENTIFIED
from psynetdata.infra.sealed.storage import stored_names
from psynetdata.jobs import Running
from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet.ownership.selection import Ownership
from psynetdata.psynet.problems import Damaged

from .blobs import Store, TableState, sha256_of
from .participant_filter import FilteredSnapshot, OnProgress, filter_into, filter_snapshot
from .quarantine import release
from .reader import SnapshotReader
from .writer import store_writer


def withdrawn_ids(deployment: Deployment) -> frozenset[int]:
    """Return the ids of those who withdrew from it, or from a deployment that it continues or that continues it."""
    return frozenset(Withdrawal.objects.filter(deployment=deployment.first).values_list("participant", flat=True))


def without_withdrawn(snapshot: Snapshot, folder: Path, on_progress: OnProgress | None = None) -> FilteredSnapshot:
    """Filter the snapshot for one job, in the job's folder; return the snapshot itself if nobody withdrew."""
    ids = withdrawn_ids(snapshot.deployment)
    if not ids:
        return FilteredSnapshot(snapshot, Store(), {})
    return filter_snapshot(snapshot, Ownership.without(ids), folder, on_progress)


def store_without_withdrawn(snapshot: Snapshot, ids: Iterable[int], running: Running | None) -> FilteredSnapshot:
    """Filter the snapshot for the mirror. New blobs are stored, because the mirror's next refresh reads them again.

    If the mirror already shows a table without the same participants, only new segments are read, and those that had
    rows of theirs. For jobs of locks.STORING.
    """
    name = hashlib.sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()[:16]
    mirrored = _MirroredStates(snapshot.deployment, name)
    on_progress: OnProgress | None = (lambda *_: running.check()) if running else None
    with (
        TemporaryDirectory(dir=settings.TEMP_DIR, prefix="withdrawn-") as folder,
        store_writer(Store(), Path(folder), running, base=SnapshotReader(snapshot), refs=mirrored.refs) as writer,
    ):
        ownership = Ownership.without(ids)
        filtered = filter_into(
            snapshot, ownership, writer, Path(folder), on_progress, known=frozenset(mirrored.whole), name=name
        )
        writer.finish()
        # The next refresh replaces these; then nothing refers to them, and they can be made again.
        files = stored_names(default_storage, writer.new)
        release(files, ReleasedFile.Reason.DERIVED)  # type: ignore[arg-type]  # a choice looks like a tuple
    return filtered


def unfiltered_states(deployment: Deployment, states: Mapping[str, str]) -> dict[str, str]:
    """Return {table: ref of the state with all rows} for states of the deployment that the mirror shows."""
    if not withdrawn_ids(deployment):
        return dict(states)
    store = Store()
    return {table: unfiltered_state(store, ref) for table, ref in states.items()}


def unfiltered_state(store: Store, ref: str) -> str:
    """Return the ref of the state with all rows, for one that the mirror shows without people who withdrew."""
    state = _state(store, ref)
    return state.less[1] if state and state.less else ref


class _MirroredStates:
    """What the mirror shows without these people. `whole`: segments that stay whole; `refs`: as shelf takes them."""

    def __init__(self, deployment: Deployment, name: str):
        self.whole: set[tuple[str, str]] = set()
        self.refs: dict[str, str] = {}
        store = Store()
        rows = MirroredTable.objects.using(IDENTIFIED).filter(deployment_number=deployment.number)
        for table, ref in rows.values_list("table", "state"):
            shown = _state(store, ref)
            if shown is None or shown.less is None or shown.less[0] != name:
                continue
            self.refs |= {sha256_of(one): one for one in (ref, *(segment.blob for segment in shown.segments))}
            if before := _state(store, shown.less[1]):
                kept = {segment.sha256 for segment in shown.segments}
                self.whole |= {(table, segment.sha256) for segment in before.segments if segment.sha256 in kept}


def _state(store: Store, ref: str) -> TableState | None:
    """Return the state; None if it is damaged, or missing because its snapshot was deleted."""
    try:
        return store.state(ref)
    except Damaged:
        return None
