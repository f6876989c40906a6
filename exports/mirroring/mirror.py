"""Bring the mirror, both faces, to a snapshot."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from exports.models import Snapshot
from exports.store import withdrawals
from exports.store.blobs import Segment
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.face.deployment_anonymizer import FaceAnonymizer
from psynetdata.faces import ANONYMOUS
from psynetdata.jobs import Running
from psynetdata.mirror import Transform, refresh
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .summary import summarize

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


def mirror(snapshot: Snapshot, *, faces=settings.FACES, running: Running | None = None) -> dict[str, int]:
    """Mirror a snapshot; return {table: rows}. Each face changes in one transaction; only differing rows are written.

    Raises Problem if counts do not agree (law 7), and Cancelled between rows.
    """
    while True:
        ids = withdrawals.withdrawn_ids(snapshot.deployment)
        rows = _mirror(snapshot, ids, faces, running)
        if withdrawals.withdrawn_ids(snapshot.deployment) == ids:  # otherwise somebody withdrew in the meantime
            return rows


def _mirror(snapshot: Snapshot, ids: frozenset[int], faces, running: Running | None) -> dict[str, int]:
    everything = source = MirrorSource(snapshot)
    if ids:
        less = withdrawals.store_without_withdrawn(snapshot, ids, running)
        source = MirrorSource(less.snapshot, less.store)
    total = len(faces) * sum(
        entry["rows"] for table, entry in source.snapshot.tables.items() if table not in UNMIRRORED_TABLES
    )
    rows: dict[str, int] = {}
    for number, face in enumerate(faces):
        look = _progress_reporter(running, source, face, number * total // len(faces), total)
        if face == ANONYMOUS:
            # Other participants' rows may name those who withdrew.
            anonymizing = FaceAnonymizer(snapshot.deployment, everything, check_cancelled=running and running.check)
            rows = refresh(face, snapshot.deployment, source, anonymizing, on_progress=look)
            anonymizing.tidy()
        else:
            rows = refresh(face, snapshot.deployment, source, _AS_IT_IS, on_progress=look)
            summarize(source.snapshot)
    return rows


def _progress_reporter(running: Running | None, source: MirrorSource, face: str, start: int, total: int):
    """Return a function that reports progress in rows: of earlier tables, and of this one so far."""
    if running is None:
        return None
    # While the refresh waits for another writer it reports no table ("").
    before, done = {"": start}, start
    for table in source.tables():
        before[table] = done
        if table not in UNMIRRORED_TABLES:
            done += source.row_count(table)
    return lambda table, rows: running.progress(f"mirroring, {face}", before[table] + rows, total)
