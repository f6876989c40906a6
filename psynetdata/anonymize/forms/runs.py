"""Runs of letters without spaces that may be base64 or hexadecimal, and what they hold when decoded.

Most runs are words. Base64 of an identifier has a minimum length and, as base64 of text has many capitals, a minimum
number of capitals; both are computed from the identifiers (`Floor`). What a run holds is checked by its user, once for
each different run.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_LETTERS = "[A-Za-z0-9+/_-]"
_NO_CAPITALS = dict.fromkeys(map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
# Sixteen hexadecimal digits are eight bytes.
HEX_LENGTH = 16
HEX = re.compile(rf"[0-9A-Fa-f]{{{HEX_LENGTH},}}")
# A date or a time: base64 without other letters decodes to no text.
_TIME = re.compile(r"[0-9T:Z-]*")
_PRINTABLE = bytes(c for c in range(127) if c in b"\0\t\n\r" or c >= 32)
_MOST_KNOWN, _LONGEST_KNOWN = 200_000, 400
_MOST_CAPITALS = 3
# Compressed data is read in pieces that overlap, up to a limit; what is larger counts as holding something.
_PIECE, _OVERLAP, _LARGEST = 1 << 20, 1 << 14, 1 << 26

RunSpans = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """The minimum length of a run of base64 that holds one of the identifiers, and the minimum number of capitals."""

    length: int
    capitals: int


def floor(forms: Iterable[str]) -> Floor:
    """Return the minimum for base64 of any of the forms (folded), wherever it is in a longer text."""
    length, capitals = HEX_LENGTH, _MOST_CAPITALS
    for form in forms:
        data = form.encode("utf-8", "surrogatepass")
        length = min(length, (len(data) * 8 - 6) // 6)
        if capitals:
            capitals = min(capitals, *(_capitals(data, shift) for shift in range(3)))
    return Floor(length, capitals)


def _capitals(data: bytes, shift: int) -> int:
    """Count capitals among the characters that depend on `data` only; `shift` bytes of its first group precede it."""
    encoded = base64.b64encode(b"\0" * shift + data).decode("ascii")
    inner = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
    return len(inner) - len(inner.translate(_NO_CAPITALS))


class Runs:
    """Finds the runs of a text in which `spans_in(run, rich)` finds something; `rich`: the run may be base64."""

    def __init__(self, least: Floor, spans_in: Callable[[str, bool], RunSpans]):
        self._least, self._spans_in = least, spans_in
        # Lines of wrapped base64 (MIME, PEM) are one run.
        self.pattern = re.compile(rf"{_LETTERS}{{{least.length},}}(?:(?<={_LETTERS}{{60}})\r?\n{_LETTERS}+)*={{0,2}}")
        self._innocent: set[str] = set()
        self._spans: dict[str, RunSpans] = {}

    def hits(self, text: str) -> bool:
        """Return whether anything is in one of the text's runs."""
        return any(self._spans_of(run) for run in self._new(text))

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, replacement) of what is in the text's runs."""
        if not self.hits(text):
            return []
        return [
            (match.start() + start, match.start() + end, new)
            for match in self.pattern.finditer(text)
            for start, end, new in self._spans_of(match.group())
        ]

    def _new(self, text: str) -> set[str]:
        return set(self.pattern.findall(text)).difference(self._innocent)

    def _spans_of(self, run: str) -> RunSpans:
        if run in self._innocent:
            return ()
        known = self._spans.get(run)
        if known is None:
            known = self._look_into(run)
            if len(run) <= _LONGEST_KNOWN:
                if len(self._innocent) + len(self._spans) >= _MOST_KNOWN:
                    self._innocent.clear()
                    self._spans.clear()
                if known:
                    self._spans[run] = known
                else:
                    self._innocent.add(run)
        return known

    def _look_into(self, run: str) -> RunSpans:
        capitals = len(run) - len(run.translate(_NO_CAPITALS))
        rich = capitals >= self._least.capitals and not _TIME.fullmatch(run)
        return self._spans_in(run, rich) if rich or HEX.search(run) else ()


def base64_bytes(run: str) -> Iterator[bytes]:
    """Yield the bytes of a run, if a group of base64 begins at each of its first four characters."""
    plain = run.rstrip("=").replace("\r", "").replace("\n", "").replace("-", "+").replace("_", "/")
    for first in range(4):
        piece = plain[first:]
        if len(piece) % 4 == 1:
            piece = piece[:-1]
        try:
            yield base64.b64decode(piece + "=" * (-len(piece) % 4))
        except binascii.Error:  # pragma: no cover - only letters of base64 get here
            continue


def hex_bytes(digits: str) -> Iterator[bytes]:
    """Yield the bytes of a run of hexadecimal digits, from its first and from its second digit."""
    for first in range(2):
        piece = digits[first:]
        yield bytes.fromhex(piece[: len(piece) // 2 * 2])


def texts_of(data: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the texts that the bytes may be, and whether one is text at all: UTF-8, Latin-1, UTF-16."""
    is_text = len(data.translate(None, _PRINTABLE)) * 4 <= len(data)
    plain = data.decode("utf-8", "replace")
    yield plain, is_text or "\ufffd" not in plain
    if data.isascii() and b"\0" not in data:
        return
    yield data.decode("latin-1"), is_text
    if b"\0" in data:
        yield data.replace(b"\0", b"").decode("utf-8", "replace"), is_text
    if not is_text or b"\0" in data:
        for order in ("utf-16-le", "utf-16-be"):
            for first in range(2):
                yield data[first:].decode(order, "replace"), False


def unpacked(data: bytes) -> Iterator[bytes | None]:
    """Yield what gzip or zlib (RFC 1952, RFC 1950) packed, in overlapping pieces; None if it is too large to read."""
    if not (data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and int.from_bytes(data[:2], "big") % 31 == 0)):
        return
    packed, unpacker, kept, size = data, zlib.decompressobj(wbits=47), b"", 0
    try:
        while packed and not unpacker.eof:
            piece = unpacker.decompress(packed, _PIECE)
            packed, size = unpacker.unconsumed_tail, size + len(piece)
            yield kept + piece
            kept = piece[-_OVERLAP:]
            if size > _LARGEST:
                yield None
                return
    except zlib.error:
        return
