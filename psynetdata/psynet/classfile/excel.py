"""CSV that Excel opens correctly: as UTF-8, and without text that it would run as a formula.

Spreadsheets run a cell that begins with one of `= + - @`, a tab or a return as a formula (OWASP, "CSV
Injection"); some also skip line breaks and spaces before the sign, or read its full-width form. Such a text gets an
apostrophe in front, in headers too; numbers stay numbers.
"""

import re

from psynetdata.psynet.csvtext import Row

BOM = b"\xef\xbb\xbf"
_FORMULA = re.compile(r"[\t\r]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guard(cell: str | None) -> str | None:
    """Return the cell, with an apostrophe in front if a spreadsheet would run it as a formula."""
    if cell and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def guarded(cells: Row) -> Row:
    return [guard(cell) for cell in cells]
