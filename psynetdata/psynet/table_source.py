"""Anything that holds the tables of one moment, whatever it is stored in."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from . import csvtext
from .csvtext import Row
from .tables import Column, describe


class TableSource(Protocol):
    """The tables of one moment, read row by row."""

    def tables(self) -> list[str]:
        """Names of all tables, sorted, empty ones too."""

    def columns(self, table: str) -> list[Column]:
        """The table's columns in their order."""

    def rows(self, table: str) -> Iterator[Row]:
        """The table's rows; each has a cell for each column, NULL is None."""


@runtime_checkable
class PartedSource(TableSource, Protocol):
    """One whose tables lie in parts that can be read apart from each other, in other processes too."""

    def parts(self, table: str) -> list[Any]:
        """The table's parts in their order; small, and can be pickled."""

    def part(self, table: str, part: Any) -> AbstractContextManager[BinaryIO]:
        """A part's rows as CSV in PostgreSQL's dialect, without a header."""


class ZipSource:
    """A well-formed `database.zip` as a TableSource: `data/<table>.csv`, each with its header.

    For archives this project made or trusts; what a user hands in goes through
    exports.sources.upload, which checks it first.
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
        found = self._all(table)
        next(found)
        yield from found

    def parts(self, table: str) -> list[None]:
        """A member of a zip can be read from its beginning only."""
        return [None]

    @contextmanager
    def part(self, table: str, part: None) -> Iterator[BinaryIO]:
        # Opened anew: processes that share an open file share the place in it.
        with zipfile.ZipFile(self._path) as archive, archive.open(self._members[table]) as member:
            stream = io.BufferedReader(member, csvtext.BLOCK)
            next(csvtext.records(stream))
            yield stream

    def _all(self, table: str) -> Iterator[Row]:
        with self._zip.open(self._members[table]) as member:
            yield from csvtext.rows(csvtext.records(io.BufferedReader(member), name=table))
