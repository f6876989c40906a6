"""Fill tables with a snapshot's rows and prove it: shared by restore and drill."""

from collections.abc import Callable, Mapping

from psycopg2.extensions import cursor as Cursor

from exports.store.blobs import TableState
from exports.store.reader import SnapshotReader
from psynetdata.jobs import Running
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

from .table_copy import TableCopy
from .target import TargetTable
from .value_comparison import check_same_values

OnProgress = Callable[[int], None]


class FillProgress:
    """The progress of the work in bytes: each table is written once and read back once."""

    def __init__(self, running: Running | None, states: Mapping[str, TableState]):
        self._running = running
        self._done = self._shown = 0
        self._total = 2 * sum(state.bytes for state in states.values())

    def reporter(self, phase: str) -> OnProgress:
        """Return the function that a table calls with the number of bytes done; it raises Cancelled."""

        def step(size: int) -> None:
            self._done += size
            if self._running and self._done - self._shown >= BLOCK:
                self._shown = self._done
                self._running.progress(phase, self._done, self._total)

        if self._running:
            self._running.progress(phase, self._done, self._total)
        return step


def read_states(reader: SnapshotReader) -> dict[str, TableState]:
    """Return {table: state}. Raises Damaged if a state is missing, or has other rows than the snapshot counts."""
    states = {table: reader.table_state(table) for table in reader.tables()}
    for table, state in states.items():
        if state.rows != reader.snapshot.rows_of(table):
            raise Damaged(
                f"Table {table}: its state has {state.rows} rows, {reader.snapshot} says "
                f"{reader.snapshot.rows_of(table)}."
            )
    return states


def fill(
    cursor: Cursor,
    reader: SnapshotReader,
    states: Mapping[str, TableState],
    targets: Mapping[str, TargetTable],
    progress: FillProgress,
) -> list[TableCopy]:
    """Copy all rows into empty tables."""
    filled = []
    for name, state in states.items():
        table = TableCopy(reader, state, targets[name], progress.reporter(f"restoring {name}"))
        table.copy_in(cursor)
        filled.append(table)
    return filled


def prove(cursor: Cursor, reader: SnapshotReader, filled: list[TableCopy], progress: FillProgress) -> dict[str, int]:
    """Return {table: rows} as counted in the database (law 7), after comparing each row. Raises Problem."""
    counts = {}
    for table in filled:
        name = table.state.table
        cursor.execute(f"SELECT count(*) FROM {table.target.rows_of}")
        counts[name] = cursor.fetchone()[0]
        if counts[name] != table.state.rows:
            raise Damaged(
                f"Table {name} has {counts[name]} rows, but the snapshot has {table.state.rows}; nothing was changed."
            )
        if not table.is_there(cursor, progress.reporter(f"comparing {name}")):
            check_same_values(cursor, reader, table.state, table.target)
    return counts
