"""Segments and table states, each stored under the SHA-256 of its content.

    snapshots/ab/cd/<sha256>.csv.gz    a segment: rows of one table in PostgreSQL's CSV dialect, no header
    snapshots/ab/cd/<sha256>.json.gz   a table's state: columns, and its segments in order
    snapshots/ab/cd/<name>.pack        small blobs of one capture, gzip after gzip

A blob is named by its *ref*: `<sha256>` if it is a file of its own, `<sha256>@<pack>+<offset>+<length>` if it is in
a pack. The hash is that of the uncompressed bytes, so `zcat FILE | sha256sum` checks a file, and equal rows are
stored once, whatever compressed them. A snapshot names one state per table.
"""

import builtins
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from django.core.files.storage import Storage, default_storage
from isal import igzip, isal_zlib

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Rows of one segment share `id >> CUT`: a range of 8,192 ids.
CUT = 13
FOLDER = "snapshots"
_WAY_OUT = (
    "`manage.py verify --all` repairs it if there is another copy, and a full snapshot does if the source still has "
    "these rows; otherwise copy its file from a backup into the storage."
)
_LEVEL = 1  # isal has levels 0 to 3; 1 costs almost nothing
# isal's own description calls its exception's class an instance.
_SPOILT = (EOFError, gzip.BadGzipFile, cast(type[Exception], isal_zlib.error))


@dataclass(frozen=True)
class Segment:
    """A run of a table's rows, in the blob named by the ref `blob`.

    `range` is their common `id >> cut`, None if the table is not cut. `figure` is what the source said of these row
    versions (exports.capture.fingerprints), None if they did not come from a capture.
    """

    blob: str
    rows: int
    bytes: int
    range: int | None = None
    figure: str | None = None

    @property
    def sha256(self) -> str:
        return sha256_of(self.blob)


@dataclass(frozen=True)
class TableState:
    """A table at one moment. `cut` is None for a table without an integer id: it is one segment, ordered by text.

    `shape` names the table's definition in the source's catalogue; with another shape the figures are not valid.
    `less`: for a state without some participants' rows (exports.store.participant_filter), a hash of who they are, and
    the ref of the state with all rows.
    """

    table: str
    columns: tuple[Column, ...]
    cut: int | None
    segments: tuple[Segment, ...]
    shape: str | None = None
    less: tuple[str, str] | None = None

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @property
    def bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)

    @property
    def content(self) -> str:
        """A hash of columns and rows, independent of where they are stored and of their figures."""
        listed: list[object] = [[asdict(column) for column in self.columns], self.cut]
        listed += [[segment.range, segment.sha256, segment.rows] for segment in self.segments]
        return hashlib.sha256(_json(listed)).hexdigest()

    def to_bytes(self) -> builtins.bytes:
        content = asdict(self)
        if self.less is None:
            del content["less"]  # so that these states have the same bytes as before `less` existed
        return _json(content)

    @classmethod
    def from_bytes(cls, data: builtins.bytes) -> "TableState":
        content = json.loads(data)
        columns = tuple(Column(**column) for column in content["columns"])
        segments = tuple(_segment(**segment) for segment in content["segments"])
        less = content.get("less")
        return cls(
            content["table"], columns, content["cut"], segments, content.get("shape"), tuple(less) if less else None
        )


def _segment(*, sha256: str = "", blob: str = "", **rest: Any) -> Segment:
    """Make a Segment. States written before packs existed name only the hash."""
    return Segment(blob or sha256, **rest)


class Store:
    """The content-addressed part of the storage, for reading; exports.store.writer writes it.

    `over`: a job's own folder with further blobs under the same names, which is searched first.
    """

    def __init__(self, storage: Storage = default_storage, over: Path | None = None):
        self.storage = storage
        self.over = over
        self._pack: tuple[str, bytes] = ("", b"")

    def state(self, ref: str) -> TableState:
        """Return the table state of a ref. Raises Damaged if it is missing or has changed."""
        return TableState.from_bytes(b"".join(self.unpacked(ref, "json")))

    @contextmanager
    def open(self, segment: Segment) -> Iterator[BinaryIO]:
        """Yield the segment's rows as an uncompressed, buffered stream. This does not check the hash: see `check`."""
        with self._unpacked(segment.blob, "csv") as stream, io.BufferedReader(stream, BLOCK) as buffered:
            try:
                yield buffered
            except _SPOILT:
                raise spoilt(segment.blob) from None

    def blocks(self, segment: Segment) -> Iterator[bytes]:
        """Yield the segment's rows in blocks. Raises Damaged after the last block if they are not what was stored."""
        return self.unpacked(segment.blob, "csv")

    def segment_files(self, ref: str) -> set[str]:
        """Return the names of the files that hold the segments of a table's state. Raises Damaged."""
        return {file_of(segment.blob, "csv") for segment in self.state(ref).segments}

    def check(self, ref: str, kind: str = "csv") -> int:
        """Uncompress a blob and compare its hash. Return its uncompressed size in bytes. Raises Damaged."""
        return sum(len(block) for block in self.unpacked(ref, kind))

    def unpacked(self, ref: str, kind: str) -> Iterator[bytes]:
        """Yield a blob's uncompressed bytes in blocks. Raises Damaged after the last block if its hash differs."""
        digest = hashlib.sha256()
        try:
            with self._unpacked(ref, kind) as stream:
                while block := stream.read(BLOCK):
                    digest.update(block)
                    yield block
        except _SPOILT:
            raise spoilt(ref) from None
        if digest.hexdigest() != sha256_of(ref):
            raise spoilt(ref)

    @contextmanager
    def _unpacked(self, ref: str, kind: str) -> Iterator[igzip.GzipFile]:
        try:
            file = io.BytesIO(self._in_pack(ref)) if "@" in ref else self._file(file_of(ref, kind))
        except FileNotFoundError:
            raise _gone(ref) from None
        with file, igzip.GzipFile(fileobj=file, mode="rb") as stream:
            yield stream

    def _file(self, name: str) -> BinaryIO:
        if self.over is not None and (path := self.over / name).exists():
            return path.open("rb")
        file: BinaryIO = self.storage.open(name, "rb")
        return file

    def _in_pack(self, ref: str) -> bytes:
        """Read from a pack. The last pack is kept: a capture's blobs are read together, and packs are small."""
        pack, offset, length = (part for part in ref.partition("@")[2].split("+"))
        if self._pack[0] != pack:
            with self.storage.open(file_of(ref, ""), "rb") as file:
                self._pack = pack, file.read()
        return self._pack[1][int(offset) : int(offset) + int(length)]


def sha256_of(ref: str) -> str:
    return ref.partition("@")[0]


def pack_of(ref: str) -> str | None:
    """Return the name of the pack that holds a blob, None for a file of its own."""
    return ref.partition("@")[2].partition("+")[0] or None


def file_of(ref: str, kind: str) -> str:
    """Return the name in the storage of the file that holds a blob: a pack, or its own `csv` or `json`."""
    pack = pack_of(ref)
    return pack_name(pack) if pack else f"{FOLDER}/{ref[:2]}/{ref[2:4]}/{ref}.{kind}.gz"


def pack_name(pack: str) -> str:
    return f"{FOLDER}/{pack[:2]}/{pack[2:4]}/{pack}.pack"


def pack(data: bytes) -> bytes:
    """Compress with gzip, without a time, so that equal bytes give equal files."""
    return igzip.compress(data, _LEVEL, mtime=0)


class PackedFile(io.RawIOBase):
    """Takes the CSV of a segment and writes it compressed to a new file of `folder`, `path`; best given in blocks.

    `sha256` and `size` are those of the uncompressed bytes so far. `check_cancelled` is called at each write and may
    raise.
    """

    def __init__(self, folder: Path, check_cancelled: Callable[[], None] | None = None):
        with NamedTemporaryFile(dir=folder, suffix=".csv.gz", delete=False) as file:
            self.path = Path(file.name)
        self.size = 0
        self._check_cancelled = check_cancelled
        self._digest = hashlib.sha256()
        self._file = self.path.open("wb")
        self._packed = igzip.GzipFile(filename="", fileobj=self._file, mode="wb", compresslevel=_LEVEL, mtime=0)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, block: "ReadableBuffer") -> int:
        if self._check_cancelled:
            self._check_cancelled()
        self._digest.update(block)
        self._packed.write(block)
        size = memoryview(block).nbytes
        self.size += size
        return size

    def close(self) -> None:
        """Close the file even if the disk is full, so that this error is the one that is reported."""
        if not self.closed:
            try:
                with self._file:
                    self._packed.close()
            finally:
                super().close()


def write_segment(
    folder: Path, raw: Iterable[bytes], *, check_cancelled: Callable[[], None] | None = None
) -> tuple[Path, str, int]:
    """Compress blocks of CSV into a file of `folder`. Return (path, SHA-256 and size of the uncompressed bytes)."""
    with PackedFile(folder, check_cancelled) as file:
        for block in raw:
            file.write(block)
    return file.path, file.sha256, file.size


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _gone(ref: str) -> Damaged:
    return Damaged(f"The stored segment {ref[:12]}… is missing from the storage; {_WAY_OUT}")


def spoilt(ref: str) -> Damaged:
    return Damaged(f"The stored segment {ref[:12]}… is damaged: its hash does not match; {_WAY_OUT}")
