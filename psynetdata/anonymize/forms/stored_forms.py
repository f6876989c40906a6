"""How a form of an identifier reads in a row as it is stored, where nothing but quotes and line ends is written
otherwise than it is; and in base64."""

import base64
import re
from functools import cache
from itertools import chain, product

from .strength import fold

# What CSV and JSON write in another way without encoding the characters around it.
_SPECIAL = re.compile(r'["\\\x00-\x1f]+')
_SHORTEST_PIECE = 3
# A run of base64 is read from its start in groups of four characters; this many groups are looked for.
_GROUPS = 2


class Unscreenable(Exception):
    """A value that is too short, or too strange, to be looked for in rows as they are stored."""


def folded(text: str) -> str:
    """Lower case of the same length. A sigma's form at the end of a word depends on what follows."""
    low = fold(text)
    return low if low.isascii() else low.replace("ς", "σ")


def pieces(form: str) -> str:
    """The form, or the longest piece of it that is written in one way only."""
    form = folded(form)
    if not _SPECIAL.search(form):
        return form
    longest = max(_SPECIAL.split(form), key=len)
    if len(longest) < _SHORTEST_PIECE:
        raise Unscreenable
    return longest


def in_base64(form: str) -> set[str]:
    """Texts of which one stands in each base64 run that, decoded as Latin-1 and folded, holds the form."""
    letters = [_bytes_of().get(character) for character in form]
    if None in letters:
        return set()  # a character that Latin-1 does not have
    return {text for first in range(3) for text in _aligned(letters, first)}


def _aligned(letters: list[tuple[int, ...]], first: int) -> set[str]:
    """For a form whose first whole group of three bytes starts at `first`."""
    groups = [letters[at : at + 3] for at in range(first, len(letters) - 2, 3)]
    if not groups:
        raise Unscreenable
    runs = [list(chain.from_iterable(groups[at : at + _GROUPS])) for at in range(max(1, len(groups) - _GROUPS + 1))]
    least = min(runs, key=_ways)
    found = set()
    for each in product(*least):
        plain = base64.b64encode(bytes(each)).decode("ascii")
        alphabets = [{"+": "+-", "/": "/_"}.get(character, character) for character in plain]
        found |= {"".join(spelling) for spelling in product(*alphabets)}
    return found


def _ways(letters: list[tuple[int, ...]]) -> int:
    ways = 1
    for each in letters:
        ways *= len(each)
    return ways


@cache
def _bytes_of() -> dict[str, tuple[int, ...]]:
    """{folded character: the bytes that fold to it}."""
    found: dict[str, list[int]] = {}
    for byte in range(256):
        found.setdefault(fold(chr(byte)), []).append(byte)
    return {character: tuple(each) for character, each in found.items()}
