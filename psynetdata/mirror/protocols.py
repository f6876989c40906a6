"""What a refresh reads from, and what it does to rows on their way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from .row_runs import Run

# What finds a row in the mirror, and the row as text.
Pair = tuple[str, bytes]


class SourceTables(Protocol):
    """What a refresh reads from."""

    def tables(self) -> list[str]: ...

    def columns(self, table: str) -> list[Column]: ...

    def state(self, table: str) -> str:
        """A name for the table's state: equal names, equal rows."""

    def row_count(self, table: str) -> int: ...

    def has_ids(self, table: str) -> bool:
        """Whether rows are told apart by an integer `id`, by which they are then ordered; else by their text."""

    def changes(self, table: str, old: str | None) -> Iterator[tuple[Run | None, Run | None]]:
        """Pairs (old run, new run) of the parts that differ from the state `old`; all rows where that is None.

        Each run gives its rows in order, as often as it is called; None where one side has no such part.
        Raises Damaged where the old state, or a part of it, cannot be read any more.
        """

    def same(self, table: str, old: str) -> Iterator[tuple[Run, Run]]:
        """The parts that are equal in the state `old`; with `changes` these are all rows.

        Each as its rows, and as blocks of bytes: rows with line ends, cut anywhere.
        """


class TableTransform(Protocol):
    """What is done to the rows of one table. `withheld`: the columns that are withheld in every row."""

    withheld: frozenset[str]

    def row(self, cells: Row) -> Row: ...


class Picker(Protocol):
    """Tells which rows of one table come out otherwise than they did, though their source stands unchanged."""

    def passes(self, blocks: Iterable[bytes]) -> bool:
        """Whether there are none in a part, told from its bytes."""

    def pick(self, pairs: Iterable[Pair]) -> Iterator[Pair]: ...


class Again(Protocol):
    """The same for all tables."""

    def of(self, table: str, columns: list[Column]) -> Picker | None:
        """None where there can be no such row."""


class Filling(Protocol):
    """What is done to rows on their way into a face. `name` changes whenever a row could come out otherwise."""

    name: str
    table: Callable[[str, list[Column]], TableTransform] | None

    def since(self, name: str) -> Again | None:
        """For rows that were filled in under another name; None where all must be filled in anew."""


@dataclass(frozen=True)
class Transform:
    """A Filling that is the same for all rows at all times of one name."""

    name: str
    table: Callable[[str, list[Column]], TableTransform] | None = None

    def since(self, name: str) -> None:
        return None
