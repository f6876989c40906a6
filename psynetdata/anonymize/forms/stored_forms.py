"""How a form of an identifier looks in a stored row, where only quotes and line ends are written differently."""

import re

from .strength import fold

# Characters that CSV and JSON write differently without encoding the characters around them.
_SPECIAL = re.compile(r'["\\\x00-\x1f]+')
_SHORTEST_PIECE = 3


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
