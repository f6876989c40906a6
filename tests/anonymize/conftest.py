from collections.abc import Iterator
from pathlib import Path

import pytest

from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.rows.anonymizer import Anonymizer
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.psynet.csvtext import Row, with_null, without_null
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.table_source import TableSource, ZipSource
from psynetdata.psynet.tables import Column, describe, known_tables

DATA = Path(__file__).parent.parent / "data"
DATABASES = ("static", "static_audio", "timeline", "custom_table_simple")
KEY = b"a key for tests, 32 bytes long.."


class Tables:
    """A TableSource in memory: {table: [{column: cell}]}; cells that are not given are NULL."""

    def __init__(self, **tables: list[dict[str, str | None]]):
        self._tables = tables

    def tables(self) -> list[str]:
        return sorted(self._tables)

    def columns(self, table: str) -> list[Column]:
        known = list(known_tables().get(table, {}))
        extra = {name: None for row in self._tables[table] for name in row if name not in known}
        return describe(table, [*known, *extra])

    def rows(self, table: str) -> Iterator[Row]:
        for row in self._tables[table]:
            yield [row.get(column.name) for column in self.columns(table)]


class Anonymized:
    """All tables of a source before and after, as dictionaries by column name."""

    def __init__(
        self,
        source: TableSource,
        *,
        level: str = "shared",
        policy: Policy | None = None,
        options: Options | None = None,
    ):
        self.source = source
        self.policy = policy or Policy.load()
        self.identifiers: Identifiers = collect(source, self.policy)
        self.anonymizer = Anonymizer(
            policy=self.policy,
            pseudonyms=Pseudonyms(KEY),
            identifiers=self.identifiers,
            level=level,
            options=options or Options(),
            people=People.from_source(source),
        )
        self.before: dict[str, list[dict]] = {}
        self.after: dict[str, list[dict]] = {}
        self.withheld: dict[str, frozenset[str]] = {}
        for table in source.tables():
            columns = source.columns(table)
            names = [column.name for column in columns]
            made = self.anonymizer.table(table, columns)
            rows = list(source.rows(table))
            self.withheld[table] = made.withheld
            self.before[table] = [dict(zip(names, row, strict=True)) for row in rows]
            left = made.block([without_null(row) for row in rows])
            self.after[table] = [dict(zip(names, with_null(row), strict=True)) for row in left]

    def changes(self, table: str) -> list[tuple[str, str | None, str | None]]:
        """(column, before, after) of every cell that changed."""
        pairs = zip(self.before[table], self.after[table], strict=True)
        return [(name, old[name], new[name]) for old, new in pairs for name in old if old[name] != new[name]]


def reference(name: str) -> ZipSource:
    return ZipSource(DATA / name / "database.zip")


@pytest.fixture(scope="session")
def references() -> dict[tuple[str, str], Anonymized]:
    """Each reference database at each level, made once."""
    return {
        (name, level): Anonymized(reference(name), level=level) for name in DATABASES for level in ("shared", "open")
    }
