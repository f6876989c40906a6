"""Checks that need whole cells: short values under columns that say identity, short numbers in columns of text."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import BinaryIO

from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import Row

from . import names
from .matcher import Matcher

# What can go wrong in reading a CSV that is no PostgreSQL or Python wrote.
UNREADABLE_ROWS = (csv.Error, UnicodeDecodeError, csvtext.BadInput)

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.I)


class RowCheck:
    """Give it the rows of a table, the header first. `found(needle, column)` is called for each hit."""

    def __init__(self, matcher: Matcher, found: Callable[[int, str], None]):
        self._named = matcher.named
        self._numbers = matcher.digit_tokens
        self._found = found
        self.identities: list[int] = []

    @property
    def needed(self) -> bool:
        return bool(self._named or self._numbers)

    def csv(self, stream: BinaryIO) -> None:
        """Read a CSV in PostgreSQL's dialect to its end.

        Raises one of UNREADABLE_ROWS for another; `identities` then says whether a column was to be checked.
        """
        rows = csvtext.rows(csvtext.records(stream))
        header = next(rows, None)
        if header:
            self.table([column or "" for column in header], rows)

    def table(self, header: list[str], rows: Iterable[Row]) -> None:
        """Check the rows. A number counts only in a column that holds something else than numbers somewhere."""
        self.identities = identities = [index for index, column in enumerate(header) if names.kind_of(column)]
        numeric = set(range(len(header)))
        waiting: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            for index in identities:
                if index < len(row) and row[index]:
                    self._identity(row[index] or "", header[index])
            if self._numbers:
                numeric -= {i for i in numeric if i < len(row) and row[i] and not _NUMBER.fullmatch(row[i] or "")}
                if not self._numbers.keys().isdisjoint(row):
                    self._wait(row, waiting, len(header))
        for index, needles in waiting.items():
            if index not in numeric and index not in identities:
                for needle in needles:
                    self._found(needle, header[index])

    def _identity(self, cell: str, column: str) -> None:
        folded = cell.strip().lower()
        for text in {folded, *map(str.strip, folded.split(",")), *folded.split(":")} if folded else ():
            needle = self._named.get(text, self._numbers.get(text))
            if needle is not None:
                self._found(needle, column)

    def _wait(self, row: Row, waiting: dict[int, list[int]], width: int) -> None:
        for index, cell in enumerate(row[:width]):
            needle = self._numbers.get(cell or "")
            if needle is not None and len(waiting[index]) < 100_000:
                waiting[index].append(needle)
