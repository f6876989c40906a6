"""What all locations have in common: one worker's own connection to the place where files are."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from psynetdata.psynet.csvtext import BLOCK


class FileMissing(Exception):
    """The file cannot be fetched and trying again would not help. The reason, without any path."""


class TransferFailed(Exception):
    """The next try may succeed. `restart`: start from the beginning; `after`: seconds to wait before it."""

    def __init__(self, reason: str, *, restart: bool = False, after: float = 0.0, unreachable: bool = False):
        super().__init__(reason)
        self.restart, self.after, self.unreachable = restart, after, unreachable


class LocationGone(Exception):
    """No file of this location can be fetched now: wrong folder, bucket or credentials, or another host key."""


class IsFolder(Exception):
    """The path to open is a folder."""


class Unchanged(Exception):
    """The file still has the version that the caller knows."""


@dataclass
class Stream:
    """An open file. `start`: the byte at which its blocks begin; `size`: of the whole file, None if not known.

    `version` changes when the file does (ETag, or size and time); empty if not known. If `blocks` end without an
    exception, the file was complete and did not change while it was read.
    """

    blocks: Iterator[bytes]
    start: int = 0
    size: int | None = None
    version: str = ""
    content_type: str = ""


class Session(ABC):
    """`open` and `list_files` raise FileMissing, TransferFailed and LocationGone; so do the blocks of a stream."""

    # Whether a file that differs from its row is fetched a second time: it may have been damaged on its way.
    is_remote = True
    # Whether the server may send a web page that says there is no such file.
    may_send_pages = False

    @abstractmethod
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> AbstractContextManager[Stream]:
        """Open the file, from byte `start` on if it still has `version`, else from its beginning.

        Raises Unchanged if it has the version `known`, and IsFolder.
        """

    @abstractmethod
    def list_files(self, path: str) -> list[str] | None:
        """Return the paths of all files within a folder, sorted; None if the path is not a folder."""

    def close(self) -> None:  # noqa: B027 - a folder has no connection to close
        """Close the connection."""


def checked(path: str) -> str:
    """Return a path below a location. Raises FileMissing if it leads out of it, is absolute or holds a NUL."""
    parts = path.replace("\\", "/").split("/")
    climbs = ".." in parts or path.startswith(("/", "\\"))
    if climbs or "\0" in path or not set(parts) - {"", "."}:
        raise FileMissing("its path leads out of the assets' folder")
    return path


def blocks_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield `size` bytes of an open file, or fewer if it ends before; checking for its end would take a request."""
    while size and (block := file.read(min(BLOCK, size))):
        size -= len(block)
        yield block


def exactly(blocks: Iterator[bytes], size: int | None) -> Iterator[bytes]:
    """Yield the blocks. Raises TransferFailed if they are fewer or more bytes than `size`."""
    got = 0
    for block in blocks:
        got += len(block)
        if size is not None and got > size:
            raise TransferFailed("it grew while it was read", restart=True)
        yield block
    if size is not None and got < size:
        raise TransferFailed("it ended too early")
