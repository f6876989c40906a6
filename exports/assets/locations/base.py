"""What the places have in common: one connection to where files live, of one worker's own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from psynetdata.psynet.csvtext import BLOCK


class Missing(Exception):
    """The file cannot be had and trying again would not help. The reason, in words that hold no path."""


class Trouble(Exception):
    """It may go better at the next try. `anew`: what came so far must not be added to; `after`: seconds to wait."""

    def __init__(self, reason: str, *, anew: bool = False, after: float = 0.0, unreachable: bool = False):
        super().__init__(reason)
        self.anew, self.after, self.unreachable = anew, after, unreachable


class PlaceGone(Exception):
    """No file of this place can be had now: its folder, bucket or credentials are wrong, or its key has changed."""


class IsFolder(Exception):
    """What was to be opened is a folder."""


class Unchanged(Exception):
    """The file is still of the version that the caller knows."""


@dataclass
class Stream:
    """An open file. `start`: of which byte its blocks begin; `size`: of the whole file, None where nobody says.

    `version` changes when the file does (ETag, or size and time); empty where nobody says. When `blocks` end without
    an exception everything was there and the file did not change meanwhile.
    """

    blocks: Iterator[bytes]
    start: int = 0
    size: int | None = None
    version: str = ""
    content_type: str = ""


class Session(ABC):
    """`open` and `walk` raise Missing, Trouble and PlaceGone; so do the blocks of a stream."""

    # Whether a file that is not what its row says is worth a second look: it may have been spoilt on its way.
    is_remote = True
    # Whether what comes may be a page that says there is no such file.
    may_send_pages = False

    @abstractmethod
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> AbstractContextManager[Stream]:
        """The file from byte `start` on if it is still of `version`, else from its beginning.

        Raises Unchanged where it is of the version `known`, and IsFolder.
        """

    @abstractmethod
    def walk(self, path: str) -> list[str] | None:
        """The paths of all files within a folder, sorted; None where the path is not a folder's."""

    def close(self) -> None:  # noqa: B027 - a folder has no connection to let go
        """Let the connection go."""


def checked(path: str) -> str:
    """A path below a place, or Missing: it must not climb, be absolute or hold a NUL."""
    parts = path.replace("\\", "/").split("/")
    climbs = ".." in parts or path.startswith(("/", "\\"))
    if climbs or "\0" in path or not set(parts) - {"", "."}:
        raise Missing("its path leads out of the assets' folder")
    return path


def blocks_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    """So many bytes of an open file, or fewer where it ends before; to look for its end would take a request."""
    while size and (block := file.read(min(BLOCK, size))):
        size -= len(block)
        yield block


def exactly(blocks: Iterator[bytes], size: int | None) -> Iterator[bytes]:
    """The blocks; Trouble where they are fewer bytes than `size`, or more."""
    got = 0
    for block in blocks:
        got += len(block)
        if size is not None and got > size:
            raise Trouble("it grew while it was read", anew=True)
        yield block
    if size is not None and got < size:
        raise Trouble("it broke off before its end")
