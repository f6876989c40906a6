"""Find stretches of a buffer that may hold one of the needles as UTF-16 or UTF-32: letters, each with zero bytes.

Sound and pictures are full of zero bytes without meaning; searching all of them a second time would double the cost.
"""

import re
from collections.abc import Iterable, Iterator

_KINDS = bytes(48 if c == 0 else 120 if 32 <= c < 127 else 32 for c in range(256))
_LETTERS = re.compile("[ -~]+")
_LONGEST_SIGN = 4


class Utf16Finder:
    """`reach`: how far from a sign a value may be."""

    def __init__(self, values: Iterable[str], reach: int):
        letters = min((max(map(len, _LETTERS.findall(value)), default=0) for value in values), default=0)
        # In either byte order, n letters contain n - 1 times a letter followed by a zero, or by three.
        times = min(letters, _LONGEST_SIGN) - 1
        self._signs = (b"x0" * times, b"x000" * times) if times > 0 else ()
        self._reach = reach

    def find(self, buffer: bytes) -> list[tuple[int, int]]:
        """Return [start, end) of each stretch, in order and without overlap."""
        if b"\0" not in buffer:
            return []
        if not self._signs:
            return [(0, len(buffer))]
        kinds, reach = buffer.translate(_KINDS), self._reach
        stretches: list[tuple[int, int]] = []
        for start, end in sorted(each for sign in self._signs for each in _around(kinds, sign, reach)):
            if stretches and start <= stretches[-1][1]:
                before, last = stretches.pop()
                start, end = before, max(last, end)
            stretches.append((start, end))
        return stretches


def _around(kinds: bytes, sign: bytes, reach: int) -> Iterator[tuple[int, int]]:
    place = kinds.find(sign)
    while place >= 0:
        end = min(len(kinds), place + reach)
        yield max(0, place - reach), end
        place = kinds.find(sign, max(place + 1, end - reach))
