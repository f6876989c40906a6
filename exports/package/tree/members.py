"""The files of an export and their hashes."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from exports.package.progress_meter import ProgressMeter
from psynetdata.psynet.csvtext import BLOCK


@dataclass(frozen=True)
class Member:
    """A file of the tree: at `path` until it is in the archive, or None if it is written into it directly.

    `rows`, `table` and `class_name` are set for a table's file. `sha256` is "" while it is not known.
    """

    name: str
    path: Path | None
    bytes: int = 0
    sha256: str = ""
    rows: int | None = None
    table: str | None = None
    class_name: str | None = None

    def to_json(self) -> dict:
        content = {"path": self.name, "bytes": self.bytes, "sha256": self.sha256}
        more = {"rows": self.rows, "table": self.table, "class": self.class_name}
        return content | {key: value for key, value in more.items() if value is not None}


def write(path: Path, blocks: Iterable[bytes]) -> tuple[int, str]:
    """Write a file. Return (its bytes, their SHA-256)."""
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
    """Return (a file's bytes, their SHA-256)."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, meter: ProgressMeter | None = None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if meter is not None:
                meter.check()
            yield block
