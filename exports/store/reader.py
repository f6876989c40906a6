"""A stored snapshot as a TableSource."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import BinaryIO

from exports.models import Snapshot
from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import NotFound
from psynetdata.psynet.tables import Column

from .blobs import Segment, Store, TableState


class StoredTables:
    """Tables read from their segments; memory depends on a block and the longest row.

    `refs`: {table: ref of its state}.
    """

    def __init__(self, refs: Mapping[str, str], store: Store | None = None):
        self.store = store or Store()
        self.table_state = cache(self._table_state)
        self._refs = refs

    def tables(self) -> list[str]:
        return sorted(self._refs)

    def columns(self, table: str) -> list[Column]:
        return list(self.table_state(table).columns)

    def rows(self, table: str) -> Iterator[Row]:
        for segment in self.table_state(table).segments:
            yield from self.segment_rows(segment)

    def records(self, table: str) -> Iterator[bytes]:
        """Yield the table's rows as stored, without line ends."""
        for segment in self.table_state(table).segments:
            yield from self.segment_records(segment)

    def segments(self, table: str) -> list[Segment]:
        return list(self.table_state(table).segments)

    def open_segment(self, table: str, segment: Segment) -> AbstractContextManager[BinaryIO]:
        return self.store.open(segment)

    def segment_rows(self, segment: Segment) -> Iterable[Row]:
        return csvtext.rows(self.segment_records(segment))

    def segment_records(self, segment: Segment) -> Iterator[bytes]:
        with self.store.open(segment) as stream:
            yield from csvtext.records(stream, name=f"segment {segment.sha256[:12]}…")

    def _table_state(self, table: str) -> TableState:
        if table not in self._refs:
            raise NotFound(f"There is no table {table} in it.")
        return self.store.state(self._refs[table])


class SnapshotReader(StoredTables):
    """A stored snapshot as a TableSource."""

    def __init__(self, snapshot: Snapshot, store: Store | None = None):
        super().__init__({table: entry["state"] for table, entry in snapshot.tables.items()}, store)
        self.snapshot = snapshot

    def _table_state(self, table: str) -> TableState:
        if table not in self.snapshot.tables:
            raise NotFound(f"Snapshot {self.snapshot.id} has no table {table}.")
        return super()._table_state(table)
