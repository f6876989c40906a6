"""Load a snapshot's rows into tables with COPY, and prove with COPY in the other direction that they are unchanged.

A table with an integer id is stored in the order of ids, so its rows read back in that order give the same bytes,
and one SHA-256 is enough. The rows of any other table have no order that a database could return: there the sum of
their SHA-256s is compared.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import cursor as Cursor

from exports.store.blobs import TableState, spoilt
from exports.store.reader import SnapshotReader
from psynetdata.psynet import csvtext
from psynetdata.psynet.copy_streams import Feed, Sink, failing_as_itself
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput, Conflict, Damaged

from .target import TargetTable, names

# COPY's own context: "COPY info, line 3, column score: "…"", in the server's language.
_AT_COLUMN = re.compile(r"^COPY [^\n]*?, \S+ \d+, \S+ ([^\n]+?): ", re.MULTILINE)
_UNFIT = (errorcodes.CLASS_DATA_EXCEPTION, errorcodes.CLASS_INTEGRITY_CONSTRAINT_VIOLATION)


class InOrder:
    """The hash of a table's bytes."""

    def __init__(self):
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self._digest.update(data)

    @property
    def value(self) -> bytes:
        return self._digest.digest()


class InAnyOrder:
    """The hash of rows in any order; `add` takes one row with its line end at a time."""

    def __init__(self):
        self._sum = 0

    def add(self, row: bytes) -> None:
        self._sum += int.from_bytes(hashlib.sha256(row).digest())

    @property
    def value(self) -> bytes:
        return (self._sum % (1 << 256)).to_bytes(32)


class TableCopy:
    """Copies one table from a snapshot into a database. For each block, `on_progress` is called with its number of
    bytes."""

    def __init__(
        self, reader: SnapshotReader, state: TableState, target: TargetTable, on_progress: Callable[[int], None]
    ):
        self.state = state
        self.target = target
        self._reader = reader
        self._on_progress = on_progress
        self._names = [column.name for column in state.columns]
        self._in_order = state.cut is not None and target.has_integer_id
        self._hash = InOrder() if self._in_order else InAnyOrder()

    def copy_in(self, cursor: Cursor) -> int:
        """Return how many rows were loaded. Raises BadInput for a bad value, Conflict for a constraint, Damaged."""
        taken = [name for name in self._names if not self.target.column(name).generated]
        feed = Feed(self._blocks(taken))
        with self._fitting(), failing_as_itself(feed):
            cursor.copy_expert(
                f"COPY {self.target.sql} ({names(cursor, taken)}) FROM STDIN WITH (FORMAT csv)", feed, BLOCK
            )
        if cursor.rowcount != self.state.rows:
            raise Damaged(
                f"Table {self.state.table}: {cursor.rowcount} rows were read from its segments, its state says "
                f"{self.state.rows}; nothing was changed."
            )
        return cursor.rowcount

    def is_there(self, cursor: Cursor, on_progress: Callable[[int], None]) -> bool:
        """Return whether the database returns the same rows, byte for byte."""
        digest = type(self._hash)()
        passed = 0

        def take(row: bytes) -> None:
            nonlocal passed
            digest.add(row)
            passed += len(row)
            if passed >= BLOCK:
                on_progress(passed)
                passed = 0

        order = " ORDER BY id" if self._in_order else ""
        select = f"SELECT {names(cursor, self._names)} FROM {self.target.rows_of}{order}"
        sink = Sink(take)
        with failing_as_itself(sink):
            cursor.copy_expert(f"COPY ({select}) TO STDOUT WITH (FORMAT csv)", sink)
        on_progress(passed)
        return digest.value == self._hash.value

    def _blocks(self, taken: list[str]) -> Iterator[bytes]:
        """Yield what COPY reads: the columns `taken` of each row; all stored bytes are added to the hash."""
        if len(taken) < len(self._names):
            wanted = [self._names.index(name) for name in taken]
            rows = csvtext.rows(self._records())
            yield from csvtext.blocks(csvtext.format_row([row[index] for index in wanted]) for row in rows)
        elif self._in_order:
            for segment in self.state.segments:
                for block in self._reader.store.blocks(segment):
                    self._hash.add(block)
                    self._on_progress(len(block))
                    yield block
        else:
            yield from csvtext.blocks(self._records())

    def _records(self) -> Iterator[bytes]:
        for segment in self.state.segments:
            digest = hashlib.sha256()
            for record in self._reader.segment_records(segment):
                line = record + b"\n"
                digest.update(line)
                self._hash.add(line)
                self._on_progress(len(line))
                yield record
            if digest.hexdigest() != segment.sha256:
                raise spoilt(segment.blob)

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """Translate the database's refusal of a value into a sentence that never holds the value."""
        try:
            yield
        except psycopg2.Error as error:
            if error.pgcode is None or error.pgcode[:2] not in _UNFIT:
                raise
            raise self._unfit(error) from None

    def _unfit(self, error: psycopg2.Error) -> BadInput | Conflict:
        table = self.state.table
        if error.diag.constraint_name:
            return Conflict(
                f"Table {table}: the snapshot's rows violate the database's {error.diag.constraint_name}; "
                "nothing was changed."
            )
        column = error.diag.column_name or _column(error.diag.context or "")
        target = self.target.column(column) if column else None
        if target is None:
            return BadInput(f"Table {table}: a row of the snapshot does not fit; nothing was changed.")
        if error.pgcode == errorcodes.NOT_NULL_VIOLATION:
            return BadInput(
                f"Table {table}, column {column}: the snapshot has rows without a value, the database needs one; "
                "nothing was changed."
            )
        return BadInput(
            f"Table {table}, column {column}: a value of the snapshot does not fit its type {target.base} in the "
            "database; nothing was changed."
        )


def _column(context: str) -> str | None:
    match = _AT_COLUMN.search(context)
    return match.group(1) if match else None
