"""Pieces of files, each compressed separately, so that several processes can work at the same time.

A piece is raw deflate that ends in a sync flush: pieces one after another followed by END are one deflate stream
(RFC 1951), which becomes a member of the zip without being compressed again. Equal bytes cut alike give equal pieces.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from psynetdata.psynet.csvtext import BLOCK

_MOST_OPEN = 64  # each holds the compressor's buffers
_LEVEL = 1  # isal has levels 0 to 3; 2 hardly compresses CSV better
END = b"\x03\x00"  # an empty last block


@dataclass(frozen=True)
class DeflatedPiece:
    """`packed` bytes of the file at `path` from `start`; `bytes`, `crc32` and `rows` describe the uncompressed data."""

    path: Path
    start: int
    packed: int
    bytes: int
    crc32: int
    rows: int = 0

    def read(self) -> Iterator[bytes]:
        """Yield its compressed bytes, in blocks."""
        with self.path.open("rb") as file:
            yield from ranged(file, self.start, self.packed)

    def unpacked(self) -> Iterator[bytes]:
        return unpacked(self.read())


class Packer:
    """Compresses what is added under several keys into pieces of one file; holds about one compressed block in memory.

    `close` returns [(key, piece)], the pieces of each key in order.
    """

    def __init__(self, path: Path):
        self._path = path
        self._open: dict[Hashable, _OpenPiece] = {}
        self._packed = 0
        self._made: list[tuple[Hashable, DeflatedPiece]] = []
        self._file: BinaryIO = path.open("wb")

    def add(self, key: Hashable, data: bytes, rows: int = 0) -> None:
        part = self._open.get(key)
        if part is None:
            part = self._open[key] = _OpenPiece()
        self._packed += part.add(data, rows)
        if self._packed >= BLOCK or len(self._open) >= _MOST_OPEN:
            self._write()

    def close(self) -> list[tuple[Hashable, DeflatedPiece]]:
        with self._file:
            self._write()
        return self._made

    def _write(self) -> None:
        for key, part in self._open.items():
            start = self._file.tell()
            packed = self._file.write(part.finish())
            self._made.append((key, DeflatedPiece(self._path, start, packed, part.bytes, part.crc32, part.rows)))
        self._open.clear()
        self._packed = 0


class _OpenPiece:
    def __init__(self) -> None:
        self.bytes = self.crc32 = self.rows = 0
        self._packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        self._blocks: list[bytes] = []

    def add(self, data: bytes, rows: int) -> int:
        """Add data. Return how many compressed bytes that gave immediately."""
        self._blocks.append(self._packer.compress(data))
        self.bytes += len(data)
        self.rows += rows
        self.crc32 = isal_zlib.crc32(data, self.crc32)
        return len(self._blocks[-1])

    def finish(self) -> bytes:
        return b"".join([*self._blocks, self._packer.flush(isal_zlib.Z_SYNC_FLUSH)])


def pack(path: Path, blocks: Iterable[bytes], rows: int = 0) -> list[DeflatedPiece]:
    """Return the pieces of a single file, compressed into `path`."""
    packer = Packer(path)
    for block in blocks:
        packer.add(None, block)
    packer.add(None, b"", rows)
    return [piece for _, piece in packer.close()]


def ranged(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    """Yield a part of a file, in blocks."""
    file.seek(start)
    while length > 0 and (block := file.read(min(BLOCK, length))):
        length -= len(block)
        yield block


def unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield uncompressed blocks of raw deflate, complete or cut off. Raises isal_zlib.error if it is not deflate."""
    opened = isal_zlib.decompressobj(-15)
    for packed in blocks:
        block = opened.decompress(packed, BLOCK)
        while block:
            yield block
            block = opened.decompress(opened.unconsumed_tail, BLOCK)


def combined_crc32(pieces: Iterable[DeflatedPiece]) -> int:
    """Return the CRC-32 of the pieces' uncompressed data, one after another."""
    crc32 = 0
    for piece in pieces:
        crc32 = isal_zlib.crc32_combine(crc32, piece.crc32, piece.bytes)
    return crc32
