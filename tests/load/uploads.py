"""Databases that people hand in: reference ones, changed in one place, and packed by hand where zipfile would not."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from psynetdata.psynet import csvtext

DATA = Path(__file__).resolve().parent.parent / "data"
PACKED = (2026, 11, 22, 9, 0, 0)

Tables = dict[str, bytes]


def reference(name: str = "custom_table_simple") -> Tables:
    """{table: its CSV file} of a reference database."""
    with zipfile.ZipFile(DATA / name / "database.zip") as archive:
        return {
            member.removeprefix("data/").removesuffix(".csv"): archive.read(member)
            for member in archive.namelist()
            if member.startswith("data/")
        }


def to_zip(
    path: Path, tables: Tables, *, prefix: str = "data/", date: tuple = PACKED, more: Tables | None = None
) -> Path:
    """Pack tables as `<prefix><table>.csv`, and `more` under just the names it has."""
    files = {f"{prefix}{table}.csv": data for table, data in tables.items()} | (more or {})
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            add(archive, name, data, date)
    return path


def zipped(tables: Tables, **options) -> bytes:
    """The bytes of `to_zip`, to put into another archive."""
    buffer = io.BytesIO()
    to_zip(buffer, tables, **options)
    return buffer.getvalue()


def add(archive: zipfile.ZipFile, name: str, data: bytes, date: tuple = PACKED, **more) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date)
    info.compress_type = zipfile.ZIP_DEFLATED
    for key, value in more.items():
        setattr(info, key, value)
    archive.writestr(info, data)
    return info


def to_folder(path: Path, tables: Tables) -> Path:
    (path / "data").mkdir(parents=True)
    for table, data in tables.items():
        (path / "data" / f"{table}.csv").write_bytes(data)
    return path


def split(data: bytes) -> list[csvtext.Row]:
    """[header, row, …]"""
    return list(csvtext.rows(csvtext.records(io.BytesIO(data))))


def joined(rows: list[csvtext.Row]) -> bytes:
    return b"".join(csvtext.blocks(csvtext.format_row(row) for row in rows))


def changed(tables: Tables, table: str, change: Callable[[list[csvtext.Row]], list[csvtext.Row] | None]) -> Tables:
    """The same tables, with `change` done to [header, row, …] of one of them."""
    rows = split(tables[table])
    return {**tables, table: joined(change(rows) or rows)}


def with_cell(tables: Tables, table: str, column: str, value: str | None, row: int = 1) -> Tables:
    """The same tables with one cell changed; `row` counts from 1."""

    def change(rows):
        rows[row][rows[0].index(column)] = value

    return changed(tables, table, change)
