"""The skeleton of a text: what is left if one ignores how its characters are written.

Full-width and other compatibility characters become plain ones (Unicode NFKD), accents, zero-width and other invisible
characters go, all dashes become `-` and all spaces ` `. ASCII is its own skeleton.
"""

import re
import unicodedata
from functools import cache

from .strength import fold

# Hyphens, dashes and the minus sign; single quotation marks; invisible letters that Unicode does not call a format.
_MEANT = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\uff07", "'"),
    **dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc", ""),
    "ς": "σ",
}
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
# Characters beyond these planes are not written in another way.
_BEYOND = 0x20000


def skeleton(text: str) -> str:
    """Return the skeleton in lower case; its length may differ."""
    return text.lower() if text.isascii() else fold(NOT_ASCII.sub(meant, text))


def meant(match: re.Match[str]) -> str:
    """Return the skeleton of the one character that NOT_ASCII matched."""
    return _of_character(match.group())


@cache
def _of_character(character: str) -> str:
    if character in _MEANT:
        return _MEANT[character]
    parts = []
    for part in unicodedata.normalize("NFKD", character):
        kind = unicodedata.category(part)
        if kind not in _INVISIBLE:
            parts.append(" " if kind in ("Zs", "Zl", "Zp") else _MEANT.get(part, part))
    return fold("".join(parts))


@cache
def ambiguous(plain_only: bool) -> re.Pattern[str]:
    """Return a pattern for characters that are more than themselves; with `plain_only`, for those that mean ASCII."""
    found = []
    for number in (*range(0x80, 0xD800), *range(0xE000, _BEYOND), *range(0xE0000, 0xE0200)):
        character = chr(number)
        plain = _of_character(character)
        if plain != fold(character) and (not plain_only or plain == "" or not plain.isalpha() or plain.isascii()):
            found.append(number)
    return re.compile("[" + "".join(_ranges(found)) + "]")


def _ranges(numbers: list[int]) -> list[str]:
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return [f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges]
