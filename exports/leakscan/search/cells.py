"""Checks that need whole cells: short values in columns that name an identity, short numbers in columns of text."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import IO

from exports.leakscan.needles import identity_names
from psynetdata.psynet.problems import BadInput

from .matcher import Matcher

# The two checks. The second is only worthwhile if some such number is a cell by itself.
NAMED, NUMBERS = "named", "numbers"

# What reading a CSV can raise if neither PostgreSQL nor Python wrote it.
UNREADABLE_ROWS = (csv.Error, UnicodeDecodeError, BadInput)

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.I)
_MOST = 100_000

Cells = Sequence[str | None]


class RowCheck:
    """Checks a table. `report(needle, column, count)` is called for each value and column."""

    def __init__(self, matcher: Matcher, report: Callable[[int, str, int], None]):
        self._named = matcher.named
        self._numbers = matcher.digit_tokens
        self._found = report
        self.identities: list[int] = []

    def csv(self, stream: IO[bytes], which: str) -> None:
        """Read a CSV to its end, if its header shows that there is something to check.

        Raises one of UNREADABLE_ROWS if it is not in PostgreSQL's dialect; `identities` then says whether a column was
        to be checked.
        """
        text = io.TextIOWrapper(stream, "utf-8", newline="")
        try:
            rows = csv.reader(text, strict=True)
            header = next(rows, None)
            if header:
                self.table(header, rows, which)
        finally:
            text.detach()  # otherwise it would close the stream

    def table(self, header: list[str], rows: Iterable[Cells], which: str) -> None:
        """Do one of the checks."""
        self.identities = [index for index, column in enumerate(header) if identity_names.kind_of(column)]
        if which == NUMBERS:
            self._check_numbers(header, rows)
        elif self.identities and (self._named or self._numbers):
            self._check_identities(header, rows)

    def _check_identities(self, header: list[str], rows: Iterable[Cells]) -> None:
        """Columns repeat their cells: each is checked once, and counts as often as it occurs."""
        cells: Counter[tuple[int, str]] = Counter()
        for row in rows:
            for index in self.identities:
                if index < len(row) and (cell := row[index]):
                    cells[index, cell] += 1
            if len(cells) > _MOST:
                self._identify(cells, header)
                cells.clear()
        self._identify(cells, header)

    def _identify(self, cells: Counter[tuple[int, str]], header: list[str]) -> None:
        for (index, cell), count in cells.items():
            folded = cell.strip().lower()
            for text in {folded, *map(str.strip, folded.split(",")), *folded.split(":")} if folded else ():
                needle = self._named.get(text, self._numbers.get(text))
                if needle is not None:
                    self._found(needle, header[index], count)

    def _check_numbers(self, header: list[str], rows: Iterable[Cells]) -> None:
        """A number counts only in a column that also holds something other than numbers."""
        numeric = set(range(len(header))) - set(self.identities)
        waiting: dict[int, Counter[int]] = defaultdict(Counter)
        mixed = set()
        for row in rows:
            for index in [i for i in numeric if i < len(row) and (text := row[i]) and not _NUMBER.fullmatch(text)]:
                numeric.discard(index)
                mixed.add(index)
            if not self._numbers.keys().isdisjoint(row):
                for index, cell in enumerate(row[: len(header)]):
                    if cell and (needle := self._numbers.get(cell)) is not None:
                        waiting[index][needle] += 1
        for index in mixed & waiting.keys():
            for needle, count in waiting[index].items():
                self._found(needle, header[index], count)
