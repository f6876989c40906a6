"""The tables of a snapshot as files of the tree: database.zip and data/<Class>.csv."""

import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from isal import igzip

from exports.snapshots.reader import SnapshotReader
from exports.snapshots.store import write_segment
from psynetdata.anonymize.anonymizer import Anonymizer, TableAnonymizer
from psynetdata.psynet import csvtext
from psynetdata.psynet.classfile import ClassFiles
from psynetdata.psynet.csvtext import BLOCK, Row
from psynetdata.psynet.tables import Column

from .members import Member, written, zipped
from .meter import Meter
from .names import Taken, safe_name
from .withheld import WithheldTexts

# What `psynet export` writes where the app has no name of its own; the snapshot does not tell it.
EXPERIMENT_ID = b"app"


class AsTheyAre:
    """The rows of a snapshot as stored: a regular export's."""

    withheld: Callable[[str], frozenset[str]] = staticmethod(lambda table: frozenset())

    def __init__(self, reader: SnapshotReader):
        self.tables, self.columns = reader.tables, reader.columns
        self.records, self.rows = reader.records, reader.rows


class Anonymized:
    """The rows as the anonymizer lets them out. Each is made once, kept in `folder` and read as often as needed."""

    def __init__(self, reader: SnapshotReader, anonymizer: Anonymizer, folder: Path, meter: Meter):
        self.tables, self.columns = reader.tables, reader.columns
        self.withheld_texts = WithheldTexts()
        self._withheld: dict[str, frozenset[str]] = {}
        self._files: dict[str, Path] = {}
        for table in reader.tables():
            columns = reader.columns(table)
            changing = anonymizer.table(table, columns)
            self._withheld[table] = changing.withheld
            look = self.withheld_texts.look if self.withheld_texts.columns(table, columns) else None
            rows = meter.count(reader.rows(table), "anonymizing")
            changed = (csvtext.format_row(_changed(table, row, changing, look)) for row in rows)
            self._files[table], _, _ = write_segment(folder, csvtext.blocks(changed))

    def withheld(self, table: str) -> frozenset[str]:
        return self._withheld[table]

    def records(self, table: str) -> Iterator[bytes]:
        with igzip.open(self._files[table], "rb") as file, io.BufferedReader(file, BLOCK) as stream:
            yield from csvtext.records(stream, name=table)

    def rows(self, table: str) -> Iterator[Row]:
        yield from csvtext.rows(self.records(table))


def _changed(table: str, row: Row, changing: TableAnonymizer, look: Callable[[str, Row, Row], None] | None) -> Row:
    left = changing.row(row)
    if look is not None:
        look(table, row, left)
    return left


Tables = AsTheyAre | Anonymized


def header(columns: list[Column]) -> bytes:
    return csvtext.format_row([column.name for column in columns])


def database_zip(tables: Tables, name: str, path: Path, moment: datetime, meter: Meter) -> Member:
    """All tables, empty ones too, each with its whole header, as `psynet load` takes them."""

    def table_blocks(table: str) -> Iterator[bytes]:
        yield header(tables.columns(table)) + b"\n"
        yield from csvtext.blocks(meter.count(tables.records(table), "writing tables"))

    files = [(f"data/{table}.csv", table_blocks(table)) for table in sorted(tables.tables())]
    return written(name, path, zipped([*files, ("experiment_id.md", [EXPERIMENT_ID])], moment))


def class_files(tables: Tables, prefix: str, folder: Path, clock: int, meter: Meter) -> tuple[list[Member], list[str]]:
    """(`data/<Class>.csv` of all tables, notes for the manifest). Tables without rows have no file."""
    taken = Taken()
    members: list[Member] = []
    notes: list[str] = []
    for table in sorted(tables.tables()):
        files = ClassFiles(table, tables.columns(table), clock=clock, withheld=tables.withheld(table))
        for row in meter.count(tables.rows(table), "writing class files"):
            files.look(row)
        names = {name: taken.take(*_names(name, table)) for name in files.classes()}
        fan = _Fan({name: folder / file for name, file in names.items()})
        for name in names:
            fan.add(name, csvtext.format_row(files.header(name)))
        for row in meter.count(tables.rows(table), "writing class files"):
            name, cells = files.cells(row)
            fan.add(name, csvtext.format_row(cells))
        for name, (size, sha256) in fan.close().items():
            told = {"rows": files.rows[name], "table": table, "class_name": name}
            members.append(Member(f"{prefix}data/{names[name]}", folder / names[name], size, sha256, **told))
        notes += [
            f"{name}: the keys of {', '.join(sources)} are too many for columns and stay in their own column."
            for name, sources in files.left_packed().items()
        ]
    return members, notes


def _names(name: str, table: str) -> tuple[str, str]:
    return safe_name(name, ".csv"), safe_name(f"{name}__{table}", ".csv")


class _Fan:
    """Records for several files at once, gathered to about a block; no file stays open, however many there are."""

    def __init__(self, paths: dict[str, Path]):
        self._paths = paths
        self._held: dict[str, list[bytes]] = {name: [] for name in paths}
        self._digests = {name: hashlib.sha256() for name in paths}
        self._sizes = dict.fromkeys(paths, 0)
        self._length = 0
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, record: bytes) -> None:
        self._held[name].append(record)
        self._length += len(record)
        if self._length >= BLOCK:
            self._flush()

    def close(self) -> dict[str, tuple[int, str]]:
        """{name: (bytes, sha256)}"""
        self._flush()
        return {name: (self._sizes[name], self._digests[name].hexdigest()) for name in self._paths}

    def _flush(self) -> None:
        for name, records in self._held.items():
            if records:
                block = b"\n".join(records) + b"\n"
                with self._paths[name].open("ab") as file:
                    file.write(block)
                self._digests[name].update(block)
                self._sizes[name] += len(block)
                records.clear()
        self._length = 0
