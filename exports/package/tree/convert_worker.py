"""What a worker process does for an export: it takes a task, writes files of the export and returns a small result.

A task is a segment of a table, a piece of a class file whose header has changed, a file to compress, or a member of
the finished archive to read back.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from isal import isal_zlib

from exports.leakscan.needles.withheld_texts import WithheldTexts
from exports.package.zip.deflate import DeflatedPiece, Packer, pack, ranged, unpacked
from exports.package.zip.zip_writer import Entry
from exports.store.blobs import Segment, Store
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.rows.anonymizer import Anonymizer, TableAnonymizer, Tally
from psynetdata.infra.storage import fresh_storage
from psynetdata.psynet import csvtext
from psynetdata.psynet.classfile import computed_columns, excel
from psynetdata.psynet.classfile.rows import ClassFiles, Keys, add_keys, final_keys
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

DATABASE = ""  # the key of a table's own rows among the pieces; keys of classes are (name, keys)


@dataclass(frozen=True)
class Side:
    """How rows are exported: as they are, or through an anonymizer. `withheld`: {table: columns that are left out}."""

    mode: str
    anonymizer: Anonymizer | None = None
    withheld: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class TableTask:
    """A segment of a table, for one side. `told`: cells of the computed columns (computed_columns.Computed.within).

    `guessed`: {column: type} for columns whose type is not known from the snapshot.
    """

    index: int
    side: str
    table: str
    segment: Segment
    told: dict[str, dict] = field(default_factory=dict)
    guessed: dict[str, str] = field(default_factory=dict)


@dataclass
class ConvertedSegment:
    """The result of a TableTask. `bytes`: size of its rows as stored, uncompressed.

    `classes`: (class, the keys in its header, piece). `kinds`: see psynet.classfile.json_columns.
    """

    index: int
    table: str
    rows: int = 0
    bytes: int = 0
    database: list[DeflatedPiece] = field(default_factory=list)
    classes: list[tuple[str, tuple[str, ...], DeflatedPiece]] = field(default_factory=list)
    keys: dict[str, Keys] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    counted: dict = field(default_factory=dict)
    tally: Tally | None = None
    texts: WithheldTexts | None = None


@dataclass(frozen=True)
class MemberCheck:
    """A member of the archive, read back. `rows`: its records, including the header."""

    entry: Entry
    bytes: int
    sha256: str
    rows: int


class ConvertContext:
    """What all tasks share. It is made before the workers start, and each has a copy.

    `sides`: {mode: Side}; `computed`: {mode: {table: computed columns}}.
    """

    def __init__(self, reader: SnapshotReader, folder: Path, *, clock: int, classes: bool, guards: bool = False):
        self.folder = folder
        self.sides: dict[str, Side] = {}
        self.computed: dict[str, dict[str, list[str]]] = {}
        self.classes, self.guards = classes, guards
        self._reader, self._clock = reader, clock
        self._made_in = os.getpid()
        self._files: dict[tuple[str, ...], ClassFiles] = {}
        self._table_anonymizers: dict[str, TableAnonymizer] = {}

    @property
    def reader(self) -> SnapshotReader:
        """The reader. A worker opens the storage again, because it cannot share the parent's connection."""
        if os.getpid() != self._made_in:
            store = Store(fresh_storage(), self._reader.store.over)
            self._reader, self._made_in = SnapshotReader(self._reader.snapshot, store), os.getpid()
        return self._reader

    def add_side(self, side: Side) -> None:
        self.sides[side.mode] = side

        def leaving(table: str) -> list[str]:
            withheld = side.withheld.get(table, frozenset())
            there = self.reader.columns(table) if table in self.reader.tables() else []
            return [column.name for column in there if column.name not in withheld]

        tables = self.reader.tables() if self.classes else []
        self.computed[side.mode] = {table: computed_columns.computed_columns(table, leaving) for table in tables}

    def class_files(self, side: str, table: str, guessed: dict[str, str] | None = None) -> ClassFiles:
        at = side, table, *(guessed or ())
        class_files = self._files.get(at)
        if class_files is None:
            class_files = self._files[at] = ClassFiles(
                table,
                self.reader.columns(table),
                clock=self._clock,
                withheld=self.sides[side].withheld.get(table, frozenset()),
                computed=self.computed[side].get(table, ()),
                guessed=guessed,
            )
        return class_files

    def blocks(self, side: str, table: str, segment: Segment, texts: WithheldTexts | None) -> Iterator[tuple]:
        """Yield (block of records, its rows or None if they are not needed), as they are exported."""
        stored = csvtext.whole(self.reader.store.blocks(segment), name=f"table {table}")
        anonymizer = self.sides[side].anonymizer
        if anonymizer is None:
            for block in stored:
                yield block, csvtext.block_rows(block) if self.classes else None
            return
        columns = self.reader.columns(table)
        changing = self.table_anonymizer(table)
        looks = texts is not None and texts.columns(table, columns)
        for block in stored:
            rows = csvtext.block_rows(block)
            left = changing.block(rows)
            if looks:
                texts.add_block(table, rows, left)
            yield csvtext.format_block(left, width=len(columns)), left

    def table_anonymizer(self, table: str) -> TableAnonymizer:
        known = self._table_anonymizers.get(table)
        if known is None:
            anonymizer = next(side.anonymizer for side in self.sides.values() if side.anonymizer)
            known = self._table_anonymizers[table] = anonymizer.table(table, self.reader.columns(table))
        return known


def convert(context: ConvertContext, task: TableTask) -> ConvertedSegment:
    """Convert a segment to pieces of its table and its classes. Raises Damaged if it is not what was stored."""
    result = ConvertedSegment(task.index, task.table, texts=WithheldTexts())
    packer = Packer(context.folder / f"{task.side}-{task.index}")
    counter = csvtext.RecordCounter()
    for block, rows in context.blocks(task.side, task.table, task.segment, result.texts):
        counter.add(block)
        packer.add(DATABASE, block, counter.records - result.rows)
        result.rows = counter.records
        if context.classes:
            _convert_classes(context, task, rows, result, packer)
    if result.rows != task.segment.rows:
        raise Damaged(
            f"A segment of table {task.table} has {result.rows} rows, but the snapshot has {task.segment.rows} there."
        )
    result.bytes = task.segment.bytes  # all of them were read, otherwise the hash would differ
    for key, piece in packer.close():
        if key == DATABASE:
            result.database.append(piece)
        else:
            result.classes.append((*key, piece))
    if context.sides[task.side].anonymizer is not None:
        result.tally = context.table_anonymizer(task.table).take_tally()
    if context.classes:
        result.kinds = context.class_files(task.side, task.table, task.guessed).kinds()
    return result


def _convert_classes(
    context: ConvertContext, task: TableTask, rows: list[list[str]], result: ConvertedSegment, packer: Packer
) -> None:
    files = context.class_files(task.side, task.table, task.guessed)
    wanted = context.computed[task.side]
    columns = files.by_name(rows) if task.table in computed_columns.COUNTED or files.computed else {}
    if task.table in computed_columns.COUNTED:
        computed_columns.add(result.counted, computed_columns.counted(task.table, columns, wanted))
    for name, class_rows in files.class_rows(rows, computed_columns.cells(task.told, columns)).items():
        mine = result.keys.setdefault(name, {})
        add_keys(mine, class_rows.keys)
        keys = final_keys(mine)
        cells = class_rows.laid_out(keys)
        if context.guards:
            cells = [excel.guarded(row) for row in cells]
        width = len(files.fixed_columns) + len(keys)
        packer.add((name, keys), csvtext.format_block(cells, width=width), len(class_rows.fixed))


def guess(context: ConvertContext, task: TableTask) -> tuple[str, dict[str, set[str]]]:
    """Return (table, what the columns of unknown type look like in a segment: ClassFiles.guess)."""
    files = context.class_files(task.side, task.table)
    kinds_by_column: dict[str, set[str]] = {}
    for _, rows in context.blocks(task.side, task.table, task.segment, None):
        for name, kinds in files.guess(rows).items():
            kinds_by_column[name] = kinds_by_column.get(name, kinds) & kinds
    if context.sides[task.side].anonymizer is not None:
        context.table_anonymizer(task.table).take_tally()  # the same rows are read again later, and counted then
    return task.table, kinds_by_column


@dataclass(frozen=True)
class RelayoutTask:
    """A piece of a class file whose final header has other keys than the piece was written with."""

    index: int
    path: Path
    piece: DeflatedPiece
    fixed: int
    had: tuple[str, ...]
    keys: tuple[str, ...]


def lay_out_again(context: ConvertContext, task: RelayoutTask) -> tuple[int, list[DeflatedPiece]]:
    at = {key: task.fixed + place for place, key in enumerate(task.had)}
    # A cell after the row's last one is empty.
    places = [*range(task.fixed), *(at.get(key, task.fixed + len(task.had)) for key in task.keys)]
    packer = Packer(task.path)
    for block in csvtext.whole(task.piece.unpacked()):
        rows = csvtext.block_rows(block)
        cells = [[row[place] for place in places] for row in ([*row, ""] for row in rows)]
        packer.add(None, csvtext.format_block(cells, width=len(places)), len(rows))
    return task.index, [piece for _, piece in packer.close()]


@dataclass(frozen=True)
class PackTask:
    """A file to compress into `to`."""

    index: int
    path: Path
    to: Path


def pack_file(context: ConvertContext, task: PackTask) -> tuple[int, list[DeflatedPiece]]:
    """Compress a file; [] if its first block does not get smaller: sound, pictures and zips are compressed already."""
    with task.path.open("rb") as file:
        first = file.read(BLOCK)
        if first and len(isal_zlib.compress(first, 1)) > 0.95 * len(first):
            return task.index, []
        return task.index, pack(task.to, chain([first], iter(lambda: file.read(BLOCK), b"")))


def read_back(context: ConvertContext, task: tuple[Path, Entry]) -> MemberCheck:
    """Read a member of the archive on disk. Raises Damaged if it is not what was written."""
    path, entry = task
    digest, counter, size, crc32 = hashlib.sha256(), csvtext.RecordCounter(), 0, 0
    is_table = entry.name.endswith(".csv")
    try:
        with path.open("rb") as file:
            packed = ranged(file, entry.start, entry.packed)
            for block in unpacked(packed) if entry.is_deflated else packed:
                size += len(block)
                digest.update(block)
                crc32 = isal_zlib.crc32(block, crc32)
                if is_table:
                    counter.add(block)
    except isal_zlib.error:
        size = -1
    if (size, crc32) != (entry.bytes, entry.crc32):
        raise Damaged(f"{entry.name} in the finished archive differs from what was written; nothing was published.")
    return MemberCheck(entry, size, digest.hexdigest(), counter.records)
