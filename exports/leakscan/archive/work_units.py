"""Divide the content of an archive into pieces of work, each of which any process can do."""

import io
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from exports.leakscan.report import UNREADABLE
from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.stream import BLOCK
from exports.leakscan.second_check.sightings import SecondCheck

from . import formats, kinds
from .members import DEEPEST, MemberSearch

# Smaller members are grouped; larger ones are divided if one alone would keep the other processes waiting.
_TOGETHER = 4 << 20
_LEAST_PART = 8 << 20


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A file, or a member of a zip file, or the part [start, end) of its bytes; without `end` to its end.

    `packed`: it has to be opened, whatever it is. `rows`: it is to be checked as a table (cells.NAMED, cells.NUMBERS).
    `kind`: see `kinds`.
    """

    path: Path
    member: int | None
    name: str
    shown: str
    depth: int
    bytes: int
    packed: bool = False
    rows: str = ""
    kind: str = kinds.TEXT
    start: int = 0
    end: int | None = None

    @property
    def is_csv(self) -> bool:
        return not self.packed and self.name.lower().endswith(".csv")


class ScanPlan(MemberSearch):
    """Searches names and headers itself and turns contents into pieces. For that it unpacks zips within zips."""

    def __init__(self, matcher: Matcher, accounts: Collection[str], scratch: Path, second: SecondCheck | None = None):
        super().__init__(matcher, accounts=accounts, second=second)
        self.units: list[WorkUnit] = []
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
            head = stream.read(formats.HEAD)
            if _packed(head, name) != "zip" or depth >= DEEPEST:
                self._plan(WorkUnit(path, None, name, shown, depth, path.stat().st_size), head)
                return
            stream.seek(0)
            outer, self._path = self._path, path
            self.member(stream, name, shown, depth)
            self._path = outer

    def _plan(self, unit: WorkUnit, head: bytes) -> None:
        """Plan a piece. What is packed or not known is searched in one piece, because its parts can cross any cut."""
        kind = kinds.kind_of(head)
        packed = bool(_packed(head, unit.name)) or kind == kinds.UNKNOWN
        self.units.append(replace(unit, kind=kind, packed=packed))

    def _content(self, archive: zipfile.ZipFile, number: int, shown: str, depth: int) -> None:
        info = archive.infolist()[number]
        with self.readable(shown):
            with archive.open(info) as content:
                head = content.read(formats.HEAD)
                if depth > 1:
                    self._spend(info.file_size)
                if _packed(head, info.filename) != "zip" or depth >= DEEPEST:
                    self._plan(WorkUnit(self._path, number, info.filename, shown, depth, info.file_size), head)
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


def tasks(units: Iterable[WorkUnit], processes: int) -> list[tuple[WorkUnit, ...]]:
    """Return pieces grouped into tasks, the largest first: small ones together, large ones divided."""
    units = list(units)
    share = max(_LEAST_PART, sum(unit.bytes for unit in units) // (2 * processes))
    grouped: list[tuple[WorkUnit, ...]] = []
    together: list[WorkUnit] = []
    size = 0
    for piece in units:
        if piece.bytes > _TOGETHER:
            grouped += [(part,) for part in _cut(piece, share if processes > 1 else piece.bytes)]
            continue
        together.append(piece)
        size += piece.bytes
        if size > _TOGETHER:
            grouped.append(tuple(together))
            together, size = [], 0
    grouped += [tuple(together)] if together else []
    return sorted(grouped, key=lambda task: -sum(piece.bytes for piece in task))


def _cut(unit: WorkUnit, share: int) -> Iterator[WorkUnit]:
    if unit.rows or unit.packed:
        yield unit
        return
    parts = -(-unit.bytes // share)
    cuts = [unit.bytes * number // parts for number in range(parts)]
    for start, end in zip(cuts, [*cuts[1:], None], strict=True):
        yield replace(unit, start=start, end=end, bytes=(end or unit.bytes) - start)


class OpenZips:
    """Zip files that a process keeps open, because their lists of members are long."""

    def __init__(self) -> None:
        self._open: dict[Path, zipfile.ZipFile] = {}

    @contextmanager
    def content(self, unit: WorkUnit) -> Iterator[BinaryIO]:
        """Yield the bytes of a piece's file or member, from their beginning."""
        if unit.member is None:
            with unit.path.open("rb") as stream:
                yield stream
            return
        if unit.path not in self._open:
            self._open[unit.path] = zipfile.ZipFile(unit.path)
        archive = self._open[unit.path]
        with archive.open(archive.infolist()[unit.member]) as member:
            yield io.BufferedReader(cast(zipfile.ZipExtFile, member), BLOCK)  # `open` is annotated as any stream

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()
