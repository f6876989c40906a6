"""When an id that consists of digits is meant: as a number in JSON, as a decimal, with thousands separators.

A number that is equal by value is the id, from six digits on. Shorter ones are looked for under names of identity only.
"""

import re
from collections.abc import Iterator

from psynetdata.psynet.classfile.computed_columns import NAMES
from psynetdata.psynet.tables import known_tables

SHORTEST = 6
_NEAR = 40
_OF_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})
# PsyNet's own columns of numbers: the number of a row, a score. Nobody's id gets in there.
OWN_COLUMNS = frozenset(
    {name for columns in known_tables().values() for name, column in columns.items() if column.type in _OF_NUMBERS}
    | set(NAMES)
)
_OWN_KEYS = frozenset(name.encode() for name in OWN_COLUMNS)
_FRACTION = re.compile(rb"[.,](?!0+(?![0-9]))[0-9]")
_ZEROS = re.compile(rb"(?:\.0*)?")
_IN_SENTENCE = re.compile(rb"[a-z\x80-\xff][ =:#]{1,3}$")
_KEY = re.compile(rb"([a-z_0-9]*)[\\\"]{1,8}\s*:\s*-?$")
_OPENS = re.compile(rb"\[\s*-?$|[,\[]\s+-?$")
_CLOSES = re.compile(rb"\s*[\]}]")
# A number with thousands separators, after what is before it if it is spoken of.
_GROUPED = re.compile(
    rb"[ =:#\"]([0-9]{1,3}([.,' _]|\xc2\xa0|\xe2\x80[\x89\xaf\x99])[0-9]{3}(?:\2[0-9]{3})*)(?:[.,]0+)?(?![0-9])"
)
_CELL = re.compile(r"\s*[+-]?0*(\d{6,})(?:\.0*)?\s*")
_IN_JSON = re.compile(r"(?<=[\[,:\s])-?(\d{6,})(?:\.0*)?(?=[\],}\s])")


def has_fraction(view: bytes, end: int) -> bool:
    """Return whether digits that end here go on after a point; `.0` is not a fraction."""
    return _FRACTION.match(view, end) is not None


def is_spoken_of(view: bytes, start: int, end: int) -> bool:
    """Six to nine digits count after a word (`id: 123456`) or alone in quotes, but not among other numbers."""
    if has_fraction(view, end):
        return False
    zeros = _ZEROS.match(view, end)
    end = zeros.end() if zeros else end
    if view[start - 1 : start] == b'"' and view[end : end + 1] == b'"':
        return not view[end + 1 : end + 3].lstrip().startswith(b":")
    return bool(_IN_SENTENCE.search(view[max(0, start - 4) : start]))


def is_json_number(view: bytes, start: int, end: int) -> bool:
    """Return whether the digits are a number in JSON, not under one of PsyNet's own keys for numbers."""
    before = view[max(0, start - 80) : start]
    if key := _KEY.search(before):
        return key[1] not in _OWN_KEYS and not has_fraction(view, end)
    zeros = _ZEROS.match(view, end)
    after = zeros.end() if zeros else end
    return not has_fraction(view, end) and bool(_OPENS.search(before[-8:]) or _CLOSES.match(view, after))


def is_between_numbers(view: bytes, start: int, end: int) -> bool:
    """Return whether the digits are a number between commas or brackets, as in the lists of a JSON file."""
    before = view[max(0, start - _NEAR) : start].rstrip(b"-").rstrip()
    zeros = _ZEROS.match(view, end)
    after = zeros.end() if zeros else end
    return before[-1:] in (b"[", b",") and view[after : after + _NEAR].lstrip()[:1] in (b"]", b",")


def grouped(view: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, digits) of numbers with thousands separators, after a word or alone in quotes.

    Elsewhere `482,913` is two numbers: in a list, in the row of a table.
    """
    for match in _GROUPED.finditer(view):
        start, end = match.start(1), match.end()
        if is_spoken_of(view, start, end):
            yield start, end, match[1].translate(None, match[2]).decode("ascii").lstrip("0")


def in_cell(cell: str) -> str | None:
    """Return the digits of a cell that is one whole number."""
    match = _CELL.fullmatch(cell)
    return match[1] if match else None


def in_list(cell: str) -> list[str]:
    """Return the digits of whole numbers in a cell that is a JSON list or object."""
    return _IN_JSON.findall(cell) if cell[:1] in ("[", "{") else []
