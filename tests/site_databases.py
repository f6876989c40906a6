"""The site's databases during a test run: migrated once, copied for each worker, put back after tests that commit.

Django would migrate them for each worker, and after each test that commits would truncate every table and make all
content types and permissions again. Here a test finds exactly what the migrations left, groups included.
"""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from django.conf import settings
from django.db import connections

from tests.shared import turn

ROOT = Path(__file__).parents[1]
# A copy of rows: {database: {table: its rows}}, in the form that only the class that made it reads.
Copy = dict[str, dict[str, object]]


def site_databases(folder: Path) -> "SiteDatabases":
    """Those of this process, on what DATABASE_URL names; `folder` is shared by all processes of the run."""
    return (SQLiteDatabases if settings.DATABASE_URL is None else PostgresDatabases)(folder)


def migrated_data_dir(folder: Path) -> Path:
    """A DATA_DIR with SQLite databases as `manage.py migrate` leaves it, made once a run; for copying only."""
    made = folder / "migrated-data"
    with turn(folder, "migrate"):
        if not made.exists():
            new = folder / "migrated-data.new"
            _migrate({"DATA_DIR": str(new), "DATABASE_URL": ""})
            new.rename(made)
    return made


def _migrate(environment: dict[str, str]) -> None:
    """In a process of its own: this one's settings name other databases."""
    command = [sys.executable, ROOT / "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=os.environ | environment, check=True)


class SiteDatabases:
    """`create` first; `reset` after each test; `copy` and `fill` for what many tests begin with."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._migrated: Copy = {}

    def create(self) -> None:
        self._create()
        self._migrated = {name: self._read(name, self._filled(name)) for name in self._names()}

    def reset(self) -> None:
        """Every table holds again what it held when the migrations had run. Sequences go on, as in life."""
        for name in self._names():
            migrated = self._migrated[name]
            changed = set(self._filled(name)) | set(migrated)
            same = {table for table, rows in self._read(name, migrated).items() if rows == migrated[table]}
            self._write(name, {table: migrated.get(table) for table in changed - same})

    def copy(self) -> Copy:
        """All rows but those that the migrations made."""
        return {name: self._read(name, set(self._filled(name)) - set(self._migrated[name])) for name in self._names()}

    def fill(self, copy: Copy) -> bool:
        """Write the rows of a copy; False, and nothing is written, where a table of it is not empty."""
        if any(set(self._filled(name)) & set(rows) for name, rows in copy.items()):
            return False
        for name, rows in copy.items():
            self._write(name, rows)
        return True

    def _names(self) -> list[str]:
        raise NotImplementedError

    def _create(self) -> None:
        """Copies of what is migrated, for this process alone; the aliases point at them from now on."""
        raise NotImplementedError

    def _filled(self, name: str) -> list[str]:
        """The tables that have rows."""
        raise NotImplementedError

    def _read(self, name: str, tables) -> dict[str, object]:
        raise NotImplementedError

    def _write(self, name: str, rows: dict[str, object]) -> None:
        """The tables hold these rows and no others; None: no rows."""
        raise NotImplementedError


class SQLiteDatabases(SiteDatabases):
    def _names(self) -> list[str]:
        return ["default", *settings.FACES]

    def _create(self):
        migrated = migrated_data_dir(self.folder)
        for alias in ("default", *settings.FACES):
            source = settings.DATABASES[alias]["NAME"]
            target = settings.DATABASES[alias]["TEST"]["NAME"]
            shutil.copyfile(migrated / Path(source).name, target)
            _use(alias, target)

    def _filled(self, name):
        with self._open(name) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            own = [table for table in tables if table != "sqlite_sequence"]
            return [row[0] for row in database.execute(_which_have_rows({table: f'"{table}"' for table in own}))]

    def _read(self, name, tables):
        with self._open(name) as database:
            return {table: database.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}

    def _write(self, name, rows):
        if not rows:
            return
        connections[name].close()  # what a failed test left open would keep others out
        with self._open(name) as database:
            database.execute("BEGIN IMMEDIATE")
            for table, these in rows.items():
                database.execute(f'DELETE FROM "{table}"')
                if these:
                    places = ", ".join("?" * len(these[0]))
                    database.executemany(f'INSERT INTO "{table}" VALUES ({places})', these)
            database.execute("COMMIT")

    def _open(self, name: str):
        """Apart from Django's own connection, whose converters would change values; foreign keys are not looked at."""
        return closing(sqlite3.connect(connections[name].settings_dict["NAME"], timeout=30, isolation_level=None))


class PostgresDatabases(SiteDatabases):
    """One database for all aliases, which differ by schema."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._connection = None
        self._tables: dict[str, str] = {}  # {schema.table: as SQL writes it}

    def _names(self) -> list[str]:
        return ["default"]

    def _create(self):
        migrated, done = "site_migrated", self.folder / "migrated"
        with turn(self.folder, "migrate"):
            if not done.exists():
                self._execute(f"CREATE DATABASE {migrated}")
                url = os.environ["DATABASE_URL"]
                _migrate({"DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{migrated}"))})
                done.touch()
        name = f"site_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {migrated}")
        for alias in ("default", *settings.FACES):
            _use(alias, name)

    def _filled(self, name):
        with self._cursor() as cursor:
            if not self._tables:
                cursor.execute(
                    "SELECT table_schema, table_name FROM information_schema.tables"
                    " WHERE table_type = 'BASE TABLE' AND table_schema IN %s",
                    [("public", *settings.FACES)],
                )
                self._tables = {f"{schema}.{table}": f'"{schema}"."{table}"' for schema, table in cursor.fetchall()}
            cursor.execute(_which_have_rows(self._tables))
            return [row[0] for row in cursor.fetchall()]

    def _read(self, name, tables):
        with self._cursor() as cursor:
            return {table: _copied(cursor, self._tables[table]) for table in tables}

    def _write(self, name, rows):
        if not rows:
            return
        for alias in ("default", *settings.FACES):
            connections[alias].close()  # what a failed test left open would hold locks
        with self._cursor() as cursor:
            cursor.execute("SET session_replication_role = replica; BEGIN")  # foreign keys are not looked at
            for table, these in rows.items():
                cursor.execute(f"DELETE FROM {self._tables[table]}")
                if these:
                    cursor.copy_expert(f"COPY {self._tables[table]} FROM STDIN", io.BytesIO(these))
            cursor.execute("COMMIT")

    def _cursor(self):
        """Of a connection that stays open: each test asks several times."""
        if self._connection is None or self._connection.closed:
            self._connection = self._open()
        return self._connection.cursor()

    def _open(self, database: str | None = None):
        wanted = connections["default"].settings_dict
        connection = psycopg2.connect(
            host=wanted["HOST"], port=wanted["PORT"], user=wanted["USER"], password=wanted["PASSWORD"],
            dbname=database or wanted["NAME"],
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def _execute(self, sql: str) -> None:
        with closing(self._open("postgres")) as database, database.cursor() as cursor:
            cursor.execute(sql)


def _use(alias: str, name: str) -> None:
    """Point an alias at another database, where Django's own test runner does it too."""
    connections[alias].close()
    settings.DATABASES[alias]["NAME"] = connections[alias].settings_dict["NAME"] = name


def _which_have_rows(tables: dict[str, str]) -> str:
    """One query for {name: how SQL writes it}; its rows are the names."""
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {sql})" for name, sql in tables.items())


def _copied(cursor, table: str) -> bytes:
    out = io.BytesIO()
    cursor.copy_expert(f"COPY {table} TO STDOUT", out)
    return out.getvalue()
