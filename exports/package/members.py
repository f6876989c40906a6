"""The files of an export: written with their hash, and streamed into a zip."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isal import isal_zlib
from stream_zip import ZIP_64, stream_zip

from psynetdata.psynet.csvtext import BLOCK

from .meter import Meter

_MODE = 0o100644
_LEVEL = 2  # isal's levels are 0 to 3
# The first and the last second that a zip's time can hold in all its forms (DOS, and 32 bits of seconds).
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Member:
    """A finished file of the tree. `rows`, `table` and `class_name` where it is a table's."""

    name: str
    path: Path
    bytes: int
    sha256: str
    rows: int | None = None
    table: str | None = None
    class_name: str | None = None

    def to_json(self) -> dict:
        told = {"path": self.name, "bytes": self.bytes, "sha256": self.sha256}
        more = {"rows": self.rows, "table": self.table, "class": self.class_name}
        return told | {key: value for key, value in more.items() if value is not None}


def write(path: Path, blocks: Iterable[bytes]) -> tuple[int, str]:
    """Write a file: (its bytes, their sha256)."""
    digest, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for block in blocks:
            digest.update(block)
            size += len(block)
            file.write(block)
    return size, digest.hexdigest()


def written(name: str, path: Path, blocks: Iterable[bytes], **told) -> Member:
    size, sha256 = write(path, blocks)
    return Member(name, path, size, sha256, **told)


def hashed(path: Path) -> tuple[int, str]:
    """(a file's bytes, their sha256)"""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, meter: Meter | None = None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if meter is not None:
                meter.check()
            yield block


def zipped(files: Iterable[tuple[str, Iterable[bytes]]], moment: datetime) -> Iterator[bytes]:
    """A zip of (name, blocks) in the order given. Equal files and moment give equal bytes; memory follows a block."""
    at = min(max(moment.astimezone(UTC), _EARLIEST), _LATEST).replace(microsecond=0)
    entries = ((name, at, _MODE, ZIP_64, blocks) for name, blocks in files)
    return stream_zip(entries, get_compressobj=lambda: isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15))
