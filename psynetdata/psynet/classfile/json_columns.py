"""Converts a whole column of JSON to cells: strings are decoded, objects become a value for each key (see
unpacked_keys.py).

Cells are written as in csvtext.block_rows: "" is NULL, EMPTY is the empty text. The same texts occur many times
(a definition in each trial of its node), so the latest results are cached.
"""

from collections.abc import Sequence

from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import EMPTY

from . import unpacked_keys

_KEPT = 4096  # texts whose objects are cached
_LONGEST = 2000  # characters of a text that is worth caching
_NOTHING: dict[str, str] = {}
_CONSTANTS = {"true": "True", "false": "False", "null": ""}

# The type of a value, for formats with types.
BOOLEAN, WHOLE, REAL, TEXT = 1, 2, 4, 8


class Unpacker:
    """Unpacks the objects in the column `source`; `taken`: keys that are already columns.

    `kinds`: {key: BOOLEAN | WHOLE | REAL | TEXT of its values so far}.
    """

    def __init__(self, source: str, taken: frozenset[str]):
        self.kinds: dict[str, int] = {}
        self._source, self._taken = source, taken
        self._known: dict[str, dict[str, str]] = {}

    def column(self, cells: Sequence[str]) -> list[dict[str, str]]:
        """Return {key: cell} for each cell: the keys that become columns; empty for a cell that is no plain object."""
        known, unpacked = self._known, self._unpacked
        return [
            _NOTHING if cell[:1] != "{" or cell == "{}" else known[cell] if cell in known else unpacked(cell)
            for cell in cells
        ]

    def _unpacked(self, text: str) -> dict[str, str]:
        cells = {}
        for key, value in unpacked_keys.unpack(self._source, text, self._taken):
            cell = unpacked_keys.cell(value)
            cells[key] = "" if cell is None else cell or EMPTY
            self.kinds[key] = self.kinds.get(key, 0) | _kind(value)
        if len(text) <= _LONGEST:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text] = cells
        return cells


def strings(cells: Sequence[str]) -> list[str]:
    """Decode cells that are JSON strings; objects, lists and text that is not JSON stay unchanged."""
    return [_string(cell) if cell[:1] == '"' else cell for cell in cells]


def values(cells: Sequence[str]) -> list[str]:
    """Decode cells that are JSON strings, `true`, `false` or `null`; everything else stays unchanged."""
    return [_string(cell) if cell[:1] == '"' else _CONSTANTS.get(cell, cell) for cell in cells]


def _string(cell: str) -> str:
    if cell.isprintable() and "\\" not in cell and cell.find('"', 1) == len(cell) - 1 > 0:
        return cell[1:-1] or EMPTY  # the plain case, without the parser
    value = jsontext.decode(cell) if len(cell) > 1 else None
    return (value or EMPTY) if isinstance(value, str) and unpacked_keys.is_writable(value) else cell


def _kind(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return WHOLE
    return REAL if isinstance(value, float) else TEXT
