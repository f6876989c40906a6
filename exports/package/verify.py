"""Does an export still hold what its manifest says? A folder, a zip, or a stored archive."""

import hashlib
import io
import json
import shutil
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
from .meter import Meter

# What zipfile raises for a damaged archive: beside its own error those of struct, seek, zlib and of damaged flags.
_BAD_ZIP = (
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
        except _BAD_ZIP:
            raise BadInput("This is no zip that can be read; it may have been cut short.") from None

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
        found = (path for path in self._path.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(path.relative_to(self._path).as_posix() for path in found)

    def open(self, name: str) -> BinaryIO:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise BadInput(f"{name} is no ordinary file.")
        return path.open("rb")


@dataclass
class Checked:
    """What was looked at, and one line for each thing that is not as it should be. `rows`: of all tables, once."""

    problems: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    rows: int = 0


def verify_path(path: Path) -> Checked:
    """An export on disk, folder or zip, by its manifest. Raises NotFound, and BadInput for what is no export."""
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
    """The tree's manifest; raises BadInput where there is none that can be read."""
    if NAME not in tree.names():
        raise BadInput(f"There is no {NAME} here, so this is no export that can be verified.")
    try:
        with tree.open(NAME) as file:
            found = json.load(file)
    except (OSError, *_BAD_ZIP):
        found = None
    if not _is_manifest(found):
        raise BadInput(f"{NAME} cannot be read; the export may have been changed or cut short.")
    return found


def _is_manifest(found: object) -> bool:
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("files"), list)
        or not isinstance(found.get("tables"), dict)
    ):
        return False
    needed = {"path", "bytes", "sha256"}
    return all(
        isinstance(file, dict) and file.keys() >= (needed | {"rows", "table"} if "class" in file else needed)
        for file in found["files"]
    )


def check(tree: Tree, meter: Meter | None = None) -> Checked:
    """Every file by size, hash and rows; every table by its rows in database.zip and in the class files (law 7)."""
    manifest = read_manifest(tree)
    checked = Checked()
    listed = {file["path"]: file for file in manifest["files"]}
    there = Counter(tree.names())
    checked.problems += [f"{name} stands in the archive more than once." for name, n in sorted(there.items()) if n > 1]
    checked.problems += [f"{name} is missing." for name in sorted(listed.keys() - there.keys())]
    checked.problems += [f"{name} is not in the manifest." for name in sorted(there.keys() - listed.keys() - {NAME})]
    of_classes: dict[str, Counter[str]] = {}
    for name in sorted(listed.keys() & there.keys()):
        _check_file(tree, listed[name], manifest["tables"], checked, meter)
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


def _check_file(tree: Tree, listed: dict, tables: dict[str, int], checked: Checked, meter: Meter | None) -> None:
    name = listed["path"]
    try:
        with tree.open(name) as file, _Hashing(file) as hashing, io.BufferedReader(hashing, BLOCK) as stream:
            rows = None
            if "rows" in listed:
                rows = sum(1 for _ in _metered(csvtext.records(stream, name=name), meter)) - 1
            elif name.endswith("database.zip"):
                checked.problems += _check_database(stream, name, tables, checked, meter)
            while stream.read(BLOCK):
                pass
            found, size = hashing.sha256.hexdigest(), hashing.size
    except (BadInput, OSError, *_BAD_ZIP):
        checked.problems.append(f"{name} cannot be read to its end.")
        return
    checked.files += 1
    checked.bytes += size
    if (size, found) != (listed["bytes"], listed["sha256"]):
        checked.problems.append(f"{name} is not what it was: its SHA-256 is another.")
    elif rows is not None and rows != listed["rows"]:
        checked.problems.append(f"{name} has {rows} rows where the manifest says {listed['rows']}.")


def _check_database(
    stream: BinaryIO, name: str, tables: dict[str, int], checked: Checked, meter: Meter | None
) -> list[str]:
    with TemporaryFile(dir=settings.TEMP_DIR) as copy:
        shutil.copyfileobj(stream, copy, BLOCK)
        with zipfile.ZipFile(copy) as archive:
            found = dict(_table_rows(archive, meter))
    checked.rows += sum(found.values())
    problems = [f"{name} holds no table {table}." for table in sorted(tables.keys() - found.keys())]
    problems += [
        f"{name} holds a table {table} that is not in the manifest." for table in sorted(found.keys() - tables.keys())
    ]
    return problems + [
        f"{name} holds {found[table]} rows of table {table}, the snapshot {tables[table]}."
        for table in sorted(tables.keys() & found.keys())
        if found[table] != tables[table]
    ]


def _table_rows(archive: zipfile.ZipFile, meter: Meter | None) -> Iterator[tuple[str, int]]:
    for member in archive.namelist():
        if member.startswith("data/") and member.endswith(".csv"):
            with archive.open(member) as file, io.BufferedReader(file, BLOCK) as stream:
                rows = sum(1 for _ in _metered(csvtext.records(stream, name=member), meter)) - 1
            yield member.removeprefix("data/").removesuffix(".csv"), rows


def _metered(records: Iterator[bytes], meter: Meter | None) -> Iterator[bytes]:
    return records if meter is None else meter.count(records, "checking")


class _Hashing(io.RawIOBase):
    """A stream that hashes what is read through it."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.sha256.update(data)
        self.size += len(data)
        return len(data)
