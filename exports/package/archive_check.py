"""Check that an export still holds what its manifest says: a folder, a zip, or a stored archive."""

import hashlib
import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from django.conf import settings

from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput, NotFound

from .manifest import NAME

# What zipfile raises for a damaged archive: its own error, and those of struct, seek, zlib and of damaged flags.
BAD_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, OverflowError, NotImplementedError, RuntimeError),
)


class Tree(Protocol):
    def names(self) -> list[str]: ...

    def open(self, name: str) -> BinaryIO: ...


class ZipTree:
    def __init__(self, file: Path | BinaryIO):
        try:
            self._zip = zipfile.ZipFile(file)
        except BAD_ZIP:
            raise BadInput("This is not a zip that can be read; it may have been cut short.") from None

    def names(self) -> list[str]:
        return [info.filename for info in self._zip.infolist() if not info.is_dir()]

    def open(self, name: str) -> BinaryIO:
        return self._zip.open(name)

    def close(self) -> None:
        self._zip.close()


class FolderTree:
    def __init__(self, path: Path):
        self._path = path

    def names(self) -> list[str]:
        paths = (path for path in self._path.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(path.relative_to(self._path).as_posix() for path in paths)

    def open(self, name: str) -> BinaryIO:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise BadInput(f"{name} is not an ordinary file.")
        return path.open("rb")


@dataclass
class ArchiveContents:
    """What was checked, and one line for each problem. `rows`: of all tables, each counted once."""

    problems: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    rows: int = 0


def verify_path(path: Path) -> ArchiveContents:
    """Check a folder or zip on disk against its manifest. Raises NotFound, and BadInput if it is not an export."""
    if path.is_dir():
        return check(FolderTree(path))
    if not path.exists():
        raise NotFound(f"There is nothing at {path}.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from None
    with file:
        tree = ZipTree(file)
        try:
            return check(tree)
        finally:
            tree.close()


def read_manifest(tree: Tree) -> dict:
    """Return the tree's manifest. Raises BadInput if there is none or it cannot be read."""
    if NAME not in tree.names():
        raise BadInput(f"There is no {NAME} here, so this is not an export that can be verified.")
    try:
        with tree.open(NAME) as file:
            content = json.load(file)
    except (OSError, *BAD_ZIP):
        content = None
    if not _is_manifest(content):
        raise BadInput(f"{NAME} cannot be read; the export may have been changed or cut short.")
    return content


def _is_manifest(content: object) -> bool:
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("files"), list)
        or not isinstance(content.get("tables"), dict)
    ):
        return False
    needed = {"path", "bytes", "sha256"}
    return all(
        isinstance(file, dict) and file.keys() >= (needed | {"rows", "table"} if "class" in file else needed)
        for file in content["files"]
    )


def check(tree: Tree) -> ArchiveContents:
    """Check every file by size, hash and rows; every table by its rows in database.zip and the class files (law 7)."""
    manifest = read_manifest(tree)
    checked = ArchiveContents()
    listed = {file["path"]: file for file in manifest["files"]}
    there = Counter(tree.names())
    checked.problems += [f"{name} is in the archive more than once." for name, n in sorted(there.items()) if n > 1]
    checked.problems += [f"{name} is missing." for name in sorted(listed.keys() - there.keys())]
    checked.problems += [f"{name} is not in the manifest." for name in sorted(there.keys() - listed.keys() - {NAME})]
    of_classes: dict[str, Counter[str]] = {}
    for name in sorted(listed.keys() & there.keys()):
        _check_file(tree, listed[name], manifest["tables"], checked)
        if "class" in listed[name]:
            of_classes.setdefault(str(PurePosixPath(name).parent), Counter())[listed[name]["table"]] += listed[name][
                "rows"
            ]
    for folder, rows in sorted(of_classes.items()):
        checked.problems += [
            f"The class files in {folder} hold {rows[table]} rows of table {table}, the snapshot {expected}."
            for table, expected in sorted(manifest["tables"].items())
            if rows[table] != expected
        ]
    return checked


def _check_file(tree: Tree, listed: dict, tables: dict[str, int], checked: ArchiveContents) -> None:
    name = listed["path"]
    try:
        with tree.open(name) as file:
            if name.endswith("database.zip"):
                rows_by_table = _read_database(file, name, tables, checked)
            else:
                rows_by_table = read(file, count=name.endswith(".csv") and "rows" in listed)
    except (BadInput, OSError, *BAD_ZIP):
        checked.problems.append(f"{name} cannot be read to its end.")
        return
    checked.files += 1
    checked.bytes += rows_by_table.bytes
    if (rows_by_table.bytes, rows_by_table.sha256) != (listed["bytes"], listed["sha256"]):
        checked.problems.append(f"{name} has changed: its SHA-256 is different.")
    elif rows_by_table.rows is not None and rows_by_table.rows != listed["rows"]:
        checked.problems.append(f"{name} has {rows_by_table.rows} rows, but the manifest says {listed['rows']}.")


@dataclass(frozen=True)
class FileContent:
    """The contents of a file. `rows`: of a CSV, without its header; None if not counted."""

    bytes: int
    sha256: str
    rows: int | None = None


def read(file: BinaryIO, *, count: bool = False, copy: BinaryIO | None = None) -> FileContent:
    """Read a file to its end, and copy it to `copy` if given."""
    digest, size, counter = hashlib.sha256(), 0, csvtext.RecordCounter()
    while block := file.read(BLOCK):
        digest.update(block)
        size += len(block)
        if count:
            counter.add(block)
        if copy is not None:
            copy.write(block)
    return FileContent(size, digest.hexdigest(), counter.records - 1 if count else None)


def _read_database(file: BinaryIO, name: str, tables: dict[str, int], checked: ArchiveContents) -> FileContent:
    with TemporaryFile(dir=settings.TEMP_DIR) as copy:
        content = read(file, copy=copy)
        with zipfile.ZipFile(copy) as archive:
            rows_by_table = dict(_table_rows(archive))
    checked.rows += sum(rows_by_table.values())
    checked.problems += [f"{name} holds no table {table}." for table in sorted(tables.keys() - rows_by_table.keys())]
    checked.problems += [
        f"{name} holds a table {table} that is not in the manifest."
        for table in sorted(rows_by_table.keys() - tables.keys())
    ]
    checked.problems += [
        f"{name} holds {rows_by_table[table]} rows of table {table}, the snapshot {tables[table]}."
        for table in sorted(tables.keys() & rows_by_table.keys())
        if rows_by_table[table] != tables[table]
    ]
    return content


def _table_rows(archive: zipfile.ZipFile) -> Iterator[tuple[str, int]]:
    for member in archive.namelist():
        if member.startswith("data/") and member.endswith(".csv"):
            with archive.open(member) as file:
                rows = read(file, count=True).rows
            yield member.removeprefix("data/").removesuffix(".csv"), rows
