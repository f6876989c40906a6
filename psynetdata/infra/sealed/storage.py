"""A storage whose owner can neither read nor confirm what it holds, over any other storage."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from django.core.files import File
from django.core.files.storage import Storage, storages

from psynetdata.infra.storage import blocks
from psynetdata.psynet.problems import Damaged

from .files import opened_file, sealing_file
from .keys import StorageKey
from .stream import (
    CHUNK,
    MAGIC,
    SEALED_CHUNK,
    Header,
    chunks_of,
    damaged,
    header_length,
    not_encrypted,
    opened,
    plain_size,
    read_header,
    taken,
)

# What must be readable before the key is known to be the right one; none of it is data.
CLEAR = frozenset({"installation.json"})
_ASKED_AGAIN = 30.0  # seconds
_FAR = 1 << 60  # beyond the end of any file
T = TypeVar("T")

_checks: list[Callable[[], bool]] = []


def refuse_clear_when(all_are_sealed: Callable[[], bool]) -> Callable[[], bool]:
    """Decorator for the function that returns whether all files are encrypted, so that a clear one is not ours."""
    _checks.append(all_are_sealed)
    return all_are_sealed


class SealedStorage(Storage):
    """Encrypts what it saves with the first of `keys`, and opens what any of them encrypted.

    Names are those that all other code uses (*logical* names). In the backend a file has its *stored* name, in which
    content hashes are replaced. Files that are older than the encryption are read as they are until all are encrypted;
    with `clear` always, for a storage that belongs to another installation.
    """

    def __init__(self, backend: dict, keys: list[str], clear: bool = False):
        self.backend = storages.create_storage(backend)
        self.keys = [StorageKey(text) for text in keys]
        self._by_id = {key.id: key for key in self.keys}
        self._clear, self._ask_at = True, math.inf if clear else 0.0

    # --- names -------------------------------------------------------------------------------

    def accepts_clear(self) -> bool:
        """Return whether files that are not encrypted may still be in the storage."""
        if self._clear and time.monotonic() >= self._ask_at:
            self._clear = not any(all_are_sealed() for all_are_sealed in _checks)
            self._ask_at = time.monotonic() + _ASKED_AGAIN
        return self._clear

    def stored_names(self, name: str) -> list[str]:
        """Return every name under which the backend may hold the file, the newest first."""
        if name in CLEAR:
            return [name]
        names = [key.stored_name(name) for key in self.keys]
        return list(dict.fromkeys([*names, name] if self.accepts_clear() else names))

    def header(self, stored: str) -> Header | None:
        """Return the header of a file of the backend; None if it is not encrypted. Raises Damaged."""
        longest = header_length("x" * 1024)
        start = b"".join(self._stored_blocks(stored, 0, longest))
        if not start.startswith(MAGIC):
            return None
        header = read_header(start, self._by_id, _label(stored))
        if header.key.stored_name(header.name) != stored:
            raise damaged(_label(stored))  # it was put in another file's place
        return header

    def get_available_name(self, name, max_length=None):
        return name

    # --- Django's storage --------------------------------------------------------------------

    def _save(self, name: str, content: File) -> str:
        if name in CLEAR:
            return self.backend.save(name, content)
        stored = self.keys[0].stored_name(name)
        saved = self.backend.save(stored, sealing_file(content, self.keys[0], name))
        return name if saved == stored else saved

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("Files in this storage can only be written as a whole, with save().")
        return self._first(name, partial(self._open_stored, name))

    def exists(self, name: str) -> bool:
        try:
            return self._first(name, self._present)
        except FileNotFoundError:
            return False

    def delete(self, name: str) -> None:
        # The newest last: `rewrite` removes its copy if the older one is gone.
        for stored in reversed(self.stored_names(name)):
            self.backend.delete(stored)

    def size(self, name: str) -> int:
        return self._first(name, partial(self._size, name))

    def get_modified_time(self, name: str) -> datetime:
        return self._first(name, self.backend.get_modified_time)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self.backend.listdir(path)

    def blocks(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes `start` to `stop` of a file; fewer if it ends earlier. Reads only the chunks that hold them."""
        if start < stop:
            yield from self._first(name, lambda stored: self._plain(name, stored, start, stop))

    # --- encrypting what is there ------------------------------------------------------------

    def rewrite(self, stored: str, is_named: Callable[[str], bool]) -> str | None:
        """Encrypt a file of the backend with the newest key. Return its new stored name; None if nothing was done.

        The old file stays until the new one was read back. A file that somebody deletes in the meantime stays deleted:
        under the same name that is visible in `is_named`, which returns whether a row names the file. Raises Damaged
        if the file cannot be decrypted.
        """
        header = self.header(stored)
        name = header.name if header else stored
        if header and header.key is self.keys[0]:
            return None
        if header is None and not self.accepts_clear():
            raise not_encrypted(_label(stored))
        named, size = is_named(name), self._size(name, stored, clear=header is None)
        read = partial(self._plain, name, stored, stop=None)
        if header is None:  # not the backend's open(), which for a bucket holds the whole file in memory
            read = partial(self._stored_blocks, stored, stop=_FAR)
        with opened_file(read, lambda: size, name) as file:
            file.size = size
            self._save(name, file)
        new = self.keys[0].stored_name(name)
        for _ in self._plain(name, new, 0, None):  # reads it back and checks every chunk
            pass
        gone = not self.backend.exists(stored) if new != stored else named and not is_named(name)
        if gone:
            self.backend.delete(new)
            return None
        if new != stored:
            self.backend.delete(stored)
        return new

    # --- reading -----------------------------------------------------------------------------

    def _first(self, name: str, read: Callable[[str], T]) -> T:
        """Return what `read` returns for the first stored name that exists. Raises FileNotFoundError."""
        names = self.stored_names(name)
        # Twice, because a rewrite may have moved the file from a later name to an earlier one in the meantime.
        for stored in names if len(names) == 1 else names * 2:
            try:
                with _missing_file():
                    return read(stored)
            except FileNotFoundError:
                continue
        raise FileNotFoundError(f"{_label(name)} is not in the storage")

    def _present(self, stored: str) -> bool:
        if not self.backend.exists(stored):
            raise FileNotFoundError(stored)
        return True

    def _open_stored(self, name: str, stored: str) -> File:
        if self._is_clear(name, stored):
            file = self.backend.open(stored, "rb")
            # It may have been encrypted in this moment; what is open now stays what it is.
            if stored in CLEAR or file.read(len(MAGIC)) != MAGIC:
                file.seek(0)
                return file
            file.close()
        return opened_file(
            lambda start: self._plain(name, stored, start, None), lambda: self._size(name, stored, clear=False), name
        )

    def _size(self, name: str, stored: str, *, clear: bool | None = None) -> int:
        size = self.backend.size(stored)
        return size if (self._is_clear(name, stored) if clear is None else clear) else plain_size(size, name)

    def _is_clear(self, name: str, stored: str) -> bool:
        """Return whether a file is read as it is. Raises FileNotFoundError if the file would have to be looked into."""
        if name in CLEAR:
            return True
        if stored != name or not self.accepts_clear():
            return False
        self._present(stored)
        return self.keys[0].stored_name(name) != name or b"".join(self._stored_blocks(stored, 0, len(MAGIC))) != MAGIC

    def _plain(self, name: str, stored: str, start: int, stop: int | None) -> Iterator[bytes]:
        """Return an iterator over the content. The header is read at once, so a missing file is noticed here."""
        if stop is not None and self._is_clear(name, stored):
            return self._clear_blocks(stored, start, stop)
        length, first = header_length(name), start // CHUNK
        count = None if stop is None else chunks_of(stop) - first
        end = _FAR if stop is None else length + (first + count) * SEALED_CHUNK
        data, sealed = taken(self._stored_blocks(stored, 0, length if first else end), length)
        header = read_header(data, self._by_id, _label(name))
        if header.name != name:
            raise damaged(_label(name))  # another file was put in its place
        if first:
            sealed = self._stored_blocks(stored, length + first * SEALED_CHUNK, end)
        content = opened(header.cipher, sealed, _label(name), first=first, count=count)
        return _between(content, start - first * CHUNK, None if stop is None else stop - start)

    def _clear_blocks(self, stored: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes of a file that is not encrypted, the last of them only if it still is not."""
        last = b""
        for block in self._stored_blocks(stored, start, stop):
            if last:
                yield last
            last = block
        if last and stored not in CLEAR and b"".join(self._stored_blocks(stored, 0, len(MAGIC))) == MAGIC:
            raise Damaged(f"The stored file {_label(stored)} was encrypted while it was being read; try again.")
        if last:
            yield last

    def _stored_blocks(self, stored: str, start: int, stop: int) -> Iterator[bytes]:
        with _missing_file():
            yield from blocks(self.backend, stored, start, stop)


def backend_of(storage: Storage) -> Storage:
    """Return the storage that holds the bytes: the one below an encrypted one, else itself."""
    return storage.backend if isinstance(storage, SealedStorage) else storage


def stored_names(storage: Storage, names: Iterable[str]) -> set[str]:
    """Return every name that the files may have in `backend_of(storage)`."""
    if isinstance(storage, SealedStorage):
        return {stored for name in names for stored in storage.stored_names(name)}
    return set(names)


def logical_names(storage: Storage, names: Iterable[str]) -> Iterator[str]:
    """Yield the logical names of files that are listed by their stored names. Raises Damaged."""
    for name in names:
        header = storage.header(name) if isinstance(storage, SealedStorage) else None
        yield header.name if header else name


def _between(content: Iterator[bytes], skip: int, length: int | None) -> Iterator[bytes]:
    for piece in content:
        piece = piece[skip:] if length is None else piece[skip : skip + length]
        skip = 0
        if length is not None:
            length -= len(piece)
        if piece:
            yield piece


@contextmanager
def _missing_file() -> Iterator[None]:
    """Raise FileNotFoundError for S3's own error; a range that begins behind the end is an empty one."""
    try:
        yield
    except Exception as error:
        answer = getattr(error, "response", None)
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(answer, dict) else None
        if status == 404:
            raise FileNotFoundError("no such file in the storage") from None
        if status != 416:
            raise


def _label(name: str) -> str:
    """Return how errors name a file: enough to find it, without the whole hash."""
    return "/".join(part if len(part) < 40 else f"{part[:12]}…" for part in islice(name.split("/"), 6))
