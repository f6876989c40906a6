"""Sort rows by their ids, or by their bytes, with memory that does not grow with their number."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from psynetdata.psynet.problems import BadInput

# No journal and no waiting for the disk: the file is only needed while the table is read.
_PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16384")

Identified = tuple[int | None, bytes]


class Unsorted(Exception):
    """A row comes before the previous one."""


def sorted_already(rows: Iterable[Identified], twice: Callable[[int], Exception]) -> Iterator[Identified]:
    """Yield the rows while they are in order. Raises Unsorted at the first one that is not."""
    last: Identified | None = None
    for row in rows:
        if last is not None:
            if row[0] is not None and row[0] == last[0]:
                raise twice(row[0])
            if row < last:
                raise Unsorted
        last = row
        yield row


class Sorter:
    """A temporary SQLite file that takes rows in any order and returns them in order, as often as needed."""

    def __init__(self, path: Path, *, by_id: bool):
        self._by_id = by_id
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in _PRAGMAS:
            self._database.execute(f"PRAGMA {pragma}")
        if by_id:
            self._database.execute("CREATE TABLE r (id INTEGER PRIMARY KEY, line BLOB)")
        else:
            self._database.execute("CREATE TABLE r (line BLOB, n INTEGER, PRIMARY KEY (line, n)) WITHOUT ROWID")

    def fill(self, rows: Iterable[Identified], twice: Callable[[int], Exception]) -> None:
        """Take the rows. Raises what `twice` returns for an id that comes a second time."""
        last = 0

        def values() -> Iterator[tuple[int | None, bytes] | tuple[bytes, int]]:
            nonlocal last
            for number, (identity, line) in enumerate(rows):
                last = identity or 0
                yield (identity, line) if self._by_id else (line, number)

        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO r VALUES (?, ?)", values())
            self._database.execute("COMMIT")
        except sqlite3.IntegrityError:
            raise twice(last) from None
        except sqlite3.DataError:
            raise BadInput("A row is longer than 1 GB; PostgreSQL does not write such rows.") from None

    def rows(self) -> Iterator[Identified]:
        query = "SELECT id, line FROM r ORDER BY id" if self._by_id else "SELECT NULL, line FROM r ORDER BY line, n"
        with closing(self._database.execute(query)) as found:
            yield from found

    def close(self) -> None:
        self._database.close()
