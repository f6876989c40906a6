"""Zip archives put together from pieces that are already compressed (PKWARE's APPNOTE 6.3.10; zip64 throughout).

Local headers carry sizes and CRC, so a reader that only streams needs no guess. Only `close` writes the directory: an
archive that was not finished has none and is not a valid zip. The directory lists names in sorted order.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from isal import isal_zlib

from .deflate import END, DeflatedPiece, combined_crc32

_STORED, _DEFLATED = 0, 8
_VERSION = 45  # zip64
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_UTF8 = 0x0800
# The first and last second that a zip's time can hold in all its forms (DOS, and 32 bits of seconds).
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
_FULL = 0xFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """A member as it is in the archive: its packed bytes begin at `start`."""

    name: str
    method: int
    offset: int
    start: int
    packed: int
    bytes: int
    crc32: int

    @property
    def is_deflated(self) -> bool:
        return self.method == _DEFLATED


class ZipWriter:
    """Writes members one after another; all get the time `moment`.

    `before`: bytes of the file in front of this archive, which may be within another one. The outer archive's file
    must be able to seek.
    """

    def __init__(self, file: BinaryIO, moment: datetime, *, before: int = 0):
        self.entries: list[Entry] = []
        self._file = file
        self._moment = moment
        self._at = min(max(moment.astimezone(UTC), _EARLIEST), _LATEST).replace(microsecond=0)
        self._before = before

    def deflated(self, name: str, pieces: Iterable[DeflatedPiece]) -> Entry:
        """Write a member that consists of these pieces, one after another."""
        pieces = list(pieces)
        packed = sum(piece.packed for piece in pieces) + len(END)
        size, crc32 = sum(piece.bytes for piece in pieces), combined_crc32(pieces)
        entry = self._begin(name, _DEFLATED, packed, size, crc32)
        for piece in pieces:
            for block in piece.read():
                self._file.write(block)
        self._file.write(END)
        return self._add(entry)

    def whole(self, name: str, content: bytes) -> Entry:
        """Write a small member without compression."""
        entry = self._begin(name, _STORED, len(content), len(content), isal_zlib.crc32(content))
        self._file.write(content)
        return self._add(entry)

    def stored(self, name: str, blocks: Iterable[bytes]) -> Entry:
        """Write a member of any size without compression; not possible within a nested zip."""
        with self._storing(name) as write:
            for block in blocks:
                write(block)
        return self.entries[-1]

    @contextmanager
    def nested(self, name: str) -> Iterator["ZipWriter"]:
        """Write a zip within this one, uncompressed; the positions of its entries are those in the whole file."""
        with self._storing(name) as write:
            inner = ZipWriter(_Through(self._file, write), self._moment, before=self._file.tell())
            yield inner
            inner.close()

    def close(self) -> None:
        """Write the directory, which makes the file a zip."""
        begin = self._file.tell() - self._before
        for entry in sorted(self.entries, key=lambda entry: entry.name):
            self._file.write(self._listed(entry))
        end = self._file.tell() - self._before
        count = len(self.entries)
        record = struct.pack("<QHHLLQQQQ", 44, _UNIX | _VERSION, _VERSION, 0, 0, count, count, end - begin, begin)
        self._file.write(b"PK\x06\x06" + record)
        self._file.write(b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1))
        few = min(count, 0xFFFF)
        size, place = min(end - begin, _FULL), min(begin, _FULL)
        self._file.write(b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, few, few, size, place, 0))

    @contextmanager
    def _storing(self, name: str):
        entry = self._begin(name, _STORED, 0, 0, 0)
        size = crc32 = 0

        def write(block: bytes) -> int:
            nonlocal size, crc32
            size += len(block)
            crc32 = isal_zlib.crc32(block, crc32)
            return self._file.write(block)

        yield write
        self._file.seek(entry.offset)  # the sizes and CRC were not known when the header was written
        self._begin(name, _STORED, size, size, crc32)
        self._file.seek(entry.start + size)
        self._add(Entry(name, _STORED, entry.offset, entry.start, size, size, crc32))

    def _begin(self, name: str, method: int, packed: int, size: int, crc32: int) -> Entry:
        offset, encoded = self._file.tell(), name.encode()
        extra = struct.pack("<HHQQ", 1, 16, size, packed) + self._time_extra()
        sizes = (crc32, _FULL, _FULL, len(encoded), len(extra))
        self._file.write(b"PK\x03\x04" + struct.pack("<HHHHH", _VERSION, _UTF8, method, *self._dos_time()))
        self._file.write(struct.pack("<LLLHH", *sizes) + encoded + extra)
        return Entry(name, method, offset - self._before, self._file.tell(), packed, size, crc32)

    def _listed(self, entry: Entry) -> bytes:
        encoded = entry.name.encode()
        extra = struct.pack("<HHQQQ", 1, 24, entry.bytes, entry.packed, entry.offset) + self._time_extra()
        record = struct.pack("<HHHHHH", _UNIX | _VERSION, _VERSION, _UTF8, entry.method, *self._dos_time())
        sizes = struct.pack("<LLLHHHHHLL", entry.crc32, _FULL, _FULL, len(encoded), len(extra), 0, 0, 0, _MODE, _FULL)
        return b"PK\x01\x02" + record + sizes + encoded + extra

    def _add(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry

    def _dos_time(self) -> tuple[int, int]:
        at = self._at
        return at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day

    def _time_extra(self) -> bytes:
        """Return Info-ZIP's extended timestamp: seconds in UTC, because DOS's time has no time zone."""
        return struct.pack("<HHBl", 0x5455, 5, 1, int(self._at.timestamp()))


class _Through:
    """A file that writes through another function."""

    def __init__(self, file: BinaryIO, write):
        self.tell, self.write = file.tell, write
