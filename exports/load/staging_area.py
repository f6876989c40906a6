"""Check a database from a file and compress it in a private folder; nothing is published.

What is staged is what the store will hold: segments and table states under their hashes. The same rows in another
order give the same segments.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import NamedTemporaryFile

from exports.sources.upload import Upload
from exports.store.blobs import CUT, Segment, TableState, write_segment
from exports.store.row_sorter import Identified, Sorter, Unsorted, sorted_already
from exports.store.staged_tables import Staged
from exports.store.writer import StoreWriter
from psynetdata.jobs import Running
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Problem

from .table_check import CheckedTable, NoIntegerId

# If ids are so sparse that segments have fewer rows than this on average, wider ranges are used.
_FEW_ROWS = 128
_SOME_SEGMENTS = 64


class _Sparse(Exception):
    """Ids are so far apart that ranges of this width would have only a few rows each."""


def stage(upload: Upload, folder: Path, running: Running | None = None) -> Staged:
    """Check every row of every table and pack them into `folder`. Raises BadInput, and Cancelled between blocks."""
    staged = Staged()
    total = sum(upload.size(table) for table in upload.tables)
    before = 0
    for table in sorted(upload.tables):
        look = _progress_reporter(running, f"reading {table}", before, total)
        look(0)
        checked = CheckedTable(upload, table, look)
        state, files = _Packer(checked, folder, running).pack()
        if state.rows != checked.count:
            raise Problem(f"Table {table}: {checked.count} rows were read and {state.rows} packed; nothing was stored.")
        staged.states[table] = state
        staged.files |= files
        staged.warnings += [
            f"Table {table}, column {column}: {_texts(count)} not JSON; kept as plain text."
            for column, count in sorted(checked.not_json.items())
        ]
        before += upload.size(table)
    return staged


def store_staged(staged: Staged, writer: StoreWriter, running: Running | None = None) -> dict[str, dict]:
    """Put everything on the shelf. Return {table: {"state", "rows", "content"}}, as in Snapshot.tables."""
    total = len(staged.files)
    refs = {}
    for done, (sha256, path) in enumerate(staged.files.items()):
        if running:
            running.progress("storing", done, total)
        refs[sha256] = writer.segment(path, sha256)
    return {table: entry(staged.states[table], refs, writer) for table in staged.tables()}


def entry(state: TableState, refs: dict[str, str], writer: StoreWriter) -> dict:
    """Return a table's entry in Snapshot.tables; `refs` {sha256: ref} says where its new segments are."""
    segments = tuple(replace(segment, blob=refs.get(segment.sha256, segment.blob)) for segment in state.segments)
    placed = replace(state, segments=segments)
    return {"state": writer.state(placed), "rows": placed.rows, "content": placed.content}


class _Packer:
    """Turns one table's file into segments."""

    def __init__(self, checked: CheckedTable, folder: Path, running: Running | None):
        self._checked = checked
        self._folder = folder
        self._check_cancelled = running.check if running else None
        self._files: dict[str, Path] = {}

    def pack(self) -> tuple[TableState, dict[str, Path]]:
        checked = self._checked
        try:
            cut, segments = self._pack_in_order()
        except NoIntegerId:
            self._discard()
            checked.take_as_without_ids()
            cut, segments = self._pack_in_order()
        return TableState(checked.table, tuple(checked.columns), cut, tuple(segments)), self._files

    def _pack_in_order(self) -> tuple[int | None, list[Segment]]:
        """Pack directly from the file while it is in order; otherwise sort it first."""
        checked = self._checked
        try:
            return self._pack_rows(lambda: sorted_already(checked.rows(), checked.called_twice))
        except Unsorted:
            self._discard()
        with (
            NamedTemporaryFile(dir=self._folder, suffix=".sqlite3") as file,
            closing(Sorter(Path(file.name), by_id=checked.has_ids)) as sorter,
        ):
            sorter.fill(checked.rows(), checked.called_twice)
            return self._pack_rows(sorter.rows)

    def _pack_rows(self, rows: Callable[[], Iterable[Identified]]) -> tuple[int | None, list[Segment]]:
        cut = CUT if self._checked.has_ids else None
        while True:
            try:
                return cut, list(self._segments(rows(), cut))
            except _Sparse:
                self._discard()
                cut += 4

    def _segments(self, rows: Iterable[Identified], cut: int | None) -> Iterator[Segment]:
        """Pack ordered rows: yield one segment for each range of ids, or one for all."""
        done = 0
        ranges = groupby(rows, key=lambda row: None if cut is None else row[0] >> cut)
        for number, (identities, group) in enumerate(ranges):
            if number >= _SOME_SEGMENTS and done < number * _FEW_ROWS:
                raise _Sparse
            counted = _Counted(group)
            path, sha256, size = write_segment(
                self._folder, csvtext.blocks(counted), check_cancelled=self._check_cancelled
            )
            if self._files.setdefault(sha256, path) != path:
                path.unlink()
            done += counted.rows
            yield Segment(sha256, counted.rows, size, identities)

    def _discard(self) -> None:
        for path in self._files.values():
            path.unlink()
        self._files = {}


class _Counted:
    """The records of a run of rows, counted while they are read."""

    def __init__(self, rows: Iterable[Identified]):
        self.rows = 0
        self._records = map(itemgetter(1), rows)

    def __iter__(self) -> Iterator[bytes]:
        for record in self._records:
            self.rows += 1
            yield record


def _progress_reporter(running: Running | None, phase: str, before: int, total: int) -> Callable[[int], None]:
    if running is None:
        return lambda done: None
    return lambda done: running.progress(phase, before + done, total)


def _texts(count: int) -> str:
    return "1 text is" if count == 1 else f"{count} texts are"
