"""A snapshot without some participants' rows: for one job in its own folder, for the mirror in the store."""

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from exports.models import Snapshot
from psynetdata.psynet import csvtext
from psynetdata.psynet.ownership.selection import Keep, Ownership
from psynetdata.psynet.problems import Damaged, NotFound

from .blobs import Segment, Store, TableState, file_of, pack, write_segment
from .reader import SnapshotReader

_NAMED = 10  # participants that an error lists
OnProgress = Callable[[str, int], None]
# (table, SHA-256 of a segment)
KnownSegments = frozenset[tuple[str, str]]


class SegmentSink(Protocol):
    """Takes new blobs; exports.store.writer does so for the store."""

    def segment(self, path: Path, sha256: str) -> str: ...

    def state(self, state: TableState) -> str: ...


@dataclass(frozen=True)
class FilteredSnapshot:
    """`snapshot` is not to be saved; `store` reads it. `left_out`: {table: rows} for the tables that lost some."""

    snapshot: Snapshot
    store: Store
    left_out: dict[str, int]

    @property
    def reader(self) -> SnapshotReader:
        return SnapshotReader(self.snapshot, self.store)


def filter_snapshot(
    snapshot: Snapshot, ownership: Ownership, folder: Path, on_progress: OnProgress | None = None
) -> FilteredSnapshot:
    """Leave out rows; a table that loses none is not copied. New blobs are in `folder`.

    `on_progress(table, rows)` is called after each segment that was read, and may raise to stop.
    Raises NotFound for participants who do not exist, and Damaged if rows are neither kept nor left out.
    """
    return filter_into(snapshot, ownership, _FolderSink(folder), folder, on_progress, store=Store(over=folder))


def filter_into(
    snapshot: Snapshot,
    ownership: Ownership,
    sink: SegmentSink,
    folder: Path,
    on_progress: OnProgress | None = None,
    *,
    known: KnownSegments = frozenset(),
    name: str | None = None,
    store: Store | None = None,
) -> FilteredSnapshot:
    """Leave out rows; new blobs go to `sink`, and `folder` holds files on their way there.

    `known`: segments that are known to stay whole; they are not read. With `name`, which stands for who is left out,
    each table that was examined has a state that says so (TableState.less), even if it lost no rows.
    """
    filtering = _Filter(
        SnapshotReader(snapshot), ownership, sink, folder, on_progress or (lambda *_: None), known, name
    )
    tables, left_out = filtering.tables()
    filtered = copy.copy(snapshot)
    filtered.tables = {table: entry for table, (entry, _) in tables.items()}
    filtered.rows = sum(entry["rows"] for entry in filtered.tables.values())
    filtered.bytes = sum(size for _, size in tables.values())
    return FilteredSnapshot(filtered, store or Store(), left_out)


class _FolderSink:
    """A shelf in a folder, for a Store that has this folder as `over`."""

    def __init__(self, folder: Path):
        self._folder = folder

    def segment(self, path: Path, sha256: str) -> str:
        path.rename(self._place(file_of(sha256, "csv")))
        return sha256

    def state(self, state: TableState) -> str:
        data = state.to_bytes()
        ref = hashlib.sha256(data).hexdigest()
        self._place(file_of(ref, "json")).write_bytes(pack(data))
        return ref

    def _place(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass
class _Filter:
    reader: SnapshotReader
    ownership: Ownership
    sink: SegmentSink
    folder: Path
    on_progress: OnProgress
    known: KnownSegments
    name: str | None

    def tables(self) -> tuple[dict[str, tuple[dict[str, Any], int]], dict[str, int]]:
        """Return ({table: (entry as in Snapshot.tables, bytes as CSV)}, rows left out)."""
        there = self.reader.tables()
        for table in self.ownership.members(there):
            for segment in self.reader.table_state(table).segments:
                for block in self._blocks(table, segment):
                    self.ownership.note(table, self._names(table), csvtext.block_rows(block))
        filtered, left_out = {}, {}
        for table in self.ownership.in_order(there):
            before = self.reader.table_state(table)
            filtered[table] = self._table(table, before)
            if table == "participant":
                self._check_all_are_there()
            if lost := before.rows - filtered[table][0]["rows"]:
                left_out[table] = lost
        return filtered, dict(sorted(left_out.items()))

    def _table(self, table: str, before: TableState) -> tuple[dict[str, Any], int]:
        keep = self.ownership.keeper(table, self._names(table))
        entry = self.reader.snapshot.tables[table]
        if keep is None:
            return entry, before.bytes
        segments = tuple(self._segments(table, before, keep))
        if segments == before.segments and self.name is None:
            return entry, before.bytes
        less = (self.name, entry["state"]) if self.name else None
        state = replace(before, segments=segments, shape=None, less=less)
        return {"state": self.sink.state(state), "rows": state.rows, "content": state.content}, state.bytes

    def _segments(self, table: str, before: TableState, keep: Keep) -> Iterator[Segment]:
        for segment in before.segments:
            kept = self._segment(table, segment, keep, width=len(before.columns))
            if kept is not None:
                yield kept

    def _segment(self, table: str, segment: Segment, keep: Keep, *, width: int) -> Segment | None:
        """Return the rows of a segment that stay; None if there are none."""
        if (table, segment.sha256) in self.known:
            return segment
        kept = _KeptBlocks(self._blocks(table, segment), keep, width)
        path, sha256, size = write_segment(self.folder, kept)
        self.on_progress(table, segment.rows)
        if kept.read != segment.rows:
            raise Damaged(f"A segment of table {table} has {kept.read} rows, but the snapshot has {segment.rows}.")
        if kept.rows in (0, kept.read):
            path.unlink()
            return segment if kept.rows else None
        return replace(segment, blob=self.sink.segment(path, sha256), rows=kept.rows, bytes=size, figure=None)

    def _blocks(self, table: str, segment: Segment) -> Iterator[bytes]:
        return csvtext.whole(self.reader.store.blocks(segment), name=f"table {table}")

    def _names(self, table: str) -> list[str]:
        return [column.name for column in self.reader.columns(table)]

    def _check_all_are_there(self) -> None:
        missing = sorted(self.ownership.missing, key=int)
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            raise NotFound(
                f"Snapshot {self.reader.snapshot.id} has no participant {', '.join(missing[:_NAMED])}{more}; "
                "nothing was made."
            )


class _KeptBlocks:
    """The rows of a segment that stay, in blocks; `read` and `rows` count all rows and those that stayed."""

    def __init__(self, blocks: Iterable[bytes], keep: Keep, width: int):
        self.read = self.rows = 0
        self._blocks, self._keep, self._width = blocks, keep, width

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            rows = csvtext.block_rows(block)
            kept = self._keep(rows)
            self.read += len(rows)
            self.rows += len(kept)
            if len(kept) == len(rows):
                yield block
            elif kept:
                yield csvtext.format_block(kept, width=self._width)
