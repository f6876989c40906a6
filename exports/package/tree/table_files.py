"""Write a snapshot's tables as database.zip and data/<Class>.csv, from pieces made by many processes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from exports.package.progress_meter import Meter
from exports.package.zip.deflate import Piece, pack
from exports.package.zip.zip_writer import ZipWriter
from exports.store.reader import SnapshotReader
from psynetdata.infra.processes import Pool
from psynetdata.psynet import csvtext
from psynetdata.psynet.classfile import computed_columns, excel
from psynetdata.psynet.classfile.rows import Keys, add_keys, final_keys, left_packed
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column

from .convert_worker import Made, RelayTask, TableTask, Work, convert, guess, relay
from .file_names import Taken, safe_name
from .withheld_texts import WithheldTexts

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
    pieces: list[Piece] = field(default_factory=list)
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
    database: dict[str, list[Piece]] = field(default_factory=dict)
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


def make(work: Work, pool: Pool, side: str, meter: Meter, units: int) -> Tables:
    """Convert every segment. Tables that are counted come before the tables that show these counts.

    `units`: how many units of the meter this is worth.

    Raises Damaged if rows are missing or stored data has changed.
    """
    reader = work.reader
    states = [reader.table_state(table) for table in reader.tables()]
    meter.begin(
        "writing tables", units, rows=sum(state.rows for state in states), bytes=sum(state.bytes for state in states)
    )
    made = Tables(reader, {table: [] for table in reader.tables()})
    counts = computed_columns.Computed()
    types = _guessed(work, pool, side) if work.classes else {}
    files = _Files(work, side, types)
    later = {table for batch in computed_columns.BATCHES for table in batch}
    first = 0
    for batch in (set(reader.tables()) - later, *map(set, computed_columns.BATCHES)):
        tasks = _tasks(work, side, sorted(batch & set(reader.tables())), counts, types, first)
        for found in _in_order(pool.each(convert, tasks), meter, first):
            first = found.index + 1
            made.database[found.table] += found.database
            made.texts.add(found.texts)
            counts.add(found.counted)
            files.add(found)
            if found.tally is not None:
                work.sides[side].anonymizer.add(found.tally)
    _check_rows(reader, made)
    if work.classes:
        made.classes, made.notes = files.finish(pool)
    return made


def _guessed(work: Work, pool: Pool, side: str) -> dict[str, dict[str, str]]:
    """Return {table: {column: bool or timestamp}} for columns of unknown type whose cells all look like one."""
    found: dict[str, dict[str, set[str]]] = {}
    untold = [table for table in work.reader.tables() if work.class_files(side, table).untold]
    for table, kinds in pool.each(guess, _tasks(work, side, untold, computed_columns.Computed(), {}, 0)):
        known = found.setdefault(table, {})
        for name, could in kinds.items():
            known[name] = known.get(name, could) & could
    return {
        table: {name: next(iter(kinds)) for name, kinds in columns.items() if len(kinds) == 1}
        for table, columns in found.items()
    }


def _tasks(
    work: Work,
    side: str,
    tables: list[str],
    counts: computed_columns.Computed,
    types: dict[str, dict[str, str]],
    first: int,
) -> Iterator[TableTask]:
    index = first
    for table in tables:
        state = work.reader.table_state(table)
        names = work.computed[side].get(table, ())
        for segment in state.segments:
            is_cut = state.cut is not None and segment.range is not None
            ids = (segment.range << state.cut, (segment.range + 1) << state.cut) if is_cut else _ALL_IDS
            told = counts.within(table, names, *ids)
            yield TableTask(index, side, table, segment, told, types.get(table, {}))
            index += 1


def _in_order(results: Iterator[Made], meter: Meter, following: int) -> Iterator[Made]:
    """Yield results in the order of their tasks; a result that is early waits."""
    waiting: dict[int, Made] = {}
    for result in results:
        meter.advance(rows=result.rows, bytes=result.bytes)
        waiting[result.index] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _check_rows(reader: SnapshotReader, made: Tables) -> None:
    for table, pieces in made.database.items():
        rows, expected = sum(piece.rows for piece in pieces), reader.snapshot.rows_of(table)
        if rows != expected:
            raise Damaged(f"Table {table} has {rows} rows, but the snapshot has {expected}.")


class _Files:
    """Class files while their pieces arrive; the keys of a class are known only when all pieces are here."""

    def __init__(self, work: Work, side: str, guessed: dict[str, dict[str, str]]):
        self._work, self._side, self._guessed = work, side, guessed
        self._files: dict[tuple[str, str], ClassFile] = {}
        self._had: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        self._keys: dict[tuple[str, str], Keys] = {}
        self._kinds: dict[str, dict[str, int]] = {}

    def add(self, made: Made) -> None:
        for name, keys, piece in made.classes:
            at = made.table, name
            if at not in self._files:
                types = self._work.class_files(self._side, made.table, self._guessed.get(made.table)).types()
                self._files[at] = ClassFile(made.table, name, types)
            self._files[at].pieces.append(piece)
            self._had.setdefault(at, []).append(keys)
        for name, keys in made.keys.items():
            add_keys(self._keys.setdefault((made.table, name), {}), keys)
        kinds = self._kinds.setdefault(made.table, {})
        for key, found in made.kinds.items():
            kinds[key] = kinds.get(key, 0) | found

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
        self._lay_again(pool)
        return [file for _, file in sorted(self._files.items())], notes

    def _lay_again(self, pool: Pool) -> None:
        """Convert the pieces again that were written before the last key of their class was known."""
        tasks, places = [], []
        for at, file in sorted(self._files.items()):
            for place, (piece, had) in enumerate(zip(file.pieces, self._had[at], strict=True)):
                if had != file.keys:
                    path = self._work.folder / f"{self._side}-again-{len(tasks)}"
                    tasks.append(RelayTask(len(tasks), path, piece, len(file.fixed), had, file.keys))
                    places.append((at, place))
        again = dict(pool.each(relay, tasks))
        # Backwards, because one piece may have become several.
        for index in reversed(range(len(tasks))):
            at, place = places[index]
            self._files[at].pieces[place : place + 1] = again[index]


def header(columns: list[str], folder: Path, name: str, *, mark: bool = False) -> list[Piece]:
    """Return a file's first line as a piece; `mark` puts a byte-order mark in front."""
    line = csvtext.format_row(list(columns)) + b"\n"
    return pack(folder / f"header-{name}", [excel.BOM + line if mark else line], rows=1)


def write_database(writer: ZipWriter, tables: Tables, folder: Path) -> None:
    """Write the members of database.zip: all tables, also empty ones, each with its whole header, for `psynet load`."""
    for number, (table, pieces) in enumerate(sorted(tables.database.items())):
        first = header([column.name for column in tables.columns(table)], folder, f"table-{number}")
        writer.deflated(f"data/{table}.csv", [*first, *pieces])
    writer.whole("experiment_id.md", EXPERIMENT_ID)


def named(files: list[ClassFile], extension: str) -> list[tuple[str, ClassFile]]:
    """Return (a file name that every system can store, the class file), by table and class."""
    taken = Taken()
    return [
        (taken.take(safe_name(file.name, extension), safe_name(f"{file.name}__{file.table}", extension)), file)
        for file in files
    ]
