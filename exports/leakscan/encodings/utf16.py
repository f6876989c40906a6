"""Find stretches of a buffer that may hold one of the needles as UTF-16: letters and zero bytes in turn.

Sound and pictures are full of zero bytes without meaning; searching all of them a second time would double the cost.
"""

import re
from collections.abc import Iterable

_KINDS = bytes(48 if c == 0 else 120 if 32 <= c < 127 else 32 for c in range(256))
_LETTERS = re.compile("[ -~]+")
_LONGEST_SIGN = 4


class Utf16Finder:
    """`reach`: how far from a sign a value may be."""

    def __init__(self, values: Iterable[str], reach: int):
        letters = min((max(map(len, _LETTERS.findall(value)), default=0) for value in values), default=0)
        # In either byte order, n letters contain n - 1 times a letter followed by a zero.
        self._sign = b"x0" * (min(letters, _LONGEST_SIGN) - 1)
        self._reach = reach

    def find(self, buffer: bytes) -> list[tuple[int, int]]:
        """Return [start, end) of each stretch, in order and without overlap."""
        if b"\0" not in buffer:
            return []
        if not self._sign:
            return [(0, len(buffer))]
        kinds, reach = buffer.translate(_KINDS), self._reach
        stretches: list[tuple[int, int]] = []
        place = kinds.find(self._sign)
        while place >= 0:
            start, end = max(0, place - reach), min(len(buffer), place + reach)
            if stretches and start <= stretches[-1][1]:
                start = stretches.pop()[0]
            stretches.append((start, end))
            place = kinds.find(self._sign, max(place + 1, end - reach))
        return stretches
