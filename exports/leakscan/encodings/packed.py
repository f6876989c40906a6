"""Packed data inside other bytes: recognized by its first bytes, unpacked piece by piece.

gzip (RFC 1952), zlib (RFC 1950), a member of a zip (PKWARE APPNOTE 4.3.7), bzip2 and xz. A stream may begin anywhere:
in a PDF, in a chunk of a PNG, in the middle of a file that nobody knows.
"""

import bz2
import io
import lzma
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

# How many bytes from its beginning are needed to recognize a stream.
HEADER = 30
# More than xz uses at its highest level.
XZ_MEMORY = 256 << 20
_FIRST_PIECE = 64
_PIECE = 1 << 13
_UNPACKED = 1 << 16
_IN_MEMORY = 8 << 20
# Pieces overlap by more than the longest pattern.
_OVERLAP = 1 << 14
# Packed data that grows beyond this is not text that someone stored in a cell.
_LARGEST = 1 << 26

# First byte: deflate, and the size of the window. Second byte: a level; both are a multiple of 31.
_ZLIB = tuple(
    bytes((first, second))
    for first in range(0x08, 0x80, 0x10)
    for level in range(4)
    for second in range(level << 6, (level << 6) + 32)
    if (first * 256 + second) % 31 == 0
)
_GZIP, _ZIP, _BZIP2, _XZ = b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0"
# Formats that this program cannot unpack.
_CLOSED = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x04\x22\x4d\x18": "lz4",
}
# What a stream can begin with. `_XZ` without its last byte: Hyperscan's Python binding cuts literals at a zero byte.
SIGNS = (_GZIP, _ZIP, _BZIP2, _XZ[:-1], *_CLOSED, *_ZLIB)
_SIGN = re.compile(b"|".join(map(re.escape, SIGNS)))
_FIRST = {sign[:1] for sign in SIGNS}
_WITH_PARTS = (_ZIP, b"%PDF-", b"\x89PNG\r\n\x1a\n")

_READS: dict[int, Callable[[], Any]] = {8: lambda: zlib.decompressobj(wbits=-15), 12: bz2.BZ2Decompressor}
_STORED = 0


class Closed(Exception):
    """A packed part that cannot be unpacked; the reason names a format."""


class PackedStream:
    """A packed stream that is being read. `spend` is called with the number of unpacked bytes, and may raise.

    `decoder` is the reason why there is none, for a part that cannot be unpacked: then `feed` raises Closed.
    """

    def __init__(self, decoder: Any, skip: int = 0, spend: Callable[[int], None] | None = None):
        self._decoder = decoder
        self.packed_size = skip  # bytes from its beginning that belong to it, so far
        self._skip = skip
        self._spend = spend
        self._small = bytearray()
        self._large: IO[bytes] | None = None
        self.is_whole = False
        self.is_over = False
        self.size = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take more packed bytes; those after the end of the stream are ignored."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        start, size = skipped, _FIRST_PIECE if not self.size else _PIECE
        while start < len(data) and not self.is_over:  # most attempts in other data end within the first bytes
            self._unpack(bytes(data[start : start + size]))
            start, size = start + size, _PIECE

    def content(self) -> IO[bytes]:
        """Return what was unpacked."""
        if self._large is None:
            return io.BytesIO(self._small)
        self._large.seek(0)
        return self._large

    def _unpack(self, data: bytes) -> None:
        decoder = self._decoder
        if isinstance(decoder, str):
            raise Closed(decoder)
        self.packed_size += len(data)
        while not self.is_over:
            try:
                unpacked = decoder.decompress(data, _UNPACKED)
            except (zlib.error, lzma.LZMAError, OSError, ValueError):
                self.is_over = True
                return
            self._keep(unpacked)
            self.is_whole = self.is_over = decoder.eof
            self.packed_size -= len(decoder.unused_data)
            data = getattr(decoder, "unconsumed_tail", b"")
            if not data and (len(unpacked) < _UNPACKED or getattr(decoder, "needs_input", False)):
                return

    def _keep(self, unpacked: bytes) -> None:
        self.size += len(unpacked)
        if self._spend:
            self._spend(len(unpacked))
        if self._large is None and len(self._small) + len(unpacked) > _IN_MEMORY:
            self._large = tempfile.TemporaryFile()  # noqa: SIM115 - the reader closes it
            self._large.write(self._small)
            self._small.clear()
        if self._large is None:
            self._small += unpacked
        else:
            self._large.write(unpacked)


def stream_at(buffer: bytes, place: int, spend: Callable[[int], None] | None = None) -> PackedStream | None:
    """Return the stream that begins here, not yet fed; None if there is none."""
    head = buffer[place : place + HEADER]
    if head.startswith(_ZIP):
        return _zip_member(head, spend)
    for sign, name in _CLOSED.items():
        if head.startswith(sign):
            return PackedStream(name) if _could_be(name, head) else None
    if head.startswith(_GZIP):
        return PackedStream(zlib.decompressobj(wbits=31), spend=spend)
    if head.startswith(_BZIP2):
        return PackedStream(bz2.BZ2Decompressor(), spend=spend) if head[4:10] == b"1AY&SY" else None
    if head.startswith(_XZ):
        return PackedStream(lzma.LZMADecompressor(memlimit=XZ_MEMORY), spend=spend)
    known = head[0] & 15 == 8 and (head[0] * 256 + head[1]) % 31 == 0 if len(head) > 1 else False
    return PackedStream(zlib.decompressobj(), spend=spend) if known and _could_be_deflate(head[2:]) else None


def contents(data: bytes) -> Iterator[bytes]:
    """Yield what the data packs, in pieces that overlap; nothing if it is not packed. Damaged data ends early.

    In a zip, a PDF and a PNG each packed part is unpacked; other data is packed if it begins so.
    """
    left, view = _LARGEST, memoryview(data)
    for place in [found.start() for found in _SIGN.finditer(data)] if data.startswith(_WITH_PARTS) else (0,):
        stream = stream_at(data, place) if data[place : place + 1] in _FIRST else None
        at = place
        while stream and not stream.is_over and at < len(data) and stream.size < left:
            try:
                stream.feed(view[at : at + _PIECE])
            except Closed:
                break
            at += _PIECE
        if stream and stream.size:
            left -= stream.size
            yield from _overlapping(stream.content())


def _overlapping(file: IO[bytes]) -> Iterator[bytes]:
    before = b""
    while piece := file.read(1 << 20):
        yield before + piece
        before = piece[-_OVERLAP:]


def _zip_member(head: bytes, spend: Callable[[int], None] | None) -> PackedStream | None:
    if len(head) < HEADER or head[4] > 100:
        return None
    flags, method = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if method == _STORED and not flags & 1:
        return None  # its bytes are searched as they are
    skip = HEADER + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    if flags & 1:
        return PackedStream("encrypted zip", skip)
    return PackedStream(_READS[method]() if method in _READS else f"zip, method {method}", skip, spend)


def _could_be(name: str, head: bytes) -> bool:
    """Return whether the bytes after a sign of four bytes fit; such a sign occurs by chance in a gigabyte of sound."""
    if name == "lz4":  # LZ4 Frame Format 1.6: version, reserved bits
        return len(head) > 5 and head[4] & 0xC2 == 0x40 and head[5] & 0x8F == 0
    if name == "zstd":  # RFC 8878, sections 3.1.1.1 and 3.1.1.2: the frame's header, the header of its first block
        single = head[4] >> 5 & 1 if len(head) > 4 else 0
        size = 5 + 1 - single + (0, 1, 2, 4)[head[4] & 3] + (single, 2, 4, 8)[head[4] >> 6] if len(head) > 4 else 0
        block = int.from_bytes(head[size : size + 3], "little")
        return size > 0 and head[4] & 8 == 0 and block >> 1 & 3 != 3 and block >> 3 <= 1 << 17
    return True


def _could_be_deflate(data: bytes) -> bool:
    """Return whether a block of deflate could begin here (RFC 1951, section 3.2.3); this spares most attempts."""
    if len(data) < 5:
        return len(data) > 1
    kind = data[0] >> 1 & 3
    if kind == 0:
        return data[1] ^ data[3] == 0xFF and data[2] ^ data[4] == 0xFF
    return kind == 1 or (kind == 2 and data[0] >> 3 <= 29 and data[1] & 31 <= 29)
