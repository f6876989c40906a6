"""Rows by the block, whose cells are as in csvtext.block_rows: "" is NULL, EMPTY the empty text."""

from collections.abc import Callable, Sequence

from ..psynet.csvtext import EMPTY, Row


def with_null(cells: Sequence[str]) -> Row:
    """A row with None for NULL."""
    return [None if cell == "" else "" if cell == EMPTY else cell for cell in cells]


def without_null(cells: Row) -> list[str]:
    return ["" if cell is None else cell or EMPTY for cell in cells]


def guides(rows: list[list[str]], columns: list[Sequence[str]]) -> list[list[str]]:
    """Rows by which cells are treated: an empty text is "" there, and as good as NULL."""
    if any(EMPTY in column for column in columns):
        return [[cell.strip(EMPTY) for cell in row] for row in rows]
    return rows


def treated(treatment: Callable[[str], str | None], cells: Sequence[str]) -> list[str]:
    """A column whose cells are treated alone: each text that stands in it once."""
    known = {cell: _applied(treatment, cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def stepped(step: Callable[[str, Row], str | None], cells: Sequence[str], rows: list[list[str]]) -> list[str]:
    """A column whose cells are treated by what else stands in their row; `rows` as `guides` gives them."""
    found = []
    for cell, row in zip(cells, rows, strict=True):
        if cell:
            new = step("" if cell == EMPTY else cell, row)
            cell = "" if new is None else new or EMPTY
        found.append(cell)
    return found


def _applied(treatment: Callable[[str], str | None], cell: str) -> str:
    if not cell:
        return cell
    new = treatment("" if cell == EMPTY else cell)
    return "" if new is None else new or EMPTY
