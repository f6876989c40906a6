"""CSV that Excel opens as it is meant: as UTF-8, and with no text that it would take for a formula.

A cell that begins with one of `= + - @`, a tab or a return is run as a formula by spreadsheets (OWASP, "CSV
Injection"). Such a text gets an apostrophe before it; numbers stay numbers.
"""

import re

from psynetdata.psynet.csvtext import Row

BOM = b"\xef\xbb\xbf"
_STARTS = frozenset("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guard(cell: str | None) -> str | None:
    """The cell, with an apostrophe before it where a spreadsheet would take it for a formula."""
    if cell and cell[0] in _STARTS and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def guarded(cells: Row) -> Row:
    return [guard(cell) for cell in cells]
