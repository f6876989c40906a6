"""Find out what changed since the last capture, in one pass over id and xmin that fetches no rows.

Each row version carries xmin, the id of the transaction that made it. Of a committed transaction's row versions some
can disappear, but none is ever added; so if the number of rows and the sum of the hashes of (id, xmin) are the same,
the rows are the same. Other changes, which this cannot see, make the figures invalid: exports.capture.table_capture.

Id and xmin must not be packed into one number: PostgreSQL folds a bigint by XOR before it hashes it, and the two
halves can cancel each other out after a bulk update.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain

from exports.sources.postgres_catalogue import Table
from exports.sources.read_transaction import Moment
from exports.store.blobs import CUT

# Tables that the server estimates to be smaller than this are queried together.
_SMALL = 5_000
_AT_ONCE = 40
# If ids are so sparse that segments have fewer rows than this on average, wider ranges are used.
_FEW_ROWS = 128
_SOME_SEGMENTS = 64
_LOOK_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Figure:
    """The number of rows in one range of a table, and the sum of their hashes."""

    rows: int
    hashes: int


@dataclass(frozen=True)
class Figures:
    """A table's figures: {range: Figure}, where range is `id >> cut`; a table that is not cut has one range, None."""

    cut: int | None
    ranges: dict[int | None, Figure]

    @property
    def rows(self) -> int:
        return sum(figure.rows for figure in self.ranges.values())


def read(moment: Moment, cuts: dict[str, int | None], look: Callable[[], None] = lambda: None) -> dict[str, Figures]:
    """Return {table: its Figures}. `cuts`: how tables were cut before; the cut of others follows from their ids.

    The readers of the moment share the work. `look` is called each second and may raise.
    """
    asked = {table.name: _cut(table, cuts) for table in moment.tables}
    work = _batches(moment.tables, asked)
    found: dict[str, dict[int | None, Figure]] = {table.name: {} for table in moment.tables}
    with ThreadPoolExecutor(len(moment.readers), thread_name_prefix="figures") as pool:
        parts = [pool.submit(_work, moment, reader, work) for reader in range(len(moment.readers))]
        try:
            pending = set(parts)
            while pending:
                done, pending = wait(pending, _LOOK_EVERY, FIRST_EXCEPTION)
                for name, number, count, hashes in chain.from_iterable(part.result() for part in done):
                    found[name][number] = Figure(count, int(hashes))
                look()
        except BaseException:  # also Ctrl-C: nobody should wait for the rest of a long query
            work.clear()
            moment.end()
            raise
    return {
        table.name: _widened(Figures(asked[table.name], found[table.name]), fixed=table.name in cuts)
        for table in moment.tables
    }


def _cut(table: Table, cuts: dict[str, int | None]) -> int | None:
    return (cuts.get(table.name) or CUT) if table.by_id else None


def _batches(tables: list[Table], cuts: dict[str, int | None]) -> list[str]:
    """Return the queries, longest first: one for each large table, small ones together because of the network delay."""
    large = sorted((table for table in tables if table.about >= _SMALL), key=lambda table: -table.about)
    small = [table for table in tables if table.about < _SMALL]
    queries = [_query(table, cuts[table.name]) for table in large]
    for start in range(0, len(small), _AT_ONCE):
        parts = [_query(table, cuts[table.name]) for table in small[start : start + _AT_ONCE]]
        queries.append(" UNION ALL ".join(f"({part})" for part in parts))
    return queries


def _query(table: Table, cut: int | None) -> str:
    name = "'" + table.name.replace("'", "''") + "'"
    if cut is None:
        return (
            f"SELECT {name}, NULL::bigint, count(*), "
            f'coalesce(sum(hashtextextended(xmin::text COLLATE "C", 0)), 0)::text FROM {table.rows_of}'
        )
    return (
        f"SELECT {name}, id::bigint >> {cut}, count(*), "
        f'sum(hashtextextended(xmin::text COLLATE "C", id))::text FROM {table.rows_of} GROUP BY 2'
    )


def _work(moment: Moment, reader: int, work: list[str]) -> list[tuple]:
    """Run queries until none is left; several readers take them from the same list."""
    rows: list[tuple] = []
    while True:
        try:
            query = work.pop(0)
        except IndexError:
            return rows
        rows += moment.query(query, reader=reader)


def _widened(figures: Figures, *, fixed: bool) -> Figures:
    """Use ranges wide enough for the ids; the sums of the small ranges add up to those of the wide one."""
    while not fixed and figures.cut is not None and _is_sparse(figures):
        rows: Counter[int] = Counter()
        hashes: Counter[int] = Counter()
        for number, figure in figures.ranges.items():
            rows[number >> 4] += figure.rows
            hashes[number >> 4] += figure.hashes
        figures = Figures(figures.cut + 4, {number: Figure(rows[number], hashes[number]) for number in rows})
    return figures


def _is_sparse(figures: Figures) -> bool:
    return len(figures.ranges) > _SOME_SEGMENTS and figures.rows < len(figures.ranges) * _FEW_ROWS
