"""The rows of a snapshot that an earlier one does not have."""

import logging
from collections.abc import Callable, Iterator
from itertools import islice

from exports.store.blobs import Segment, TableState
from exports.store.reader import SnapshotReader
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Damaged

logger = logging.getLogger(__name__)

_TOGETHER = 8192  # rows
# (names of the columns, records)
Batch = tuple[list[str], list[bytes]]


class ChangedRows:
    """Reads a snapshot by what changed since `base`; without one, everything is new.

    A segment that is missing or damaged is left out: nobody can read it. When it is repaired, the snapshot is read
    again (exports.ledger.collection.read_again). `check` is called for each batch and may raise to stop.
    """

    def __init__(self, reader: SnapshotReader, base: SnapshotReader | None, check: Callable[[], None]):
        self._reader, self._base, self._check = reader, base, check

    @property
    def tables(self) -> list[str]:
        return self._reader.tables()

    def changed(self, table: str) -> Iterator[Batch]:
        """Yield the table's new rows, and those that are not as they were, in batches."""
        new = self._state(self._reader, table)
        if new is None:
            return
        old = self._state(self._base, table) if self._base else None
        if old is not None and (old.columns, old.cut) != (new.columns, new.cut):
            old = None
        before = {segment.range: segment for segment in old.segments} if old else {}
        for segment in new.segments:
            earlier = before.get(segment.range)
            if earlier is None or earlier.sha256 != segment.sha256:
                yield from self._batches(new, segment, self._known(earlier))

    def with_ids(self, table: str, ids: set[str]) -> Iterator[Batch]:
        """Yield the rows with these ids, changed or not; only segments that may hold them are read."""
        state = self._state(self._reader, table) if ids and table in self.tables else None
        names = [column.name for column in state.columns] if state else []
        if state is None or "id" not in names:
            return
        ranges = {int(number) >> state.cut for number in ids if number.isdigit()} if state.cut is not None else None
        for segment in state.segments:
            if ranges is None or segment.range in ranges:
                for _, records in self._batches(state, segment, frozenset()):
                    rows = zip(csvtext.rows(records), records, strict=True)
                    yield names, [record for row, record in rows if row[names.index("id")] in ids]

    def _batches(self, state: TableState, segment: Segment, known: frozenset[int] | set[int]) -> Iterator[Batch]:
        names = [column.name for column in state.columns]
        try:
            new = (record for record in self._reader.segment_records(segment) if hash(record) not in known)
            while records := list(islice(new, _TOGETHER)):
                self._check()
                yield names, records
        except Damaged:
            logger.warning("A damaged segment adds nothing to the ledger: %s", segment.sha256[:12])

    def _known(self, segment: Segment | None) -> set[int]:
        """Return hashes of a segment's records. They are keyed for each process, so nobody can choose equal ones."""
        if segment is None or self._base is None:
            return set()
        try:
            return {hash(record) for record in self._base.segment_records(segment)}
        except Damaged:
            return set()

    @staticmethod
    def _state(reader: SnapshotReader, table: str) -> TableState | None:
        if table not in reader.tables():
            return None
        try:
            return reader.table_state(table)
        except Damaged:
            return None
