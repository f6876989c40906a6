"""JSON of a column as cells: texts decoded, objects as a value for each key.

Cells are as in csvtext.block_rows: "" is NULL, EMPTY the empty text. The same texts come again and again
(a definition in each trial of its node), so what came of the last ones is kept for a while.
"""

import json
import re
from collections.abc import Sequence

from . import jsontext
from .csvtext import EMPTY

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_KEPT = 4096  # texts whose objects are kept
_LONGEST = 2000  # characters of a text that is worth keeping
_NOTHING: dict[str, str] = {}
_CONSTANTS = {"true": "True", "false": "False", "null": ""}

# What a value was, for formats that know types: {key: the kinds seen}.
BOOLEAN, WHOLE, REAL, TEXT = 1, 2, 4, 8


class Unpacker:
    """The objects of one column. `standing`: keys that are columns already; `hides`: whether `_keys` are left out.

    `kinds`: {key: BOOLEAN | WHOLE | REAL | TEXT of its values so far}.
    """

    def __init__(self, standing: set[str], *, hides: bool):
        self.kinds: dict[str, int] = {}
        self._standing = standing
        self._hides = hides
        self._known: dict[str, dict[str, str]] = {}

    def column(self, cells: Sequence[str]) -> list[dict[str, str]]:
        """For each cell the keys that become columns, with their cells; nothing for what is no plain object."""
        known, unpacked = self._known, self._unpacked
        return [
            _NOTHING if cell[:1] != "{" or cell == "{}" else known[cell] if cell in known else unpacked(cell)
            for cell in cells
        ]

    def _unpacked(self, text: str) -> dict[str, str]:
        value = jsontext.decode(text)
        # With a tag of jsonpickle's it is an object of a class, which PsyNet does not unpack either.
        if not isinstance(value, dict) or any(key.startswith("py/") for key in value):
            return _NOTHING
        writable = "\\u" not in text  # only an escape brings in what cannot be written
        found = {}
        for key, item in value.items():
            if key and key not in self._standing and not (self._hides and key[0] == "_"):
                found[key] = _cell(item, writable)
                self.kinds[key] = self.kinds.get(key, 0) | _kind(item)
        if len(text) <= _LONGEST:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text] = found
        return found


def strings(cells: Sequence[str]) -> list[str]:
    """JSON texts' texts; objects, lists and what is no JSON stay as they came."""
    return [_string(cell) if cell[:1] == '"' else cell for cell in cells]


def values(cells: Sequence[str]) -> list[str]:
    """As `strings`, and `true`, `false` and `null` as what they mean."""
    return [_string(cell) if cell[:1] == '"' else _CONSTANTS.get(cell, cell) for cell in cells]


def _string(cell: str) -> str:
    if cell.isprintable() and "\\" not in cell and cell.find('"', 1) == len(cell) - 1 > 0:
        return cell[1:-1] or EMPTY  # the plain case, without the parser
    value = jsontext.decode(cell) if len(cell) > 1 else None
    return (value or EMPTY) if isinstance(value, str) and _is_writable(value) else cell


def _cell(value: object, writable: bool) -> str:
    """A JSON value as a cell."""
    if isinstance(value, str):
        if writable or _is_writable(value):
            return value or EMPTY
        return json.dumps(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    try:
        text = jsontext.encode(value)
    except RecursionError:
        return ""  # nested beyond sense; the whole stands in its own column
    return text if writable or _is_writable(text) else json.dumps(value)


def _kind(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return WHOLE
    return REAL if isinstance(value, float) else TEXT


def _is_writable(text: str) -> bool:
    """Half a surrogate pair is no UTF-8, and a NUL ends the line for most readers of CSV."""
    return _UNWRITABLE.search(text) is None
