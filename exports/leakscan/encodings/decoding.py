"""Decode text that is written inside other text, and keep a way back to its original position.

The steps run in rounds until nothing changes, so JSON inside JSON inside CSV is decoded, and so is double
percent-encoding. After all rounds a view holds *canonical* text; needles are brought to the same form (`canonical`),
so the order of the steps does not matter.
"""

import html
import re
import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

ROUNDS = 6
# In bytes that are not text, escapes occur by chance and never end.
_ROUNDS_IN_BYTES = 2
_MOST_KNOWN = 50_000
_NO_TEXT = bytes(c for c in range(32) if c not in b"\t\n\r")


class Step:
    """One encoding: `marker` must occur, `pattern` finds what `replace` decodes.

    A pattern begins with one character or one set of characters: Python's `re` skips quickly to these only. A text
    repeats few encoded pieces many times: each is decoded once and remembered.
    """

    def __init__(self, marker: bytes, pattern: bytes, replace: Callable[[re.Match[bytes]], bytes]):
        self.marker = marker
        self.pattern = re.compile(pattern, re.DOTALL)
        self._replace = replace
        self._known: dict[bytes, bytes] = {}

    def apply(self, data: bytes) -> bytes:
        return self.pattern.sub(self.replace, data) if self.marker in data else data

    def replace(self, match: re.Match[bytes]) -> bytes:
        written = match[0]
        meant = self._known.get(written)
        if meant is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            meant = self._known[written] = self._replace(match)
        return meant


class _Doubled(Step):
    def apply(self, data: bytes) -> bytes:
        return data.replace(b'""', b'"')


_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _percent(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes((int(match[1], 16),))
    units = bytes.fromhex(match[0].replace(b"%u", b"").decode("ascii"))
    return units.decode("utf-16-be", "replace").encode("utf-8")


def _quoted(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),)) if match[1] else b""


def _entity(match: re.Match[bytes]) -> bytes:
    return html.unescape(match[0].decode("ascii")).encode("utf-8", "replace")


def _backslash(match: re.Match[bytes]) -> bytes:
    if match[1]:
        pair = bytes.fromhex(match[1].decode("ascii") + match[2].decode("ascii"))
        return pair.decode("utf-16-be", "replace").encode("utf-8")
    if match[3]:
        return chr(int(match[3], 16)).encode("utf-8", "replace")
    if match[4]:
        return bytes((int(match[4], 16),))
    if match[5]:
        number = int(match[5], 16)
        return chr(number).encode("utf-8", "replace") if number <= sys.maxunicode else match[0]
    return _CONTROL.get(match[6], match[6])


_DOUBLED = _Doubled(b'""', b'""', lambda match: b'"')
_ESCAPES = (
    Step(b"%", rb"%(?:([0-9a-f]{2})|u[0-9a-f]{4}(?:%u[0-9a-f]{4})*)", _percent),
    Step(b"&", rb"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});?", _entity),
    Step(
        b"\\",
        rb"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|u([0-9a-f]{4})|x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|([^\r\n]))",
        _backslash,
    ),
)
# Not one of the rounds: `=5f` is also a parameter that begins with 5f.
_QUOTED = Step(b"=", rb"=(?:([0-9a-f]{2})|\r?\n)", _quoted)
_QUOTED_LETTER = re.compile(rb"=[c-f][0-9a-f]=[89ab][0-9a-f]")


class _Undone:
    """A step that changed some bytes; the way back is computed only if a hit needs it."""

    def __init__(self, step: Step, data: bytes):
        self._step, self._data = step, data

    @cached_property
    def map(self) -> "_Map":
        return _Map(self._step, self._data)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A view of some bytes after one or more steps; `origin` gives the original positions."""

    data: bytes
    steps: tuple[_Undone, ...] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the position of [start, end) in the bytes before the first step."""
        for undone in reversed(self.steps):
            start, end = undone.map.back(start, after=False), undone.map.back(end, after=True)
        return start, end

    def is_new(self, start: int, end: int) -> bool:
        """Return whether the last step changed any of [start, end): if not, the view before it shows the same."""
        return self.steps[-1].map.touches(start, end)


class _Map:
    """Maps offsets after one step to offsets before it."""

    def __init__(self, step: Step, data: bytes):
        self._source: list[tuple[int, int]] = []
        self._ends: list[int] = []
        self._starts: list[int] = []
        shift = 0
        for match in step.pattern.finditer(data):
            length = len(step.replace(match))
            self._source.append(match.span())
            self._starts.append(match.start() - shift)
            self._ends.append(match.start() - shift + length)
            shift += match.end() - match.start() - length

    def touches(self, start: int, end: int) -> bool:
        index = bisect_right(self._starts, end - 1) - 1
        return index >= 0 and self._ends[index] > start

    def back(self, offset: int, *, after: bool) -> int:
        index = bisect_right(self._starts, offset - 1 if after else offset) - 1
        if index < 0:
            return offset
        start, end = self._source[index]
        if offset >= self._ends[index]:
            return end + offset - self._ends[index]
        return end if after else start


def rounds(data: bytes, *, quotes: bool = False) -> list[Decoded]:
    """Return the views of lower-case `data` after each round that changed it; none if nothing is encoded.

    Doubled quotes alone make a view only if `quotes` is given: patterns know them (`forms.patterns`).
    """
    views: list[Decoded] = []
    steps: list[_Undone] = []
    current, most = data, ROUNDS
    while len(views) < most:
        before, taken = current, len(steps)
        for step in _ESCAPES:
            current = _take(step, current, steps)
        if current == before and not (quotes or views):
            break
        current = _take(_DOUBLED, current, steps)
        if len(steps) == taken:
            break
        if not views and not is_text(data):
            most = _ROUNDS_IN_BYTES
        current = current.lower()
        views.append(Decoded(current, tuple(steps)))
    return views


def _take(step: Step, data: bytes, steps: list[_Undone]) -> bytes:
    decoded = step.apply(data)
    if decoded != data:
        steps.append(_Undone(step, data))
    return decoded


def view_after(seen: Decoded, step: Step, *, lower: bool = True) -> Decoded | None:
    """Return the view after one more step, in lower case; None if the step changes nothing."""
    steps: list[_Undone] = []
    decoded = _take(step, seen.data, steps)
    return Decoded(decoded.lower() if lower else decoded, (*seen.steps, *steps)) if steps else None


def unquoted(seen: Decoded) -> Decoded | None:
    """Return the view without quoted-printable (RFC 2045, section 6.7); None if nothing in it is written so."""
    return view_after(seen, _QUOTED)


def has_quoted_letters(data: bytes) -> bool:
    """Return whether letters that are not ASCII are written in quoted-printable."""
    return b"=" in data and _QUOTED_LETTER.search(data) is not None


def is_text(data: bytes) -> bool:
    """Return whether hardly any byte is one that does not occur in text."""
    return len(data.translate(None, _NO_TEXT)) >= 0.99 * len(data)


def canonical(data: bytes) -> bytes:
    """Return the bytes after all rounds."""
    views = rounds(data, quotes=True)
    return views[-1].data if views else data


def form(source: bytes) -> str:
    """Return the encoding of a piece of undecoded text."""
    if b"%25" in source:
        return "double_percent"
    if b"%" in source:
        return "percent"
    if b"&" in source:
        return "html"
    if b"\\" in source:
        return "json"
    return "csv" if b'""' in source else "plain"
