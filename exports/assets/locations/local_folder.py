"""Files of a folder on this machine; nothing outside of it is ever read, wherever links and paths lead."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage

from .base import (
    FileMissing,
    IsFolder,
    LocationGone,
    Session,
    Stream,
    TransferFailed,
    Unchanged,
    blocks_of,
    checked,
    exactly,
)


class LocalSession(Session):
    is_remote = False

    def __init__(self, root: Path):
        try:
            self._root = root.resolve(strict=True)
        except (OSError, RuntimeError):
            raise LocationGone("the folder of the assets does not exist") from None
        self._storage = FileSystemStorage(location=self._root)

    @contextmanager
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        source = self._inside(path)
        if source.is_dir():
            raise IsFolder
        try:
            # O_NONBLOCK: opening a pipe must not wait until someone writes to it.
            handle = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise _unreadable(error) from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise FileMissing("it is not an ordinary file")
            now = version_of(status)
            if known and now == known:
                raise Unchanged
            start = start if version == now else 0
            yield Stream(_blocks(file, start, now), start, status.st_size, now)

    def list_files(self, path: str) -> list[str] | None:
        source = self._inside(path)
        if not source.is_dir():
            return None
        return sorted(paths.relative_to(source).as_posix() for paths in source.rglob("*") if self._is_ours(paths))

    def _inside(self, path: str) -> Path:
        """Return the file that the path names; it must be below the root after following all links."""
        try:
            resolved = Path(self._storage.path(checked(path))).resolve(strict=True)
        except SuspiciousFileOperation:
            raise FileMissing("its path leads out of the assets' folder") from None
        except PermissionError as error:
            raise _unreadable(error) from None
        except (OSError, RuntimeError):
            raise FileMissing("there is no such file") from None
        if self._root not in resolved.parents:
            raise FileMissing("its path leads out of the assets' folder")
        return resolved

    def _is_ours(self, path: Path) -> bool:
        """Return whether it is a file below the root; links that lead out of the root are skipped."""
        return path.is_file() and self._root in path.resolve().parents


def version_of(status) -> str:
    """Return a version from the result of os.stat or of an SFTP server's stat."""
    return f"{status.st_size}-{getattr(status, 'st_mtime_ns', None) or status.st_mtime}"


def _blocks(file, start: int, version: str) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    try:
        file.seek(start)
        yield from exactly(blocks_of(file, size - start), size - start)
        if version_of(os.fstat(file.fileno())) != version:
            raise TransferFailed("it was changed while it was read", restart=True)
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> FileMissing:
    if isinstance(error, PermissionError):
        return FileMissing("permission to read it was denied")
    return FileMissing(f"it cannot be read ({error.strerror})")
