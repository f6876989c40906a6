"""Find and unpack what is packed or encoded somewhere inside a member, while its bytes are read."""

import io
from collections.abc import Callable
from functools import cache
from typing import IO, Protocol

from exports.leakscan.encodings import packed, text_parts
from exports.leakscan.search import engine

from . import kinds
from .formats import Unreadable

# Bytes that must follow a sign to decide what begins there: a header, or the first line of uuencode.
_AHEAD = 256
_MOST_OPEN = 64
_MOST_LEFTOVERS = 1 << 16
# Shorter pieces of a damaged stream hold nothing that is looked for.
_LEAST = 6
# Bytes before a sign that are needed to know that it is in the pixels of a PNG.
_BEFORE = 8


class Part(Protocol):
    """Something that begins in the bytes and is decoded as they come."""

    is_over: bool
    packed_size: int

    @property
    def is_whole(self) -> bool: ...

    @property
    def size(self) -> int: ...

    def feed(self, data: bytes | memoryview) -> None: ...

    def content(self) -> IO[bytes]: ...


class Parts:
    """Feed blocks, then close. `take(content, place)` is called for each part, when it is whole.

    What a damaged stream gives, or bytes that only look like one, is collected and taken together, with place "".
    `spend` is called with numbers of decoded bytes. `limit`: parts begin before this offset. `kind` is the kind of the
    file: the pixels of a PNG are skipped, which are packed too. Raises Unreadable for a part in a format that cannot be
    unpacked, unless the kind is one that is not seen whole anyway: in its bytes signs occur by chance.
    """

    def __init__(
        self,
        take: Callable[[IO[bytes], str], None],
        spend: Callable[[int], None],
        kind: str = kinds.TEXT,
        limit: int | None = None,
    ):
        self._take = take
        self._spend = spend
        self._is_png = kind == "png"
        self._lenient = kinds.is_seen_in_part(kind) and kind != kinds.UNKNOWN
        self._limit = limit
        self._kept = b""
        self._fed = 0
        self._settled = 0  # before this offset signs were looked for
        self._open: list[tuple[Part, int, str]] = []
        self._leftovers = bytearray()
        self.covered: list[tuple[int, int]] = []  # [start, end) of streams that were unpacked to their end

    @property
    def is_open(self) -> bool:
        """Whether a part goes on."""
        return bool(self._open)

    def feed(self, block: bytes, describe: Callable[[int], str]) -> None:
        """Take a block. `describe` names the place of an offset in it, which may be negative."""
        self.feed_in(self._kept + block, len(self._kept), describe)

    def feed_in(self, buffer: bytes, shift: int, describe: Callable[[int], str]) -> None:
        """Take the block that begins at `shift` of a buffer; before it are the last bytes that were fed."""
        block = memoryview(buffer)[shift:]
        for part, _, _ in self._open:
            self._feed(part, block)
        self._begin(buffer, self._fed - shift, len(buffer) - _AHEAD, lambda place: describe(place - shift))
        self._kept = buffer[max(0, len(buffer) - _AHEAD - _BEFORE) :]
        self._fed += len(block)
        self._finish()

    def close(self) -> None:
        """End."""
        self._begin(self._kept, self._fed - len(self._kept), len(self._kept), lambda place: "content")
        for part, start, place in self._open:
            self._end(part, start, place)
        self._open.clear()
        self._take_leftovers()

    def _begin(self, buffer: bytes, at: int, end: int, describe: Callable[[int], str]) -> None:
        """Begin parts before `end` of a buffer, which is at offset `at`."""
        if self._limit is not None:
            end = min(end, self._limit - at)
        if end <= self._settled - at:
            return
        for place in _starts(buffer, self._settled - at, end):
            if self._is_png and _is_pixels(buffer, place):
                continue
            found = _part_at(buffer, place, self._spend)
            if found is None:
                continue
            part, begin = found
            self._feed(part, memoryview(buffer)[begin:])
            if part.is_over:
                self._end(part, at + place, describe(place) if part.is_whole else "")
            elif len(self._open) < _MOST_OPEN:
                self._open.append((part, at + place, describe(place)))
            else:
                raise Unreadable("holds too many packed parts inside each other")
        self._settled = at + end

    def _feed(self, part: Part, data: bytes | memoryview) -> None:
        try:
            part.feed(data)
        except packed.Closed as reason:
            part.is_over = True
            if not self._lenient:
                raise Unreadable(f"holds a part in a format that cannot be searched ({reason})") from None

    def _finish(self) -> None:
        if any(part.is_over for part, _, _ in self._open):
            ended = [each for each in self._open if each[0].is_over]
            self._open = [each for each in self._open if not each[0].is_over]
            for part, start, place in ended:
                self._end(part, start, place)

    def _end(self, part: Part, start: int, place: str) -> None:
        if isinstance(part, text_parts.Base64Part) and not part.is_whole:
            part.content().close()
        elif part.is_whole or part.size > _MOST_LEFTOVERS:
            self.covered.append((start, start + part.packed_size))
            with part.content() as content:
                self._take(content, place)
        elif part.size >= _LEAST:
            self._leftovers += part.content().read() + b"\n"
            if len(self._leftovers) > _MOST_LEFTOVERS:
                self._take_leftovers()

    def _take_leftovers(self) -> None:
        if self._leftovers:
            self._take(io.BytesIO(bytes(self._leftovers)), "")
            self._leftovers.clear()


def _part_at(buffer: bytes, place: int, spend: Callable[[int], None]) -> tuple[Part, int] | None:
    if buffer.startswith(text_parts.SIGNS, place):
        return text_parts.part_at(buffer, place, spend)
    stream = packed.stream_at(buffer, place, spend)
    return (stream, place) if stream else None


def _starts(buffer: bytes, start: int, end: int) -> list[int]:
    """Return the positions in [start, end) of signs. In text nothing begins that is not text."""
    signs = text_parts.SIGNS if _is_utf8(buffer) else (*text_parts.SIGNS, *packed.SIGNS)
    places = (found - len(signs[index]) for found, index in _engine(signs).ends(buffer))
    return sorted({place for place in places if start <= place < end})


@cache
def _engine(signs: tuple[bytes, ...]) -> engine.Engine:
    return engine.build(list(signs), engine.choose())


def _is_utf8(buffer: bytes) -> bool:
    """Return whether it is UTF-8, except that characters may be cut at both ends."""
    begun = next((at for at in range(min(4, len(buffer))) if buffer[at] & 0xC0 != 0x80), 0)
    try:
        str(memoryview(buffer)[begun:], "utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _is_pixels(buffer: bytes, place: int) -> bool:
    """Return whether the data of a chunk of pixels begins here (PNG, sections 11.2.3 and 11.3.6)."""
    before = buffer[max(0, place - _BEFORE) : place]
    return before.endswith(b"IDAT") or before.startswith(b"fdAT")
