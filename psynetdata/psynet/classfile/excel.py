"""CSV that Excel opens correctly: as UTF-8, and without text that it would run as a formula.

Spreadsheets run a cell that begins with one of `= + - @`, a tab or a return as a formula (OWASP, "CSV
Injection"). Such a text gets an apostrophe in front; numbers stay numbers.
"""

import re

from psynetdata.psynet.csvtext import Row

BOM = b"\xef\xbb\xbf"
_STARTS = frozenset("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guard(cell: str | None) -> str | None:
    """Return the cell, with an apostrophe in front if a spreadsheet would run it as a formula."""
    if cell and cell[0] in _STARTS and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def guarded(cells: Row) -> Row:
    return [guard(cell) for cell in cells]
