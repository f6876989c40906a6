"""The source `upload`: find the one database in a file or folder that someone provides, and read its tables.

Accepted are PsyNet's `database.zip`, PsyNet's and our exports (a folder or a zip), and a zip within one (PsyNet's
dashboard nests `regular/data/app-data.zip`). A database is where `data/participant.csv` is: a table's file has the
table's name. The class files of an export (`data/Participant.csv`) are not tables.
"""

import io
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.tables import REQUIRED_TABLES

from .untrusted_zip import SafeZip, printable_name, refuse_nul

_TABLE_FILE = re.compile(r"(?P<prefix>(?:.*/)?)data/(?P<table>[A-Za-z_][A-Za-z0-9_$]{0,62})\.csv")
_ZIP_DEPTH = 3
_FOLDER_DEPTH = 5
# An experiment's source code and files may hold archives of any kind.
_NOT_LOOKED_INTO = {"assets", "source_code", "__MACOSX", "node_modules"}


class Folder:
    """The files of a folder, with the interface of SafeZip."""

    def __init__(self, path: Path, label: str):
        self.label = label
        self._path = path
        self.files = dict(self._walk())

    def open(self, name: str) -> BinaryIO:
        return io.BufferedReader(_WithoutNul(self.path(name), f"{printable_name(name)} in {self.label}"), BLOCK)

    def path(self, name: str) -> Path:
        return self._path / name

    def check_together(self, names: list[str]) -> None:
        """Do nothing: files on disk really have their size."""

    def fingerprint(self, name: str) -> tuple[int, int]:
        """Return (size, CRC-32)."""
        crc = 0
        with self.path(name).open("rb") as file:
            while block := file.read(BLOCK):
                crc = zlib.crc32(block, crc)
        return self.files[name], crc

    def newest(self, names: list[str]) -> datetime | None:
        newest = max(self.path(name).stat().st_mtime for name in names)
        return datetime.fromtimestamp(newest, UTC)

    def _walk(self) -> Iterator[tuple[str, int]]:
        for place, folders, files in os.walk(self._path):
            inside = Path(place).relative_to(self._path)
            deep = len(inside.parts) >= _FOLDER_DEPTH
            folders[:] = [] if deep else sorted(folder for folder in folders if _is_looked_into(folder))
            for name in sorted(files):
                path = Path(place, name)
                if name.endswith((".csv", ".zip")) and path.is_file():
                    yield (inside / name).as_posix(), path.stat().st_size


class Upload:
    """A database from a file or folder. `tables`: {table: name of its file}; `label` is its name in sentences.

    `anonymous`: it is in the anonymous part of an export. `packed_at`: when the tables were compressed, in UTC, or
    without a zone in the clock of that machine; None if not known. `outermost`: the folder or zip that was provided;
    `where`: the path from there to the tables, also through zips within it.
    """

    def __init__(
        self,
        container: SafeZip | Folder,
        prefix: str,
        tables: dict[str, str],
        trail: str,
        *,
        outermost: SafeZip | Folder,
    ):
        self.label = container.label if not prefix else f"{printable_name(prefix.rstrip('/'))} in {container.label}"
        self.tables = tables
        self.anonymous = _is_anonymous(trail + prefix)
        self.outermost, self.where = outermost, trail + prefix
        self.packed_at = container.newest(list(tables.values()))
        self._container = container

    def open(self, table: str) -> BinaryIO:
        """Return the table's file as a buffered stream; reading raises BadInput if its content is not as declared."""
        return self._container.open(self.tables[table])

    def size(self, table: str) -> int:
        return self._container.files[self.tables[table]]

    def called(self, table: str) -> str:
        """Return the name of the table's file in sentences."""
        return f"data/{table}.csv"

    def fingerprint(self) -> dict[str, tuple[int, int]]:
        return {table: self._container.fingerprint(name) for table, name in self.tables.items()}

    def check(self) -> None:
        """Raise BadInput if tables are missing, differ only in case, or have impossible sizes."""
        lower: dict[str, str] = {}
        for table in self.tables:
            twin = lower.setdefault(table.lower(), table)
            if twin != table:
                raise BadInput(
                    f"{self.label} holds both data/{twin}.csv and data/{table}.csv; "
                    "keep a database's tables separate from the class files of an export."
                )
        missing = [f"data/{table}.csv" for table in REQUIRED_TABLES if table not in self.tables]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise BadInput(f"{self.label} is not a complete PsyNet database: {' and '.join(missing)} {verb} missing.")
        self._container.check_together(list(self.tables.values()))


@contextmanager
def open_upload(path: Path, folder: Path) -> Iterator[Upload]:
    """Yield the one database at `path`, its names and sizes checked; `folder` takes copies of zips within a zip.

    A regular one is preferred to an anonymous one. Raises BadInput if there is none, or if there are two that differ.
    """
    with ExitStack() as opened:
        try:
            folder_or_zip = _DatabaseFinder(path, folder, opened).find()
        except FileNotFoundError:
            raise BadInput(f"There is nothing at {printable_name(str(path))}.") from None
        except OSError as error:
            raise BadInput(f"{printable_name(str(path))} cannot be read: {error.strerror or error}.") from None
        yield folder_or_zip


class _DatabaseFinder:
    def __init__(self, path: Path, folder: Path, opened: ExitStack):
        self._path = path
        self._folder = folder
        self._opened = opened
        self._zips: dict[str, SafeZip] = {}

    def find(self) -> Upload:
        label = printable_name(self._path.name or str(self._path))
        if self._path.is_dir():
            top = Folder(self._path, label)
        elif self._path.exists() and not self._path.is_file():
            raise BadInput(f"{label} is neither a file nor a folder.")
        else:
            top = self._open_zip(self._path, label)
        # For `…/anonymous` and `…/anonymous/database.zip` of an export the path itself says so.
        trail = "anonymous/" if "anonymous" in self._path.absolute().parts[-2:] else ""
        for anonymous in (False, True):
            first = None
            for upload in self._search(top, top, trail, anonymous):
                if first and upload.fingerprint() != first.fingerprint():
                    raise BadInput(
                        f"{label} holds two different databases, {first.label} and {upload.label}; load one of them."
                    )
                first = first or upload
            if first:
                first.check()
                return first
        raise BadInput(f"{label} holds no PsyNet database: data/participant.csv is missing.")

    def _search(
        self, top: SafeZip | Folder, container: SafeZip | Folder, trail: str, anonymous: bool, depth: int = 1
    ) -> Iterator[Upload]:
        """Yield databases in the container and in zips within it: either the anonymous ones or the others."""
        for prefix, tables in _databases(container.files):
            upload = Upload(container, prefix, tables, trail, outermost=top)
            if upload.anonymous == anonymous:
                yield upload
        for name in sorted(container.files):
            inside = f"{trail}{name}/"
            if depth < _ZIP_DEPTH and _may_hold_a_database(name) and (anonymous or not _is_anonymous(inside)):
                within = self._zip_within(container, name, inside)
                yield from self._search(top, within, inside, anonymous, depth + 1)

    def _zip_within(self, container: SafeZip | Folder, name: str, trail: str) -> SafeZip:
        if trail not in self._zips:
            label = f"{printable_name(name)} in {container.label}"
            path = container.path(name) if isinstance(container, Folder) else self._copy(container, name)
            self._zips[trail] = self._open_zip(path, label)
        return self._zips[trail]

    def _copy(self, container: SafeZip, name: str) -> Path:
        path = self._folder / f"within-{len(self._zips)}.zip"
        with container.open(name, text=False) as source, path.open("wb") as target:
            while block := source.read(BLOCK):
                target.write(block)
        return path

    def _open_zip(self, path: Path, label: str) -> SafeZip:
        archive = SafeZip(path, label)
        self._opened.callback(archive.close)
        return archive


class _WithoutNul(io.RawIOBase):
    """A file on disk; reading raises at its first NUL byte."""

    def __init__(self, path: Path, called: str):
        self._file = path.open("rb", buffering=0)
        self._called = called

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self._file.readinto(buffer)
        refuse_nul(bytes(buffer[:count]), self._called)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _databases(files: dict[str, int]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (prefix, {table: name}) of each place that holds a table `participant`."""
    places: dict[str, dict[str, str]] = {}
    for name in sorted(files):
        match = _TABLE_FILE.fullmatch(name)
        if match and _is_looked_into(*PurePosixPath(name).parts):
            places.setdefault(match["prefix"], {})[match["table"]] = name
    for prefix, tables in places.items():
        if "participant" in tables:
            yield prefix, tables


def _is_looked_into(*parts: str) -> bool:
    return not any(part in _NOT_LOOKED_INTO or part.startswith(".") for part in parts)


def _may_hold_a_database(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".zip" and path.stem not in _NOT_LOOKED_INTO and _is_looked_into(*path.parts)


def _is_anonymous(trail: str) -> bool:
    return "anonymous" in PurePosixPath(trail).parts
