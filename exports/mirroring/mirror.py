"""Bring the mirror, both faces, to a snapshot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.ledger.collection import Ledger, complete
from exports.models import Snapshot
from exports.store import withdrawals
from exports.store.blobs import Segment
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.face.deployment_anonymizer import FaceAnonymizer
from psynetdata.faces import ANONYMOUS
from psynetdata.jobs import Running
from psynetdata.mirror import PreparedRows, Transform, prepare, refresh
from psynetdata.models import Deployment, Job
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .summary import summarize

GetLedger = Callable[[], Ledger]
_AS_IT_IS = Transform("as it is")


class MirrorSource(SnapshotReader):
    """A snapshot as the mirror reads it: by segments that differ from an earlier state."""

    def state(self, table: str) -> str:
        return self.snapshot.tables[table]["state"]

    def row_count(self, table: str) -> int:
        return self.snapshot.rows_of(table)

    def has_ids(self, table: str) -> bool:
        return self.table_state(table).cut is not None

    def changes(self, table: str, old: str | None) -> Iterator[tuple]:
        new_state = self.table_state(table)
        old_state = self.store.state(old) if old else None
        if old_state is not None and old_state.cut != new_state.cut:
            # Ranges of another width do not match; both runs are ordered, so each is compared as one part.
            yield self._run(*old_state.segments), self._run(*new_state.segments)
            return
        before = {segment.range: segment for segment in old_state.segments} if old_state else {}
        for segment in new_state.segments:
            earlier = before.pop(segment.range, None)
            if earlier is None or earlier.sha256 != segment.sha256:
                yield (self._run(earlier) if earlier else None), self._run(segment)
        for segment in before.values():
            yield self._run(segment), None

    def same(self, table: str, old: str) -> Iterator:
        new_state, old_state = self.table_state(table), self.store.state(old)
        if old_state.cut != new_state.cut:
            return  # `changes` compares it as a whole
        before = {segment.range: segment.sha256 for segment in old_state.segments}
        for segment in new_state.segments:
            if before.get(segment.range) == segment.sha256:
                yield self._run(segment), partial(self._blocks, segment)

    def _blocks(self, segment: Segment) -> Iterator[bytes]:
        with self.store.open(segment) as stream:
            while block := stream.read(BLOCK):
                yield block

    def content(self, table: str) -> str:
        entry = self.snapshot.tables[table]
        return entry.get("content") or entry["state"]

    def hashed_segments(self, table: str) -> Iterator[tuple]:
        for segment in self.table_state(table).segments:
            yield segment.sha256, partial(self._blocks, segment)

    def _run(self, *segments):
        return lambda: (record for segment in segments for record in self.segment_records(segment))


def mirror(
    snapshot: Snapshot, *, faces=settings.FACES, running: Running | None = None, ledger: GetLedger | None = None
) -> dict[str, int]:
    """Mirror a snapshot; return {table: rows}. Each face changes in one transaction; only differing rows are written.

    `ledger` returns the complete ledger of identifiers; it is asked when it is needed, so that the identified face
    follows even if the ledger is damaged. In jobs, use `mirror_newest`, which claims the deployment's mirror. Raises
    Problem if counts do not agree (law 8), and Cancelled between rows.
    """
    ledger = ledger or partial(collected, snapshot.deployment, running)
    while True:
        ids = withdrawals.withdrawn_ids(snapshot.deployment)
        rows = _mirror(snapshot, ids, faces, running, ledger)
        if withdrawals.withdrawn_ids(snapshot.deployment) == ids:  # otherwise somebody withdrew in the meantime
            return rows


def collected(deployment: Deployment, running: Running | None) -> Ledger:
    """Return the deployment's complete ledger of identifiers."""
    return complete(deployment, running and partial(running.progress, "collecting identifiers"))


def has_prepared(job: Job) -> bool:
    """Return whether a killed attempt of the job left rows with which the next one can continue."""
    return _folder_of(job).exists()


def _mirror(
    snapshot: Snapshot, ids: frozenset[int], faces, running: Running | None, ledger: GetLedger
) -> dict[str, int]:
    everything = source = MirrorSource(snapshot)
    if ids:
        less = withdrawals.store_without_withdrawn(snapshot, ids, running)
        source = MirrorSource(less.snapshot, less.store)
    show = _Progress(running, source, len(faces) + (ANONYMOUS in faces))
    rows: dict[str, int] = {}
    for face in faces:
        if face == ANONYMOUS:
            # Other participants' rows may name those who withdrew.
            check = running and running.check
            anonymizing = FaceAnonymizer(snapshot.deployment, everything, ledger(), check_cancelled=check)
            with _prepared_rows(running) as prepared:
                prepare(face, snapshot.deployment, source, anonymizing, prepared, on_progress=show.phase("anonymizing"))
                on_progress = show.phase(f"mirroring, {face}")
                rows = refresh(
                    face, snapshot.deployment, source, anonymizing, on_progress=on_progress, prepared=prepared
                )
            anonymizing.tidy()
        else:
            on_progress = show.phase(f"mirroring, {face}")
            rows = refresh(face, snapshot.deployment, source, _AS_IT_IS, on_progress=on_progress)
            summarize(source.snapshot)
    return rows


@contextmanager
def _prepared_rows(running: Running | None) -> Iterator[PreparedRows]:
    """Yield a place for transformed rows. They stay for the job's next attempt if this one is killed or taken over."""
    if running is None:
        with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="mirror-") as folder:
            yield PreparedRows(Path(folder))
        return
    prepared = PreparedRows(_folder_of(running.job))
    try:
        yield prepared
    except Problem:  # the job is over
        _remove(prepared, running)
        raise
    _remove(prepared, running)


def _remove(prepared: PreparedRows, running: Running) -> None:
    if running.mine().exists():
        prepared.remove()


def _folder_of(job: Job) -> Path:
    # With the time, because several sites may share the folder.
    return settings.TEMP_DIR / f"mirror-{job.pk}-{job.created_at.timestamp():.6f}"


class _Progress:
    """Reports progress in rows: of earlier phases, of earlier tables, and of this one so far."""

    def __init__(self, running: Running | None, source: MirrorSource, phases: int):
        self._running, self._phases, self._phase, self._done = running, phases, 0, 0
        self._before, self._rows = {}, 0
        for table in source.tables():
            self._before[table] = self._rows
            if table not in UNMIRRORED_TABLES:
                self._rows += source.row_count(table)

    def phase(self, name: str) -> Callable[[str, int], None] | None:
        """Begin a phase, which goes through all tables; return its `on_progress`."""
        running = self._running
        if running is None:
            return None
        start = self._done = self._phase * self._rows
        self._phase += 1

        def report(table: str, rows: int) -> None:
            if table:  # while a refresh waits for another writer it reports no table
                self._done = start + self._before[table] + rows
            running.progress(name, self._done, self._phases * self._rows)

        return report
