"""A snapshot with the rows of some of its participants, for one job: in a folder of its own, never in the store."""

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from exports.models import Snapshot
from psynetdata.psynet import csvtext
from psynetdata.psynet.belonging import Belonging, Keep
from psynetdata.psynet.problems import Damaged, NotFound

from .reader import SnapshotReader
from .store import Segment, Store, TableState, file_of, pack, write_segment

_NAMED = 10  # participants in a sentence


@dataclass(frozen=True)
class Narrowed:
    """`snapshot` is not to be saved; `store` reads it. `left_out`: {table: rows}, those that lost none left out."""

    snapshot: Snapshot
    store: Store
    left_out: dict[str, int]


def narrowed(
    snapshot: Snapshot, participants: Iterable[int], folder: Path, look: Callable[[str, int], None] | None = None
) -> Narrowed:
    """Rows that are not those of `participants` (psynet.belonging) are left out; what loses none is not copied.

    `look(table, rows)` is called after each segment that was read, and may raise to stop.
    Raises NotFound for participants who are not there, and Damaged where rows are neither kept nor left out.
    """
    narrowing = _Narrowing(
        SnapshotReader(snapshot), Belonging(participants), folder, look or (lambda table, rows: None)
    )
    tables, left_out = narrowing.tables()
    found = copy.copy(snapshot)
    found.tables = {table: entry for table, (entry, _) in tables.items()}
    found.rows = sum(entry["rows"] for entry in found.tables.values())
    found.bytes = sum(size for _, size in tables.values())
    return Narrowed(found, Store(narrowing.reader.store.storage, folder), left_out)


@dataclass
class _Narrowing:
    reader: SnapshotReader
    belonging: Belonging
    folder: Path
    look: Callable[[str, int], None]

    def tables(self) -> tuple[dict[str, tuple[dict, int]], dict[str, int]]:
        """({table: (as Snapshot.tables has it, bytes as CSV)}, rows left out)"""
        there = self.reader.tables()
        for table in self.belonging.members(there):
            for segment in self.reader.table_state(table).segments:
                for block in self._blocks(table, segment):
                    self.belonging.note(table, self._names(table), csvtext.block_rows(block))
        made, left_out = {}, {}
        for table in self.belonging.in_order(there):
            before = self.reader.table_state(table)
            made[table] = self._table(table, before)
            if table == "participant":
                self._check_found()
            if lost := before.rows - made[table][0]["rows"]:
                left_out[table] = lost
        return made, dict(sorted(left_out.items()))

    def _table(self, table: str, before: TableState) -> tuple[dict, int]:
        keep = self.belonging.keeper(table, self._names(table))
        if keep is None:
            return self.reader.snapshot.tables[table], before.bytes
        segments = tuple(self._segments(table, before, keep))
        if segments == before.segments:
            return self.reader.snapshot.tables[table], before.bytes
        state = replace(before, segments=segments, shape=None)
        return {"state": self._put_state(state), "rows": state.rows, "content": state.content}, state.bytes

    def _put_state(self, state: TableState) -> str:
        data = state.to_bytes()
        ref = hashlib.sha256(data).hexdigest()
        self._place(file_of(ref, "json")).write_bytes(pack(data))
        return ref

    def _segments(self, table: str, before: TableState, keep: Keep) -> Iterator[Segment]:
        width = len(before.columns)
        for segment in before.segments:
            kept = _Kept(self._blocks(table, segment), keep, width)
            path, sha256, size = write_segment(self.folder, kept)
            self.look(table, segment.rows)
            if kept.read != segment.rows:
                raise Damaged(f"A segment of table {table} came to {kept.read} rows, the snapshot has {segment.rows}.")
            if kept.rows in (0, kept.read):
                path.unlink()
                if kept.rows:
                    yield segment
                continue
            path.rename(self._place(file_of(sha256, "csv")))
            yield replace(segment, blob=sha256, rows=kept.rows, bytes=size, figure=None)

    def _blocks(self, table: str, segment: Segment) -> Iterator[bytes]:
        return csvtext.whole(self.reader.store.blocks(segment), name=f"table {table}")

    def _names(self, table: str) -> list[str]:
        return [column.name for column in self.reader.columns(table)]

    def _place(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _check_found(self) -> None:
        missing = sorted(self.belonging.participants - self.belonging.found, key=int)
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            raise NotFound(
                f"Snapshot {self.reader.snapshot.id} has no participant {', '.join(missing[:_NAMED])}{more}; "
                "nothing was made."
            )


class _Kept:
    """Of a segment's blocks what stays; `read` and `rows` count what came and what stayed."""

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
