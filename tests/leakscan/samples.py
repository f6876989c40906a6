"""Sources and archives made for a test."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from exports.leakscan.needles.needle import Needles
from psynetdata.psynet.tables import Column, describe

DATA = Path(__file__).resolve().parents[1] / "data"
ENGINES = ("hyperscan", "ahocorasick")


class Rows:
    """A TableSource of dictionaries: {table: [row, …]}."""

    def __init__(self, **tables: list[dict[str, str | None]]):
        self._tables = tables

    def tables(self) -> list[str]:
        return sorted(self._tables)

    def columns(self, table: str) -> list[Column]:
        return describe(table, list(dict.fromkeys(name for row in self._tables[table] for name in row)))

    def rows(self, table: str) -> Iterator[list[str | None]]:
        names = [column.name for column in self.columns(table)]
        for row in self._tables[table]:
            yield [row.get(name) for name in names]


def needles(**kinds: str | list[str]) -> Needles:
    """Needles from {kind: value or values}."""
    made = Needles()
    for kind, values in kinds.items():
        for value in [values] if isinstance(values, str) else values:
            made.add(value, kind)
    return made


def zipped(members: dict[str, bytes], **options: int) -> bytes:
    """A zip as bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def archive(folder: Path, members: dict[str, bytes]) -> Path:
    """A zip file with these members."""
    path = folder / "export.zip"
    path.write_bytes(zipped(members))
    return path
