"""Find stretches of base64 in a buffer that are long and mixed enough to hold one of the needles.

Decoding every word of a text would cost more than all other searches. Base64 of an identifier has a minimum length and,
since base64 of text has many capitals, a minimum number of capitals. Both are computed from the needles (`floor`), so
that nothing is skipped that could hold one.
"""

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .decoding import Decoded, Step, view_after

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_NOT_CAPITAL = bytes(c for c in range(256) if c not in CAPITALS)
_ANY = bytes(85 if c in ALPHABET else 32 for c in range(256))
_CAPITALS_ONLY = bytes(85 if c in CAPITALS else 32 for c in range(256))
_OTHER_LETTERS = bytes(c for c in ALPHABET if c not in CAPITALS)
# One alphabet for both kinds; a byte that belongs to neither keeps its position as an A.
_TO_STANDARD = bytes(43 if c == 45 else 47 if c == 95 else c if c in ALPHABET else 65 for c in range(256))
_WRAPPED = re.compile(rb"(?:\r?\n|(?:\\{1,16}r)?\\{1,16}n)(?=[A-Za-z0-9+/_-])")
_MIME_LINE = 60
_LINE = b"U" * _MIME_LINE
_STRETCH = 1 << 14
_MOST_POOR = 20_000


@dataclass(frozen=True, slots=True)
class Floor:
    """The minimum length of a run, and the minimum number of capitals in it."""

    length: int
    capitals: int


_SIGNS = {b"2b": b"+", b"43": b"+", b"2f": b"/", b"47": b"/", b"3d": b"=", b"61": b"="}


def _sign(match: re.Match[bytes]) -> bytes:
    return _SIGNS[match[1].lower()] if match[1] else b"/"


_WRITTEN_SIGNS = (
    Step(b"%", rb"%(?:25)*(2[bBfF]|3[dD])", _sign),
    Step(b"&", rb"&#(?=[xX]2[bBfF];|[xX]3[dD];|43;|47;|61;)[xX]?(..);", _sign),
    Step(b"\\", rb"\\(?:u00(2[bBfF]|3[dD])|/)", _sign),
)


def with_plain_signs(buffer: bytes) -> Decoded | None:
    """Return a view in which the three signs of base64 are not encoded; None if there are none that are."""
    view = None
    for step in _WRITTEN_SIGNS:
        view = view_after(view or Decoded(buffer), step, lower=False) or view
    return view


def floor(values: Iterable[bytes]) -> Floor | None:
    """Return the minimum for base64 of any of the values, wherever it is in a longer text; None without values."""
    length, capitals = 1 << 30, 1 << 30
    for value in values:
        length = min(length, (len(value) * 8 - 6) // 6)
        # Values of equal bytes differ only in case.
        for spelling in {value, value.lower(), value.upper()} if capitals else ():
            for shift in range(3):
                capitals = min(capitals, _capitals(spelling, shift))
    return Floor(length, capitals) if length < 1 << 30 else None


def _capitals(value: bytes, shift: int) -> int:
    """Count capitals among the characters that depend only on `value`, when `shift` bytes of its group precede it."""
    encoded = binascii.b2a_base64(b"\0" * shift + value, newline=False)
    inner = encoded[-(-shift * 8 // 6) : (shift + len(value)) * 8 // 6]
    return len(inner.translate(None, _NOT_CAPITAL))


class Base64Finder:
    """Finds runs that reach a floor. Runs with too few capitals, which a table's rows repeat, are remembered."""

    def __init__(self, least: Floor):
        self._least = least
        self._sign = b"U" * least.length
        self._rich = b"U" * least.capitals
        self._poor: set[bytes] = set()

    def find(self, buffer: bytes) -> list[tuple[int, bytes]]:
        """Return (position, run) of each stretch of base64 letters; lines of a wrapped one are joined."""
        runs: list[tuple[int, bytes]] = []
        letters = buffer.translate(_ANY)
        start = 0
        while start < len(letters):
            end = _end(letters, start + _STRETCH)  # between runs
            if self._is_rich(buffer[start:end]) or letters.find(_LINE, start, end) >= 0:
                end = max(end, self._runs(buffer, letters, start, end, runs))
            start = end
        return runs

    def _is_rich(self, stretch: bytes) -> bool:
        """Return whether any run in it has enough capitals.

        Other letters are removed, so capitals are adjacent.
        """
        return self._rich in stretch.translate(_CAPITALS_ONLY, _OTHER_LETTERS)

    def _runs(self, buffer: bytes, letters: bytes, start: int, stop: int, runs: list[tuple[int, bytes]]) -> int:
        """Take the runs that begin in [start, stop); return where the last one ends."""
        sign, poor, capitals, end = self._sign, self._poor, self._least.capitals, start
        while 0 <= (place := letters.find(sign, end)) < stop:
            end = letters.find(b" ", place)
            end = len(letters) if end < 0 else end
            run = buffer[place:end]
            if run in poor or (capitals and run.isdigit() and end - place < _MIME_LINE):
                continue
            while len(run) >= _MIME_LINE and (line := _WRAPPED.match(buffer, end)):
                following = _end(letters, line.end())
                run += buffer[line.end() : following]
                end = following
            if len(run.translate(None, _NOT_CAPITAL)) >= capitals:
                runs.append((place, run))
            elif len(run) < _MIME_LINE:
                self._remember(run)
        return end

    def _remember(self, run: bytes) -> None:
        if len(self._poor) >= _MOST_POOR:
            self._poor.clear()
        self._poor.add(run)


def _end(letters: bytes, start: int) -> int:
    end = letters.find(b" ", start)
    return len(letters) if end < 0 else end


def standard(run: bytes) -> bytes:
    """Return the run in the standard alphabet; a byte that is not base64 becomes an A and keeps its position."""
    return run.translate(_TO_STANDARD)


def decode(run: bytes) -> bytes:
    """Return the bytes of a run in the standard alphabet; a last group without padding gives the bytes it holds."""
    spare = len(run) % 4
    return binascii.a2b_base64(run + b"A" * (4 - spare) if spare else run)
