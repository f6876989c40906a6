"""Runs of hexadecimal digits, in which hashes and encoded text may be.

Tables are full of numbers with 16 digits. They are set apart without a step of Python for each: where runs are dense,
all of a stretch is decoded at once, with an `f` for each character that is not a digit.
"""

import binascii
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate

from .forms import LEAST_OF_HASH

_DECIMALS = b"0123456789"
_DIGITS = bytes(104 if chr(c) in "0123456789abcdef" else 32 for c in range(256))
_LETTERS = bytes(104 if chr(c) in "abcdef" else 32 for c in range(256))
# Bytes with the digit f are not text.
_OR_F = bytes(c if chr(c) in "0123456789abcdef" else 102 for c in range(256))
_SIGN = b"h" * LEAST_OF_HASH
_STRETCH = 1 << 14
# With more runs in a stretch it is quicker to decode all of it.
_DENSE = 256
# Bytes that are text one after the other in random digits hardly ever.
_TEXT = bytes(120 if 32 <= c < 127 or c in b"\0\t\n\r" else 32 for c in range(256))
_TEXT_SIGN = b"x" * 12


class HexRuns:
    """The runs of 16 digits or more in a lower-case view."""

    def __init__(self, view: bytes):
        self._view = view
        self._digits = view.translate(_DIGITS)
        self._runs: list[tuple[int, int]] = []
        self._dense: list[tuple[int, int]] = []
        place = self._digits.find(_SIGN)
        while place >= 0:
            end = self._end(place + _STRETCH)  # between runs
            if self._digits.count(_SIGN, place, end) > _DENSE:
                self._dense.append((place, end))
            else:
                self._runs += self._runs_in(place, end)
            place = self._digits.find(_SIGN, end)

    def _end(self, start: int) -> int:
        end = self._digits.find(b" ", start)
        return len(self._view) if end < 0 else end

    def _runs_in(self, start: int, stop: int) -> list[tuple[int, int]]:
        digits, runs = self._digits, []
        place = digits.find(_SIGN, start, stop)
        while place >= 0:
            end = digits.find(b" ", place)
            end = len(digits) if end < 0 else end
            runs.append((place, end))
            place = digits.find(_SIGN, end, stop)
        return runs

    def with_letters(self) -> list[tuple[int, int]]:
        """Return [start, end) of the runs, without most that have fewer than two letters."""
        runs, view = self._runs.copy(), self._view
        for start, stop in self._dense:
            if b"hh" in view[start:stop].translate(_LETTERS, _DECIMALS):
                runs += self._runs_in(start, stop)
        return [run for run in runs if not view[run[0] : run[1]].isdigit()]

    def decoded(self, least: int) -> Iterator["HexText"]:
        """Yield what runs of `least` bytes or more decode to, from their first and from their second digit.

        Text that is found only in other forms needs 12 bytes.
        """
        length = 2 * min(least, len(_TEXT_SIGN))
        if self._digits.find(b"h" * length) < 0:
            return
        pieces = sorted(self._dense + [run for run in self._runs if run[1] - run[0] >= length])
        digits = b"f".join([self._view[start:end] for start, end in pieces]).translate(_OR_F)
        for first in range(2):
            yield HexText(digits[first : len(digits) - (len(digits) - first) % 2], first, pieces)

    def is_within_run(self, start: int, end: int) -> bool:
        """Return whether [start, end) is part of a run of 16 digits or more."""
        if b" " in self._digits[start:end]:
            return False
        return self._end(end) - self._digits.rfind(b" ", 0, start) - 1 >= LEAST_OF_HASH


class HexText:
    """The bytes that runs decode to, one after the other."""

    def __init__(self, digits: bytes, first: int, pieces: list[tuple[int, int]]):
        self.data = binascii.unhexlify(digits)
        self._first, self._pieces = first, pieces

    @cached_property
    def _places(self) -> list[int]:
        """Where each piece begins among the digits."""
        return list(accumulate((end - start + 1 for start, end in self._pieces), initial=0))

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the position of the digits of the bytes [start, end) in the view."""
        start, end = self._first + 2 * start, self._first + 2 * end
        at = bisect_right(self._places, start) - 1
        shift = self._pieces[at][0] - self._places[at]
        return start + shift, end + shift

    def texts(self) -> tuple[bytes, list[tuple[int, int]]]:
        """Return the longer parts that are text, joined, and for each (its position there, its position in `data`)."""
        marked = self.data.translate(_TEXT)
        joined, places = bytearray(), []
        place = marked.find(_TEXT_SIGN)
        while place >= 0:
            end = marked.find(b" ", place)
            end = len(marked) if end < 0 else end
            places.append((len(joined), place))
            joined += self.data[place:end] + b"\n"
            place = marked.find(_TEXT_SIGN, end)
        return bytes(joined), places
