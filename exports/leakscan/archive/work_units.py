"""Divide the content of an archive into pieces of work, each of which any process can do."""

import io
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import BinaryIO

from exports.leakscan.report import UNREADABLE
from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.stream import BLOCK

from . import formats
from .members import DEEPEST, Walk

# Smaller members are grouped; larger ones are divided if one alone would keep the other processes waiting.
_TOGETHER = 4 << 20
_LEAST_PART = 8 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a member of a zip file, or the part [start, end) of its bytes; without `end` to its end.

    `packed`: it has to be opened, whatever it is. `rows`: it is to be checked as a table (cells.NAMED, cells.NUMBERS).
    """

    path: Path
    member: int | None
    name: str
    shown: str
    depth: int
    bytes: int
    packed: bool = False
    rows: str = ""
    start: int = 0
    end: int | None = None

    @property
    def is_csv(self) -> bool:
        return not self.packed and self.name.lower().endswith(".csv")


class Plan(Walk):
    """Searches names and headers itself and turns contents into pieces. For that it unpacks zips within zips."""

    def __init__(self, matcher: Matcher, accounts: Collection[str], scratch: Path):
        super().__init__(matcher, accounts=accounts)
        self.pieces: list[Piece] = []
        self._scratch = scratch
        self._path = Path()
        self._numbers = count()

    def folder(self, root: Path) -> None:
        """Plan every file below a folder. A link is unreadable: its target is not in the archive."""
        for path in sorted(root.rglob("*")):
            shown, _ = self._name(path.relative_to(root).as_posix())
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                self.tally.add(shown, "content", UNREADABLE, "a link or a device")
            elif path.is_file():
                self.file(path, path.name, shown)

    def file(self, path: Path, name: str, shown: str, depth: int = 0) -> None:
        """Plan a file on disk: a zip is opened, anything else becomes a piece."""
        with path.open("rb") as stream:
            packed = _packed(stream.read(formats.HEAD), name)
            if packed != "zip" or depth >= DEEPEST:
                self.pieces.append(Piece(path, None, name, shown, depth, path.stat().st_size, bool(packed)))
                return
            stream.seek(0)
            outer, self._path = self._path, path
            self.member(stream, name, shown, depth)
            self._path = outer

    def _content(self, archive: zipfile.ZipFile, number: int, shown: str, depth: int) -> None:
        info = archive.infolist()[number]
        with self.readable(shown):
            with archive.open(info) as content:
                head = content.read(formats.HEAD)
                packed = _packed(head, info.filename)
                if packed != "zip" or depth >= DEEPEST:
                    name, size = info.filename, info.file_size
                    self.pieces.append(Piece(self._path, number, name, shown, depth, size, bool(packed)))
                    return
                path = self._scratch / f"{next(self._numbers)}.zip"
                with path.open("wb") as file:
                    file.write(head)
                    shutil.copyfileobj(content, file, BLOCK)
            self.file(path, info.filename, shown, depth)


def _packed(head: bytes, name: str) -> str | None:
    try:
        return formats.detect(head, name)
    except formats.Unreadable:
        return "unknown"


def tasks(pieces: Iterable[Piece], processes: int) -> list[tuple[Piece, ...]]:
    """Return pieces grouped into tasks, the largest first: small ones together, large ones divided."""
    pieces = list(pieces)
    share = max(_LEAST_PART, sum(piece.bytes for piece in pieces) // (2 * processes))
    found, together, size = [], [], 0
    for piece in pieces:
        if piece.bytes > _TOGETHER:
            found += [(part,) for part in _parts(piece, share if processes > 1 else piece.bytes)]
            continue
        together.append(piece)
        size += piece.bytes
        if size > _TOGETHER:
            found.append(tuple(together))
            together, size = [], 0
    found += [tuple(together)] if together else []
    return sorted(found, key=lambda task: -sum(piece.bytes for piece in task))


def _parts(piece: Piece, share: int) -> Iterator[Piece]:
    if piece.rows or piece.packed:
        yield piece
        return
    parts = -(-piece.bytes // share)
    cuts = [piece.bytes * number // parts for number in range(parts)]
    for start, end in zip(cuts, [*cuts[1:], None], strict=True):
        yield replace(piece, start=start, end=end, bytes=(end or piece.bytes) - start)


class Shelf:
    """Zip files that a process keeps open, because their lists of members are long."""

    def __init__(self) -> None:
        self._open: dict[Path, zipfile.ZipFile] = {}

    @contextmanager
    def content(self, piece: Piece) -> Iterator[BinaryIO]:
        """Yield the bytes of a piece's file or member, from their beginning."""
        if piece.member is None:
            with piece.path.open("rb") as stream:
                yield stream
            return
        if piece.path not in self._open:
            self._open[piece.path] = zipfile.ZipFile(piece.path)
        archive = self._open[piece.path]
        with archive.open(archive.infolist()[piece.member]) as stream:
            yield io.BufferedReader(stream, BLOCK)

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()
