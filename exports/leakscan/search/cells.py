"""Checks that need whole cells: short values in columns that name an identity, short numbers that are a cell."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import IO

from exports.leakscan.needles import identity_names
from psynetdata.psynet.problems import BadInput

from .matcher import Matcher
from .numbers import OWN_COLUMNS, SHORTEST, in_cell, in_list

# The two checks. The second is only worthwhile if some such number is a cell by itself.
NAMED, NUMBERS = "named", "numbers"

# What reading a CSV can raise if neither PostgreSQL nor Python wrote it.
UNREADABLE_ROWS = (csv.Error, UnicodeDecodeError, BadInput)

_MOST = 100_000

Cells = Sequence[str | None]


class RowCheck:
    """Checks a table. `report(needle, column, count)` is called for each value and column."""

    def __init__(self, matcher: Matcher, report: Callable[[int, str, int], None]):
        self._named = matcher.named
        self._numbers = matcher.digit_tokens | matcher.numbers
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
        """Count ids of digits that are a whole cell or a number in a JSON list.

        In PsyNet's own columns of numbers such a number is data.
        """
        places = [at for at, name in enumerate(header) if at not in self.identities and name not in OWN_COLUMNS]
        found: Counter[tuple[int, int]] = Counter()
        for row in rows:
            for at in places:
                if at < len(row) and (cell := row[at]) and len(cell) >= SHORTEST:
                    digits = in_cell(cell)
                    for each in (digits,) if digits else in_list(cell):
                        if (needle := self._numbers.get(each)) is not None:
                            found[at, needle] += 1
        for (at, needle), count in found.items():
            self._found(needle, header[at], count)
