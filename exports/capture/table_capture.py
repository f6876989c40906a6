"""Turn the tables of a moment into table states; segments without changes are not read again."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import BinaryIO

from exports.sources.postgres_catalogue import SourceTable
from exports.sources.read_transaction import ReadTransaction
from exports.store.blobs import PackedFile, Segment, TableState, write_segment
from exports.store.reader import SnapshotReader
from exports.store.row_sorter import Sorter
from exports.store.writer import StoreWriter
from psynetdata.jobs import Running
from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged, Problem

from . import fingerprints
from .fingerprints import TableFingerprints


@dataclass(frozen=True)
class Captured:
    """`tables`: as in Snapshot.tables. `read`: number of segments that were read. `bytes`: all rows as CSV."""

    tables: dict[str, dict]
    bytes: int
    read: int


def capture(
    transaction: ReadTransaction,
    writer: StoreWriter,
    folder: Path,
    *,
    base: SnapshotReader | None,
    running: Running | None = None,
) -> Captured:
    """Put what changed since `base` on the shelf; everything if `base` is None.

    Raises Problem if a table does not give as many rows as the same transaction counted (law 7).
    """
    known = _Known(base, transaction)
    cuts = {name: state.cut for name, state in known.states.items()}
    fingerprints_by_table = fingerprints.read_fingerprints(transaction, cuts, running.check if running else _unseen)
    work = [_Table(table, fingerprints_by_table[table.name], known.segments(table)) for table in transaction.tables]
    total = sum(each.rows_to_read for each in work)
    states, done = [], 0
    for each in work:
        if running:
            running.progress(f"reading {each.table.name}", done, total)
        states.append(_Reader(transaction, each, writer, folder, running).state())
        done += each.rows_to_read
    return Captured(
        {state.table: {"state": writer.state(state), "rows": state.rows, "content": state.content} for state in states},
        bytes=sum(state.bytes for state in states),
        read=sum(len(each.changed) for each in work),
    )


def _unseen() -> None:
    """Do nothing: there is no job that could be cancelled."""


class _Known:
    """What an earlier snapshot says of the source: nothing if its figures are no longer valid.

    Xmin does not show everything. The figures are invalid after a change of the table's shape
    (exports.sources.postgres_catalogue), on another server, database or server start, after a crash, or if transactions
    went back in time.
    """

    def __init__(self, base: SnapshotReader | None, moment: ReadTransaction):
        self.states: dict[str, TableState] = {}
        self._damaged = base.snapshot.damage_near if base else frozenset()
        if base is None or not moment.server.same_history(base.snapshot.server):
            return
        for table in moment.tables:
            state = _state(base, table.name)
            if state and table.shape and state.shape == table.shape and (state.cut is not None) == table.by_id:
                self.states[table.name] = state

    def segments(self, table: SourceTable) -> dict[int | None, Segment]:
        """Return {range: segment} of the segments that are still valid."""
        state = self.states.get(table.name)
        whole = (segment for segment in state.segments if segment.blob not in self._damaged) if state else ()
        return {segment.range: segment for segment in whole if segment.figure is not None}


def _state(base: SnapshotReader, table: str) -> TableState | None:
    """Return the state; None if it is lost or damaged: then the whole table is read."""
    try:
        return base.table_state(table) if table in base.snapshot.tables else None
    except Damaged:
        return None


class _Table:
    """A table, its current figures, and the parts that need not be read."""

    def __init__(self, table: SourceTable, fingerprints: TableFingerprints, known: dict[int | None, Segment]):
        self.table = table
        self.figures = fingerprints
        same = {
            number: known[number]
            for number, figure in fingerprints.ranges.items()
            if number in known and (known[number].rows, known[number].figure) == (figure.rows, str(figure.hashes))
        }
        self.same = same
        self.changed = [
            number for number, figure in sorted(fingerprints.ranges.items()) if figure.rows and number not in same
        ]
        self.rows_to_read = sum(fingerprints.ranges[number].rows for number in self.changed)


class _Reader:
    """Reads the changed segments of one table."""

    def __init__(
        self, transaction: ReadTransaction, work: _Table, writer: StoreWriter, folder: Path, running: Running | None
    ):
        self._transaction = transaction
        self._work = work
        self._writer = writer
        self._folder = folder
        self._check_cancelled = running.check if running else _unseen

    def state(self) -> TableState:
        work, table = self._work, self._work.table
        segments = {**work.same, **{segment.range: segment for segment in self._read()}}
        in_order = tuple(segments[number] for number in sorted(segments)) if work.figures.cut else (*segments.values(),)
        return TableState(table.name, table.columns, work.figures.cut, in_order, table.shape)

    def _read(self) -> Iterator[Segment]:
        for number in self._work.changed:
            path, sha256, size, rows = self._by_id(number) if number is not None else self._by_text()
            figure = self._work.figures.ranges[number]
            if rows != figure.rows:
                raise Problem(
                    f"Table {self._work.table.name}: {rows} rows were read, but the same transaction counted "
                    f"{figure.rows}; nothing was kept."
                )
            yield Segment(self._writer.segment(path, sha256), rows, size, number, str(figure.hashes))

    def _by_id(self, number: int) -> tuple[Path, str, int, int]:
        table, cut = self._work.table, self._work.figures.cut
        first = number << cut
        select = (
            f"SELECT {table.listed} FROM {table.rows_of} "
            f"WHERE id >= {first} AND id <= {first + (1 << cut) - 1} ORDER BY id"
        )
        # Each call writes one row; the buffer, which is in C, makes blocks of them.
        with PackedFile(self._folder, self._check_cancelled) as file, io.BufferedWriter(file, BLOCK) as buffer:
            rows = self._transaction.copy(select, buffer)
        return file.path, file.sha256, file.size, rows

    def _by_text(self) -> tuple[Path, str, int, int]:
        """Read rows without an id. Their text identifies and orders them, byte by byte, which no server can do."""
        table = self._work.table
        with TemporaryFile(dir=self._folder) as file:
            rows = self._transaction.copy(
                f"SELECT {table.listed} FROM {table.rows_of}", _CheckedFile(file, self._check_cancelled)
            )
            small = file.tell() <= BLOCK
            file.seek(0)
            records = csvtext.records(file, name=f"table {table.name}")
            blocks = csvtext.blocks(sorted(records)) if small else self._sorted(records)
            return *write_segment(self._folder, blocks, check_cancelled=self._check_cancelled), rows

    def _sorted(self, records: Iterator[bytes]) -> Iterator[bytes]:
        with NamedTemporaryFile(dir=self._folder, suffix=".sqlite3") as file:
            sorter = Sorter(Path(file.name), by_id=False)
            try:
                sorter.fill(((None, record) for record in records), lambda _: Problem("rows have no identity here"))
                yield from csvtext.blocks(record for _, record in sorter.rows())
            finally:
                sorter.close()


class _CheckedFile:
    """A file for rows; `check_cancelled` is called for each and may raise."""

    def __init__(self, file: BinaryIO, check_cancelled: Callable[[], None]):
        self._file = file
        self._check_cancelled = check_cancelled

    def write(self, row: bytes) -> None:
        self._check_cancelled()
        self._file.write(row)
