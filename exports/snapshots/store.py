"""Segments and table states, each once under the SHA-256 of what it holds.

    snapshots/ab/cd/<sha256>.csv.gz    a segment: rows of one table in PostgreSQL's CSV dialect, no header
    snapshots/ab/cd/<sha256>.json.gz   a table's state: columns, and its segments in order

The name is the hash of the uncompressed bytes, so `zcat FILE | sha256sum` checks a file and equal
rows are stored once, whatever compressed them. A snapshot names one state per table.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, default_storage
from isal import igzip, isal_zlib

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column

# Rows of one segment share `id >> CUT`; an id range of 8,192.
CUT = 13
_LEVEL = 1  # isal's levels are 0 to 3; 1 costs next to nothing


@dataclass(frozen=True)
class Segment:
    """A run of a table's rows: `range` is their common `id >> cut`, None where the table is not cut."""

    sha256: str
    rows: int
    bytes: int
    range: int | None = None


@dataclass(frozen=True)
class TableState:
    """A table at one moment. `cut` is None for a table without an integer id: it is one segment, ordered by text."""

    table: str
    columns: tuple[Column, ...]
    cut: int | None
    segments: tuple[Segment, ...]

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @property
    def bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TableState":
        found = json.loads(data)
        columns = tuple(Column(**column) for column in found["columns"])
        segments = tuple(Segment(**segment) for segment in found["segments"])
        return cls(found["table"], columns, found["cut"], segments)


class Store:
    """The content-addressed part of the storage."""

    def __init__(self, storage: Storage = default_storage):
        self.storage = storage

    def put_file(self, packed: Path, sha256: str) -> bool:
        """Keep a gzip file as the segment `sha256`, which is the hash of what it unpacks to. False: it was there."""
        name = _name(sha256, "csv")
        if self.storage.exists(name):
            return False
        with packed.open("rb") as file:
            self.storage.save(name, File(file))
        return True

    def put_state(self, state: TableState) -> tuple[str, bool]:
        """(sha256 of the state, whether it is new here)."""
        data = state.to_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        name = _name(sha256, "json")
        if self.storage.exists(name):
            return sha256, False
        with NamedTemporaryFile(dir=settings.TEMP_DIR) as file:
            file.write(pack(data))
            file.flush()
            file.seek(0)
            self.storage.save(name, File(file))
        return sha256, True

    def state(self, sha256: str) -> TableState:
        """The table state kept under the hash; raises Damaged when it is gone or no longer what it was."""
        return TableState.from_bytes(b"".join(self._blocks(sha256, "json")))

    @contextmanager
    def open(self, segment: Segment) -> Iterator[BinaryIO]:
        """The segment's rows as an unpacked, buffered stream. Its hash is not looked at: see `check`."""
        try:
            file = self.storage.open(_name(segment.sha256, "csv"), "rb")
        except FileNotFoundError:
            raise _gone(segment.sha256) from None
        with file, io.BufferedReader(igzip.GzipFile(fileobj=file, mode="rb"), BLOCK) as stream:
            try:
                yield stream
            except (EOFError, igzip.BadGzipFile, isal_zlib.error):
                raise _spoilt(segment.sha256) from None

    def check(self, sha256: str, kind: str = "csv") -> int:
        """Unpack a blob and compare its hash; its unpacked size in bytes, or Damaged."""
        return sum(len(block) for block in self._blocks(sha256, kind))

    def remove(self, sha256: str, kind: str) -> None:
        self.storage.delete(_name(sha256, kind))

    def _blocks(self, sha256: str, kind: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        try:
            with (
                self.storage.open(_name(sha256, kind), "rb") as file,
                igzip.GzipFile(fileobj=file, mode="rb") as stream,
            ):
                while block := stream.read(BLOCK):
                    digest.update(block)
                    yield block
        except FileNotFoundError:
            raise _gone(sha256) from None
        except (EOFError, igzip.BadGzipFile, isal_zlib.error):
            raise _spoilt(sha256) from None
        if digest.hexdigest() != sha256:
            raise _spoilt(sha256)


def pack(data: bytes) -> bytes:
    """gzip without a time, so that equal bytes pack to equal bytes."""
    return igzip.compress(data, _LEVEL, mtime=0)


def write_segment(
    folder: Path, raw: Iterable[bytes], *, look: Callable[[], None] | None = None
) -> tuple[Path, str, int]:
    """Pack blocks of CSV into a file of `folder`: (path, sha256 and size of the unpacked bytes)."""
    digest, size = hashlib.sha256(), 0
    with (
        NamedTemporaryFile(dir=folder, suffix=".csv.gz", delete=False) as file,
        igzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
    ):
        for block in raw:
            digest.update(block)
            size += len(block)
            packed.write(block)
            if look:
                look()
    return Path(file.name), digest.hexdigest(), size


def _name(sha256: str, kind: str) -> str:
    return f"snapshots/{sha256[:2]}/{sha256[2:4]}/{sha256}.{kind}.gz"


def _gone(sha256: str) -> Damaged:
    return Damaged(f"The stored segment {sha256[:12]}… is missing from the storage; restore it from a backup.")


def _spoilt(sha256: str) -> Damaged:
    return Damaged(f"The stored segment {sha256[:12]}… is damaged: its hash does not fit; restore it from a backup.")
