"""How a form of an identifier looks in a stored row, where only quotes and line ends are written differently, and in
base64."""

import base64
import re
from functools import cache
from itertools import chain, product

from .strength import fold

# Characters that CSV and JSON write differently without encoding the characters around them.
_SPECIAL = re.compile(r'["\\\x00-\x1f]+')
_SHORTEST_PIECE = 3
# A run of base64 is read from its start in groups of four characters; this many groups are looked for.
_GROUPS = 2


class Unscreenable(Exception):
    """Raised for a value that is too short, or too unusual, to be searched for in stored rows."""


def folded(text: str) -> str:
    """Return the text in lower case, with the same length. Greek final sigma counts as sigma: its form depends on what
    follows."""
    low = fold(text)
    return low if low.isascii() else low.replace("ς", "σ")


def plain_piece(form: str) -> str:
    """Return the form, or its longest piece that can be written in one way only. Raises Unscreenable."""
    form = folded(form)
    if not _SPECIAL.search(form):
        return form
    longest = max(_SPECIAL.split(form), key=len)
    if len(longest) < _SHORTEST_PIECE:
        raise Unscreenable
    return longest


def in_base64(form: str) -> set[str]:
    """Return texts such that every base64 run that contains the form (decoded as Latin-1, folded) contains one of them.

    Raises Unscreenable if the form is too short.
    """
    known = _bytes_of()
    if not known.keys() >= set(form):
        return set()  # a character that Latin-1 does not have
    letters = [known[character] for character in form]
    return {text for first in range(3) for text in _aligned(letters, first)}


def _aligned(letters: list[tuple[int, ...]], first: int) -> set[str]:
    """Return these texts for a form whose first whole group of three bytes starts at `first`."""
    groups = [letters[at : at + 3] for at in range(first, len(letters) - 2, 3)]
    if not groups:
        raise Unscreenable
    runs = [list(chain.from_iterable(groups[at : at + _GROUPS])) for at in range(max(1, len(groups) - _GROUPS + 1))]
    least = min(runs, key=_spellings)
    found = set()
    for each in product(*least):
        plain = base64.b64encode(bytes(each)).decode("ascii")
        alphabets = [{"+": "+-", "/": "/_"}.get(character, character) for character in plain]
        found |= {"".join(spelling) for spelling in product(*alphabets)}
    return found


def _spellings(letters: list[tuple[int, ...]]) -> int:
    ways = 1
    for each in letters:
        ways *= len(each)
    return ways


@cache
def _bytes_of() -> dict[str, tuple[int, ...]]:
    """{folded character: the bytes that fold to it}."""
    bytes_by_character: dict[str, list[int]] = {}
    for byte in range(256):
        bytes_by_character.setdefault(fold(chr(byte)), []).append(byte)
    return {character: tuple(each) for character, each in bytes_by_character.items()}
