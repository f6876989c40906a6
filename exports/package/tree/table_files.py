"""Write a snapshot's tables as database.zip and data/<Class>.csv, from pieces made by many processes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from exports.leakscan.needles.withheld_texts import WithheldTexts
from exports.package.progress_meter import ProgressMeter
from exports.package.zip.deflate import DeflatedPiece, pack
from exports.package.zip.zip_writer import ZipWriter
from exports.store.reader import SnapshotReader
from psynetdata.infra.processes import Pool
from psynetdata.psynet import csvtext
from psynetdata.psynet.classfile import computed_columns, excel
from psynetdata.psynet.classfile.rows import Keys, add_keys, final_keys, left_packed
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column

from .convert_worker import ConvertContext, ConvertedSegment, RelayoutTask, TableTask, convert, guess, lay_out_again
from .file_names import UsedNames, safe_name

# What `psynet export` writes if the app has no name of its own; the snapshot does not hold it.
EXPERIMENT_ID = b"app"
_ALL_IDS = (-(1 << 63), 1 << 63)


@dataclass
class ClassFile:
    """`data/<Class>.csv`: its header, and its rows in pieces.

    `types`: {fixed column: PostgreSQL's type, if known}; `kinds`: {unpacked column: the kinds of
    psynet.classfile.json_columns}.
    """

    table: str
    name: str
    types: dict[str, str | None]
    keys: tuple[str, ...] = ()
    pieces: list[DeflatedPiece] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def fixed(self) -> list[str]:
        return list(self.types)

    @property
    def header(self) -> list[str]:
        return [*self.fixed, *self.keys]

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


@dataclass
class Tables:
    """All tables of one side, as exported. `database`: {table: its rows in pieces}; `texts`: what was withheld.

    Also a psynet.table_source.TableSource.
    """

    reader: SnapshotReader
    database: dict[str, list[DeflatedPiece]] = field(default_factory=dict)
    classes: list[ClassFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: WithheldTexts = field(default_factory=WithheldTexts)

    def tables(self) -> list[str]:
        return sorted(self.database)

    def columns(self, table: str) -> list[Column]:
        return self.reader.columns(table)

    def rows(self, table: str) -> Iterator[Row]:
        blocks = (block for piece in self.database[table] for block in csvtext.whole(piece.unpacked()))
        yield from csvtext.rows(record for block in blocks for record in csvtext.records(BytesIO(block)))


def make(context: ConvertContext, pool: Pool, side: str, meter: ProgressMeter, units: int) -> Tables:
    """Convert every segment. Tables that are counted come before the tables that show these counts.

    `units`: how many units of the meter this is worth.

    Raises Damaged if rows are missing or stored data has changed.
    """
    reader = context.reader
    states = [reader.table_state(table) for table in reader.tables()]
    meter.begin(
        "writing tables", units, rows=sum(state.rows for state in states), bytes=sum(state.bytes for state in states)
    )
    tables = Tables(reader, {table: [] for table in reader.tables()})
    counts = computed_columns.Computed()
    types = _guessed(context, pool, side) if context.classes else {}
    files = _Files(context, side, types)
    later = {table for batch in computed_columns.BATCHES for table in batch}
    first = 0
    for batch in (set(reader.tables()) - later, *map(set, computed_columns.BATCHES)):
        tasks = _tasks(context, side, sorted(batch & set(reader.tables())), counts, types, first)
        for converted in _in_order(pool.each(convert, tasks), meter, first):
            first = converted.index + 1
            tables.database[converted.table] += converted.database
            tables.texts.add(converted.texts)
            counts.add(converted.counted)
            files.add(converted)
            if converted.tally is not None:
                context.sides[side].anonymizer.add(converted.tally)
    _check_rows(reader, tables)
    if context.classes:
        tables.classes, tables.notes = files.finish(pool)
    return tables


def _guessed(context: ConvertContext, pool: Pool, side: str) -> dict[str, dict[str, str]]:
    """Return {table: {column: bool or timestamp}} for columns of unknown type whose cells all look like one."""
    kinds_by_table: dict[str, dict[str, set[str]]] = {}
    untold = [table for table in context.reader.tables() if context.class_files(side, table).untold]
    for table, kinds in pool.each(guess, _tasks(context, side, untold, computed_columns.Computed(), {}, 0)):
        known = kinds_by_table.setdefault(table, {})
        for name, could in kinds.items():
            known[name] = known.get(name, could) & could
    return {
        table: {name: next(iter(kinds)) for name, kinds in columns.items() if len(kinds) == 1}
        for table, columns in kinds_by_table.items()
    }


def _tasks(
    context: ConvertContext,
    side: str,
    tables: list[str],
    counts: computed_columns.Computed,
    types: dict[str, dict[str, str]],
    first: int,
) -> Iterator[TableTask]:
    index = first
    for table in tables:
        state = context.reader.table_state(table)
        names = context.computed[side].get(table, ())
        for segment in state.segments:
            is_cut = state.cut is not None and segment.range is not None
            ids = (segment.range << state.cut, (segment.range + 1) << state.cut) if is_cut else _ALL_IDS
            computed = counts.within(table, names, *ids)
            yield TableTask(index, side, table, segment, computed, types.get(table, {}))
            index += 1


def _in_order(results: Iterator[ConvertedSegment], meter: ProgressMeter, following: int) -> Iterator[ConvertedSegment]:
    """Yield results in the order of their tasks; a result that is early waits."""
    waiting: dict[int, ConvertedSegment] = {}
    for result in results:
        meter.advance(rows=result.rows, bytes=result.bytes)
        waiting[result.index] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _check_rows(reader: SnapshotReader, tables: Tables) -> None:
    for table, pieces in tables.database.items():
        rows, expected = sum(piece.rows for piece in pieces), reader.snapshot.rows_of(table)
        if rows != expected:
            raise Damaged(f"Table {table} has {rows} rows, but the snapshot has {expected}.")


class _Files:
    """Class files while their pieces arrive; the keys of a class are known only when all pieces are here."""

    def __init__(self, context: ConvertContext, side: str, guessed: dict[str, dict[str, str]]):
        self._context, self._side, self._guessed = context, side, guessed
        self._files: dict[tuple[str, str], ClassFile] = {}
        self._had: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        self._keys: dict[tuple[str, str], Keys] = {}
        self._kinds: dict[str, dict[str, int]] = {}

    def add(self, converted: ConvertedSegment) -> None:
        for name, keys, piece in converted.classes:
            at = converted.table, name
            if at not in self._files:
                types = self._context.class_files(
                    self._side, converted.table, self._guessed.get(converted.table)
                ).types()
                self._files[at] = ClassFile(converted.table, name, types)
            self._files[at].pieces.append(piece)
            self._had.setdefault(at, []).append(keys)
        for name, keys in converted.keys.items():
            add_keys(self._keys.setdefault((converted.table, name), {}), keys)
        kinds = self._kinds.setdefault(converted.table, {})
        for key, key_kinds in converted.kinds.items():
            kinds[key] = kinds.get(key, 0) | key_kinds

    def finish(self, pool: Pool) -> tuple[list[ClassFile], list[str]]:
        """Return (the files by table and class, notes for the manifest)."""
        notes = []
        for (table, name), file in sorted(self._files.items()):
            keys = self._keys[table, name]
            file.keys, file.kinds = final_keys(keys), self._kinds[table]
            if packed := left_packed(keys):
                notes.append(
                    f"{name}: the keys of {', '.join(packed)} are too many for columns and stay in their own column."
                )
        self._lay_out_again(pool)
        return [file for _, file in sorted(self._files.items())], notes

    def _lay_out_again(self, pool: Pool) -> None:
        """Convert the pieces again that were written before the last key of their class was known."""
        tasks, places = [], []
        for at, file in sorted(self._files.items()):
            for place, (piece, had) in enumerate(zip(file.pieces, self._had[at], strict=True)):
                if had != file.keys:
                    path = self._context.folder / f"{self._side}-again-{len(tasks)}"
                    tasks.append(RelayoutTask(len(tasks), path, piece, len(file.fixed), had, file.keys))
                    places.append((at, place))
        laid_out = dict(pool.each(lay_out_again, tasks))
        # Backwards, because one piece may have become several.
        for index in reversed(range(len(tasks))):
            at, place = places[index]
            self._files[at].pieces[place : place + 1] = laid_out[index]


def header(columns: list[str], folder: Path, name: str, *, mark: bool = False) -> list[DeflatedPiece]:
    """Return a file's first line as a piece; `mark`: for Excel, with a byte-order mark and guarded names."""
    line = csvtext.format_row(excel.guarded(columns) if mark else list(columns)) + b"\n"
    return pack(folder / f"header-{name}", [excel.BOM + line if mark else line], rows=1)


def write_database(writer: ZipWriter, tables: Tables, folder: Path) -> None:
    """Write the members of database.zip: all tables, also empty ones, each with its whole header, for `psynet load`."""
    for number, (table, pieces) in enumerate(sorted(tables.database.items())):
        first = header([column.name for column in tables.columns(table)], folder, f"table-{number}")
        writer.deflated(f"data/{table}.csv", [*first, *pieces])
    writer.whole("experiment_id.md", EXPERIMENT_ID)


def named(files: list[ClassFile], extension: str) -> list[tuple[str, ClassFile]]:
    """Return (a file name that every system can store, the class file), by table and class."""
    taken = UsedNames()
    return [
        (taken.claim(safe_name(file.name, extension), safe_name(f"{file.name}__{file.table}", extension)), file)
        for file in files
    ]
