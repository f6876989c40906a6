"""Ids that consist of digits, written as numbers: `482913.0`, `4.82913e5`, `482,913`.

From SHORTEST digits on, a number that is equal to an id by value is the id; its sign does not count.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

SHORTEST = 6
# `1e5` has six digits.
_SHORTEST_TEXT, _LONGEST = 3, 40
_WHOLE = re.compile(r"[+-]?0*([0-9]+)(?:\.0*)?")
_EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]*[eE][+-]?[0-9]{1,2}")
_IN_TEXT = re.compile(r"[0-9][eE][+]?[0-9]")
# Groups of three digits with the same character between all of them, also one of the spaces that typesetters use.
GROUPED = re.compile(
    r"(?<![0-9])(?<![0-9][.,' _\u00a0\u2009\u202f\u2019])"
    r"([0-9]{1,3}([.,' _\u00a0\u2009\u202f\u2019])[0-9]{3}(?:\2[0-9]{3})*)(?:[.,]0+)?(?![0-9])"
)


def whole(text: str) -> str | None:
    """Return the digits of a whole number, without zeros in front; None for any other text and for shorter numbers."""
    if not _SHORTEST_TEXT <= len(text) <= _LONGEST:
        return None
    match = _WHOLE.fullmatch(text)
    digits = match[1] if match else _expanded(text) if _EXPONENT.fullmatch(text) else ""
    return digits if len(digits) >= SHORTEST else None


def grouped(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, digits) of each number with thousands separators."""
    for match in GROUPED.finditer(text):
        digits = match[1].replace(match[2], "").lstrip("0")
        if len(digits) >= SHORTEST:
            yield match.start(), match.end(), digits


def may_hold(text: str) -> bool:
    """Return whether the text may contain a number that is not written as plain digits."""
    return GROUPED.search(text) is not None or _IN_TEXT.search(text) is not None


def _expanded(text: str) -> str:
    try:
        number = abs(Decimal(text))
        return str(int(number)) if number == int(number) and number else ""
    except (InvalidOperation, OverflowError):
        return ""
