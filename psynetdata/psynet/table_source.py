"""Protocols for an object that holds the tables of one moment, and its implementation for a zip."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, cast, runtime_checkable

from . import csvtext
from .csvtext import Row
from .tables import Column, describe


class TableSource(Protocol):
    """The tables of one moment, read row by row."""

    def tables(self) -> list[str]:
        """Return the names of all tables, including empty ones, sorted."""

    def columns(self, table: str) -> list[Column]:
        """Return the table's columns in their order."""

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the table's rows; each has a cell for each column, NULL is None."""


@runtime_checkable
class SegmentedSource(TableSource, Protocol):
    """A TableSource whose tables consist of parts that can be read independently, also in other processes."""

    def segments(self, table: str) -> list[Any]:
        """Return references to the table's parts, in order; they are small and can be pickled."""

    def open_segment(self, table: str, segment: Any) -> AbstractContextManager[BinaryIO]:
        """Open a part's rows as CSV in PostgreSQL's dialect, without a header."""


class ZipSource:
    """A well-formed `database.zip` as a TableSource: `data/<table>.csv`, each with its header.

    For archives that this project made or trusts; users' files go through
    exports.sources.upload, which checks them first.
    """

    def __init__(self, path: Path):
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self._members = {
            name.removeprefix("data/").removesuffix(".csv"): name
            for name in self._zip.namelist()
            if name.startswith("data/") and name.endswith(".csv")
        }

    def tables(self) -> list[str]:
        return sorted(self._members)

    def columns(self, table: str) -> list[Column]:
        return describe(table, [name or "" for name in next(self._all(table))])

    def rows(self, table: str) -> Iterator[Row]:
        records = self._all(table)
        next(records)
        yield from records

    def segments(self, table: str) -> list[None]:
        """Return one part: a member of a zip can only be read from its beginning."""
        return [None]

    @contextmanager
    def open_segment(self, table: str, segment: None) -> Iterator[BinaryIO]:
        # Opened again: processes that share an open file share its position.
        with zipfile.ZipFile(self._path) as archive, archive.open(self._members[table]) as member:
            stream = _buffered(member)
            next(csvtext.records(stream))
            yield stream

    def _all(self, table: str) -> Iterator[Row]:
        with self._zip.open(self._members[table]) as member:
            yield from csvtext.rows(csvtext.records(_buffered(member), name=table))


def _buffered(member: IO[bytes]) -> io.BufferedReader:
    # `ZipFile.open` is annotated as any stream; what it returns for reading is this one.
    return io.BufferedReader(cast(zipfile.ZipExtFile, member), csvtext.BLOCK)
