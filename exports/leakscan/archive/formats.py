"""Recognize compressed formats by their first bytes, and uncompress their streams block by block."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from importlib import import_module, util
from typing import IO, Any

from exports.leakscan.encodings.packed import XZ_MEMORY

from . import kinds

BLOCK = 1 << 20
HEAD = 512
# RFC 1952: an extra field of up to 65,535 bytes, a name, a comment.
_LONGEST_HEADER = 1 << 17

_MAGIC = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"PK\x07\x08", "zip"),
    (0, b"\x1f\x8b", "gz"),
    (0, b"BZh", "bz2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (257, b"ustar", "tar"),
    (0, b"PAR1", "parquet"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"\x1f\xa0", "compress"),
    (0, b"LZIP", "lzip"),
    (0, b"\x89LZO\x00", "lzop"),
    (0, b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (0, b"MSCF", "cab"),
    (0, b"\x5d\0\0", "lzma"),
    (0, b"\x02\x21\x4c\x18", "lz4"),
    (0, b"\x1f\x1e", "pack"),
    (0, b"LRZI", "lrzip"),
    (0, b"7kSt", "zpaq"),
    (0, b"zPQ", "zpaq"),
    (7, b"**ACE**", "ace"),
    (2, b"-lh", "lha"),
    (0, b"StuffIt", "stuffit"),
    (0, b"SIT!", "stuffit"),
    (0, b"xar!", "xar"),
    (0, b"MSWIM", "wim"),
    (0, b"hsqs", "squashfs"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"bvx2", "lzfse"),
    (0, b"ZWS", "flash"),
    (0, b"PGDMP", "pg_dump"),
    (0, b"ARROW1", "arrow"),
    (0, b"ORC", "orc"),
    (0, b"Obj\x01", "avro"),
    (0, b"Salted__", "encrypted"),
    (0, b"LUKS\xba\xbe", "encrypted"),
    (0, b"\x03\xd9\xa2\x9a", "encrypted"),
    (0, b"age-encryption.org/", "encrypted"),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted"),
)

# A file named like a compressed format whose bytes are none of the above cannot be searched.
_SUFFIXES = (
    *(".zip", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".lzma", ".zst", ".zstd", ".tar", ".parquet", ".7z"),
    *(".rar", ".lz4", ".lz", ".br", ".z", ".lzo", ".sz", ".snappy", ".cab", ".arrow", ".feather", ".orc", ".avro"),
    *(".gpg", ".pgp", ".age", ".enc", ".kdbx", ".ace", ".lzh", ".arj", ".sit", ".xar", ".wim", ".rpm", ".dmg"),
)


# Their first bytes also begin words.
_ALSO_WORDS = frozenset({"orc", "zpaq", "stuffit", "flash", "lzip", "lrzip"})


class Unreadable(Exception):
    """A member cannot be searched; the reason names a format or a limit, never content."""


def detect(head: bytes, name: str) -> str | None:
    """Return a member's compressed format, None for plain bytes. Raises Unreadable if only its name suggests one."""
    for offset, magic, format_name in _MAGIC:
        if head.startswith(magic, offset) and not (format_name in _ALSO_WORDS and kinds.is_text(head)):
            return format_name
    if head and name.lower().endswith(_SUFFIXES):
        raise Unreadable("named as a packed file, in a format that is not known")
    return None


class Prefixed(io.RawIOBase):
    """A stream that begins with bytes which were already read from it."""

    def __init__(self, head: bytes, rest: IO[bytes]):
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._head[: len(target)] or self._rest.read(len(target))
        self._head = self._head[len(data) :]
        target[: len(data)] = data
        return len(data)


class Unpacked(io.RawIOBase):
    """The content of a compressed stream with all its parts; anything else after them is Unreadable.

    The standard library's file objects ignore bytes after the last part, so nobody would search them. `on_part` is
    called with the first bytes of each part, in which a header may hold a name and a comment.
    """

    def __init__(self, stream: IO[bytes], new: Callable[[], Any], on_part: Callable[[bytes], None]):
        self._stream = stream
        self._new = new
        self._on_part = on_part
        self._is_new = True
        self._part = new()
        self._pending = b""
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._ready:
            if not self._advance():
                return 0
        data = self._ready[: len(target)]
        self._ready = self._ready[len(data) :]
        target[: len(data)] = data
        return len(data)

    def _advance(self) -> bool:
        if self._part.eof:
            rest = self._part.unused_data + self._pending
            self._pending = (rest or self._stream.read(BLOCK)).lstrip(b"\0")
            if not self._pending:
                more = self._stream.read(BLOCK)
                self._pending = more.lstrip(b"\0")
                return bool(more)
            self._part, self._is_new = self._new(), True
        if not self._pending and getattr(self._part, "needs_input", True):
            self._pending = self._stream.read(BLOCK)
            if not self._pending:
                raise Unreadable("cut short")
        if self._is_new:
            self._on_part(self._pending[:_LONGEST_HEADER])
            self._is_new = False
        self._ready = self._part.decompress(self._pending, BLOCK)
        self._pending = getattr(self._part, "unconsumed_tail", b"")
        return True


def zstd_module() -> Any | None:
    """Return a module that reads zstd: Python's own (3.14), else an installed one."""
    for name in ("compression.zstd", "backports.zstd", "pyzstd"):
        if util.find_spec(name.partition(".")[0]) and util.find_spec(name):
            return import_module(name)
    return None


def unpack(stream: IO[bytes], packed: str, on_part: Callable[[bytes], None]) -> IO[bytes] | None:
    """Return the content of a gz, bz2, xz, lzma or zstd stream; None for any other format. See `Unpacked`."""
    makers: dict[str, Callable[[], Any]] = {
        "gz": lambda: zlib.decompressobj(wbits=31),
        "bz2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
        "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=XZ_MEMORY),
    }
    module = zstd_module() if packed == "zstd" else None
    if module:
        makers["zstd"] = module.ZstdDecompressor
    return io.BufferedReader(Unpacked(stream, makers[packed], on_part), BLOCK) if packed in makers else None


# End-of-central-directory record (PKWARE APPNOTE 4.3.16): 22 bytes, then a comment of up to 65,535.
ZIP_TAIL = 22 + 65535


def ends_as_zip(tail: bytes) -> bool:
    """Return whether bytes that do not begin as a zip end as one: readers of zips would open it."""
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < 22:
        return False
    return int.from_bytes(tail[place + 20 : place + 22], "little") == len(tail) - place - 22
