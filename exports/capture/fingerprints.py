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

from exports.sources.postgres_catalogue import SourceTable
from exports.sources.read_transaction import ReadTransaction
from exports.store.blobs import CUT

# Tables that the server estimates to be smaller than this are queried together.
_SMALL = 5_000
_AT_ONCE = 40
# If ids are so sparse that segments have fewer rows than this on average, wider ranges are used.
_FEW_ROWS = 128
_SOME_SEGMENTS = 64
_LOOK_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Fingerprint:
    """The number of rows in one range of a table, and the sum of their hashes."""

    rows: int
    hashes: int


@dataclass(frozen=True)
class TableFingerprints:
    """A table's figures: {range: Fingerprint}, where range is `id >> cut`; a table that is not cut has one range,
    None."""

    cut: int | None
    ranges: dict[int | None, Fingerprint]

    @property
    def rows(self) -> int:
        return sum(figure.rows for figure in self.ranges.values())


def read_fingerprints(
    transaction: ReadTransaction, cuts: dict[str, int | None], check_cancelled: Callable[[], None] = lambda: None
) -> dict[str, TableFingerprints]:
    """Return {table: its TableFingerprints}. `cuts`: how tables were cut before; the cut of others follows from their
    ids.

    The readers of the moment share the work. `check_cancelled` is called each second and may raise.
    """
    asked = {table.name: _cut(table, cuts) for table in transaction.tables}
    work = _batches(transaction.tables, asked)
    ranges_by_table: dict[str, dict[int | None, Fingerprint]] = {table.name: {} for table in transaction.tables}
    with ThreadPoolExecutor(len(transaction.readers), thread_name_prefix="figures") as pool:
        parts = [pool.submit(_run_queries, transaction, reader, work) for reader in range(len(transaction.readers))]
        try:
            pending = set(parts)
            while pending:
                done, pending = wait(pending, _LOOK_EVERY, FIRST_EXCEPTION)
                for name, number, count, hashes in chain.from_iterable(part.result() for part in done):
                    ranges_by_table[name][number] = Fingerprint(count, int(hashes))
                check_cancelled()
        except BaseException:  # also Ctrl-C: nobody should wait for the rest of a long query
            work.clear()
            transaction.end()
            raise
    return {
        table.name: _widened(
            TableFingerprints(asked[table.name], ranges_by_table[table.name]), fixed=table.name in cuts
        )
        for table in transaction.tables
    }


def _cut(table: SourceTable, cuts: dict[str, int | None]) -> int | None:
    return (cuts.get(table.name) or CUT) if table.by_id else None


def _batches(tables: list[SourceTable], cuts: dict[str, int | None]) -> list[str]:
    """Return the queries, longest first: one for each large table, small ones together because of the network delay."""
    large = sorted((table for table in tables if table.about >= _SMALL), key=lambda table: -table.about)
    small = [table for table in tables if table.about < _SMALL]
    queries = [_query(table, cuts[table.name]) for table in large]
    for start in range(0, len(small), _AT_ONCE):
        parts = [_query(table, cuts[table.name]) for table in small[start : start + _AT_ONCE]]
        queries.append(" UNION ALL ".join(f"({part})" for part in parts))
    return queries


def _query(table: SourceTable, cut: int | None) -> str:
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


def _run_queries(transaction: ReadTransaction, reader: int, queries: list[str]) -> list[tuple]:
    """Run queries until none is left; several readers take them from the same list."""
    rows: list[tuple] = []
    while True:
        try:
            query = queries.pop(0)
        except IndexError:
            return rows
        rows += transaction.query(query, reader=reader)


def _widened(fingerprints: TableFingerprints, *, fixed: bool) -> TableFingerprints:
    """Use ranges wide enough for the ids; the sums of the small ranges add up to those of the wide one."""
    while not fixed and fingerprints.cut is not None and _is_sparse(fingerprints):
        rows: Counter[int] = Counter()
        hashes: Counter[int] = Counter()
        for number, figure in fingerprints.ranges.items():
            rows[number >> 4] += figure.rows
            hashes[number >> 4] += figure.hashes
        fingerprints = TableFingerprints(
            fingerprints.cut + 4, {number: Fingerprint(rows[number], hashes[number]) for number in rows}
        )
    return fingerprints


def _is_sparse(fingerprints: TableFingerprints) -> bool:
    return len(fingerprints.ranges) > _SOME_SEGMENTS and fingerprints.rows < len(fingerprints.ranges) * _FEW_ROWS
