"""What tests of restore ask about a database: all its rows, as COPY writes them, and what its catalogue says."""

import io
from contextlib import closing

import pytest

from exports.sources.postgres import parse
from tests.load.uploads import split
from tests.store.snapshot_factory import reference, written_down

# Of the tables that every PsyNet database has, what `written_down` gives those that a test does not write down.
MINIMAL = " ".join(
    f"CREATE TABLE {table} (id integer PRIMARY KEY);"
    for table in ("experiment", "participant", "info", "node", "network", "response")
)


class Database:
    """A database of one of the servers, by its URL."""

    def __init__(self, postgres, url: str):
        self._postgres = postgres
        self.url = url
        self.address = parse(url)

    def execute(self, sql: str, values=None) -> list[tuple]:
        return self._postgres.execute(self.url, sql, values)

    def value(self, sql: str):
        return self.execute(sql)[0][0]

    def connect(self):
        return self._postgres.connect(self.url)

    def role(self, *grants: str) -> "Database":
        """The same database as another role sees it."""
        return Database(self._postgres, self._postgres.role(self.url, *grants))

    def tables(self) -> list[str]:
        return [name for (name,) in self.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]

    def rows(self) -> dict[str, list]:
        """{table: [header, its rows in an order of their own]}"""
        found = {}
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            for table in self.tables():
                out = io.BytesIO()
                cursor.copy_expert(f'COPY "{table}" TO STDOUT WITH (FORMAT csv, HEADER)', out)
                header, *rows = split(out.getvalue())
                found[table] = [header, *sorted(rows, key=repr)]
        return found

    def keys(self) -> list[tuple]:
        """Each foreign key: its table, name, definition, whether its rows were checked, and its comment."""
        return self.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated, "
            "obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE contype = 'f' ORDER BY 1, 2"
        )

    def triggers(self) -> list[tuple]:
        return self.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")


@pytest.fixture
def database(postgres):
    """database(name, rows=…, keys=…) → Database, on each version of the server."""
    return lambda name="static", **options: Database(postgres, postgres.database(name, **options))


@pytest.fixture
def tables(postgres):
    """tables(sql) → Database with the tables that a test makes, beside minimal ones of PsyNet's."""

    def make(sql: str = "") -> Database:
        made = Database(postgres, postgres.empty())
        made.execute(MINIMAL + sql)
        return made

    return make


@pytest.fixture
def snapshot(transactional_db):
    """snapshot(name) → the Snapshot of a reference database, its rows in the order of its file."""
    return reference


@pytest.fixture
def made(transactional_db):
    """made({table: [header, row, …]}) → the Snapshot of tables that a test writes down."""
    return lambda tables, **told: written_down(tables, **told)
