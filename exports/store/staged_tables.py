"""A database that was checked and packed in a private folder, before anything of it is in the store."""

import builtins
from collections.abc import Iterator
from pathlib import Path

from isal import igzip

from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from .blobs import TableState


class Staged:
    """A whole database, checked and compressed: a TableSource. `files`: {sha256 of a segment: its compressed file}.

    `warnings`: sentences about unusual data that is loaded as it is.
    """

    def __init__(self) -> None:
        self.states: dict[str, TableState] = {}
        self.files: dict[str, Path] = {}
        self.warnings: list[str] = []

    def tables(self) -> list[str]:
        return sorted(self.states)

    def columns(self, table: str) -> list[Column]:
        return list(self.states[table].columns)

    def rows(self, table: str) -> Iterator[Row]:
        return csvtext.rows(self._records(table))

    def row_counts(self) -> dict[str, int]:
        return {table: self.states[table].rows for table in self.tables()}

    def contents(self) -> dict[str, str]:
        """Return {table: hash of its columns and rows}."""
        return {table: state.content for table, state in sorted(self.states.items())}

    @property
    def bytes(self) -> int:
        return sum(state.bytes for state in self.states.values())

    def _records(self, table: str) -> Iterator[builtins.bytes]:
        for segment in self.states[table].segments:
            with igzip.open(self.files[segment.sha256], "rb") as stream:
                yield from csvtext.records(stream, name=table)
