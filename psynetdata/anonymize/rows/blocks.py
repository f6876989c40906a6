"""Treats blocks of rows. Cells are written as in csvtext.block_rows: "" is NULL, EMPTY is the empty text."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Protocol

from psynetdata.psynet.csvtext import EMPTY, Row, with_null


class Guided(Protocol):
    """A step that also needs the row's cell in the column `guide` (None: no other cell)."""

    @property
    def guide(self) -> int | None: ...

    def times(self, cell: str, guide: str, rows: int, /) -> str | None: ...


def treated(treatment: Callable[[str], str | None], cells: Sequence[str]) -> list[str]:
    """Treat a column whose treatment depends on the cell alone: each different cell once."""
    known = {cell: _cell(treatment(_text(cell))) if cell else cell for cell in set(cells)}
    return [known[cell] for cell in cells]


def guided(step: "Guided", cells: Sequence[str], columns: list[Sequence[str]]) -> list[str]:
    """Treat a column whose treatment depends on one other cell of the row: each different pair once."""
    guides = repeat("") if step.guide is None else columns[step.guide]
    pairs = list(zip(cells, guides, strict=step.guide is not None))
    known = {}
    for pair, rows in Counter(pairs).items():
        cell, guide = pair
        known[pair] = _cell(step.times(_text(cell), guide.strip(EMPTY), rows)) if cell else cell
    return [known[pair] for pair in pairs]


def stepped(step: Callable[[str, Row], str | None], cells: Sequence[str], rows: list[list[str]]) -> list[str]:
    """Treat a column whose treatment depends on the whole row."""
    found = []
    for cell, row in zip(cells, rows, strict=True):
        if cell:
            cell = _cell(step(_text(cell), with_null(row)))
        found.append(cell)
    return found


def _text(cell: str) -> str:
    return "" if cell == EMPTY else cell


def _cell(text: str | None) -> str:
    return "" if text is None else text or EMPTY
