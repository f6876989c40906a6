"""File objects over encrypted files: one that encrypts what it reads, and one that decrypts."""

import io
from collections.abc import Callable, Iterator

from django.core.files import File

from psynetdata.infra.positioned_raw import PositionedRaw
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

from .keys import StorageKey
from .stream import CHUNK, SEALED_CHUNK, chunks_of, new_header, seal_chunk, sealed_size


def sealing_file(content: File, key: StorageKey, name: str) -> File:
    """Return a file that holds `content` encrypted, for a storage to save; memory is a block."""
    raw = _Sealing(content, key, name)
    file = File(io.BufferedReader(raw, BLOCK), name)
    file.size = raw.size
    return file


def opened_file(plain: Callable[[int], Iterator[bytes]], size: Callable[[], int], name: str) -> File:
    """Return a file over `plain`, which yields the content from a position on."""
    return File(io.BufferedReader(_Opened(plain, size), BLOCK), name)


class _Raw(PositionedRaw):
    """Reads from `_piece`, which returns bytes at the position `_at`."""

    def readinto(self, buffer) -> int:
        view, count = memoryview(buffer), 0
        while count < len(view) and (piece := self._piece()):
            length = min(len(piece), len(view) - count)
            view[count : count + length] = piece[:length]
            count += length
            self._at += length
        return count

    def _piece(self) -> memoryview:
        raise NotImplementedError


class _Sealing(_Raw):
    """Storages may seek in it: the same chunk of the same content is encrypted to the same bytes again."""

    def __init__(self, content: File, key: StorageKey, name: str):
        self._content, self._plain_size = content, content.size
        self._header, self._cipher = new_header(key, name)
        self._chunks = chunks_of(self._plain_size)
        self._number, self._sealed = -1, b""
        self.size = sealed_size(self._plain_size, name)
        content.seek(0)
        self._content_at = 0

    def _length(self) -> int:
        return self.size

    def _piece(self) -> memoryview:
        if self._at < len(self._header):
            return memoryview(self._header)[self._at :]
        number, inside = divmod(self._at - len(self._header), SEALED_CHUNK)
        if number >= self._chunks:
            return memoryview(b"")
        if number != self._number:
            self._number, self._sealed = number, self._seal(number)
        return memoryview(self._sealed)[inside:]

    def _seal(self, number: int) -> bytes:
        start = number * CHUNK
        if start != self._content_at:
            self._content.seek(start)
        wanted, data = min(CHUNK, self._plain_size - start), b""
        while len(data) < wanted and (part := self._content.read(wanted - len(data))):
            data += part
        if len(data) < wanted:
            raise Damaged("A file became shorter while it was being stored; try again.")
        self._content_at = start + len(data)
        return seal_chunk(self._cipher, number, data, last=number == self._chunks - 1)


class _Opened(_Raw):
    def __init__(self, plain: Callable[[int], Iterator[bytes]], size: Callable[[], int]):
        self._plain, self._size = plain, size
        # The header is read now, so that a missing file is noticed when it is opened.
        self._stream: Iterator[bytes] = plain(0)
        self._rest = memoryview(b"")
        self._rest_at = 0

    def _length(self) -> int:
        return self._size()

    def _piece(self) -> memoryview:
        behind, rest = self._at - self._rest_at, self._rest
        # Whatever raises below raises again at the next read, instead of looking like the end of the file.
        self._rest, self._rest_at = memoryview(b""), -1
        if not 0 <= behind <= len(rest):
            self._stream, rest, behind = self._plain(self._at), self._rest, 0
        if behind == len(rest):
            rest, behind = memoryview(next(self._stream, b"")), 0
        self._rest, self._rest_at = rest[behind:], self._at
        return self._rest
