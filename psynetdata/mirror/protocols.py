"""Protocols of a refresh: the source that it reads, and the transformation of its rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from psynetdata.psynet.tables import Column

from .face_names import NameOf, unchanged
from .row_runs import Run

# The identity of a row in the mirror, and the row as text.
Pair = tuple[str, bytes]


class SourceTables(Protocol):
    """The tables that a refresh reads."""

    def tables(self) -> list[str]: ...

    def columns(self, table: str) -> list[Column]: ...

    def state(self, table: str) -> str:
        """Return a name for the table's state: equal names mean equal rows."""

    def row_count(self, table: str) -> int: ...

    def has_ids(self, table: str) -> bool:
        """Return whether rows are identified and ordered by an integer `id`; otherwise by their text."""

    def changes(self, table: str, old: str | None) -> Iterator[tuple[Run | None, Run | None]]:
        """Yield (old run, new run) for the parts that differ from the state `old`, or for all rows if `old` is None.

        A run can be called several times and returns its rows in order; it is None if one side does not have the part.
        Raises Damaged if the old state, or a part of it, can no longer be read.
        """

    def same(self, table: str, old: str) -> Iterator[tuple[Run, Run]]:
        """Yield the parts that are equal in the state `old`; together with `changes` these are all rows.

        Each part is a run of its rows, and a run of blocks of bytes: rows with line ends, cut anywhere.
        """


class TableTransform(Protocol):
    """Transforms the rows of one table, written as in csvtext.block_rows.

    `withheld`: the columns that are withheld in every row.
    """

    withheld: frozenset[str]

    def block(self, rows: list[list[str]]) -> Sequence[Sequence[str]]: ...


class RowFilter(Protocol):
    """Finds the rows of one table whose transformation changed, although their source rows did not."""

    def passes(self, blocks: Iterable[bytes]) -> bool:
        """Return whether a part has no such row, judging by its bytes."""

    def affected(self, pairs: Iterable[Pair]) -> Iterator[Pair]: ...


class RowFilters(Protocol):
    """Makes a RowFilter for each table."""

    def for_table(self, table: str, columns: list[Column]) -> RowFilter | None:
        """Return the table's RowFilter, or None if it cannot have rows that change."""


class Filling(Protocol):
    """The transformation of rows that fill a face. `name` changes whenever the result for any row could change.

    `name_of` returns the name under which the face shows a table or column that is not PsyNet's.
    """

    name: str
    table: Callable[[str, list[Column]], TableTransform] | None
    name_of: NameOf

    def since(self, name: str) -> RowFilters | None:
        """Return what redoes rows that were filled under another name; None if all rows must be rebuilt."""


@dataclass(frozen=True)
class Transform:
    """A Filling that depends on nothing but its name."""

    name: str
    table: Callable[[str, list[Column]], TableTransform] | None = None
    name_of: NameOf = unchanged

    def since(self, name: str) -> None:
        return None
