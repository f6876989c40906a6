"""The databases of a server: the references, made once as templates and copied for each test."""

import secrets
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import connection as Connection

from psynetdata.psynet.tables import declared_keys
from tests.shared import turn

from .install import binaries
from .server import Server

DATA = Path(__file__).parents[1] / "data"


def key_definitions() -> list[tuple[str, str, str]]:
    """(table, constraint, definition) of PsyNet's foreign keys; a launched database has lost them."""
    return [
        (key.table, key.constraint, f"FOREIGN KEY ({key.column}) REFERENCES {key.target}({key.target_column})")
        for key in declared_keys()
    ]


class Templates:
    """Template databases of one server, made on first use.

    `folder` is shared by all processes that use the server.
    """

    def __init__(self, server: Server, folder: Path | None = None):
        self.server = server
        self._folder = folder or server.folder
        self._made: set[str] = set()

    def template(self, name: str, *, rows: bool, keys: bool) -> str:
        """The name of a database that holds tests/data/<name>/database.dump."""
        database = f"template_{name}{'' if rows else '_empty'}{'_keys' if keys else ''}"
        if database not in self._made:
            with turn(self._folder, f"{database}_{self.server.version}"):
                if not self._exists(database):
                    new = f"{database}_new"
                    self._execute(f'CREATE DATABASE "{new}"')
                    self._restore(name, new, rows=rows)
                    if keys:
                        self._add_keys(new)
                    self._execute(f'ALTER DATABASE "{new}" RENAME TO "{database}"')
            self._made.add(database)
        return database

    def create(self, template: str | None = None) -> str:
        """A new database; its name."""
        database = f"test_{secrets.token_hex(6)}"
        self._execute(f'CREATE DATABASE "{database}"' + (f' TEMPLATE "{template}"' if template else ""))
        return database

    def drop(self, database: str) -> None:
        """Whoever is connected is cut off first; PostgreSQL 12 has no DROP … WITH (FORCE)."""
        self._execute(
            f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false; '
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'",
        )
        self._execute(f'DROP DATABASE "{database}"')

    def _exists(self, database: str) -> bool:
        with closing(psycopg2.connect(self.server.socket_url())) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            return cursor.fetchone() is not None

    def _execute(self, sql: str) -> None:
        with closing(psycopg2.connect(self.server.socket_url())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)

    def _restore(self, name: str, database: str, *, rows: bool) -> None:
        """Through a script, without the one setting that servers before 17 do not know."""
        dump = DATA / name / "database.dump"
        part = [] if rows else ["--schema-only"]
        script = subprocess.run(
            [binaries() / "pg_restore", "--no-owner", "--no-privileges", *part, "-f", "-", dump],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.replace(b"SET transaction_timeout = 0;\n", b"", 1)
        url = self.server.socket_url(database)
        psql = [binaries() / "psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-1", "-o", "/dev/null", url]
        subprocess.run(psql, input=script, check=True)

    def _add_keys(self, database: str) -> None:
        with closing(psycopg2.connect(self.server.socket_url(database))) as connection:
            with connection.cursor() as cursor:
                for table, name, definition in key_definitions():
                    cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')
            connection.commit()


class Postgres:
    """A running server as a test sees it. What it makes is gone when the test ends (`clean`)."""

    def __init__(self, server: Server, templates: Templates | None = None):
        self.server = server
        self.version = server.version
        self._templates = templates or Templates(server)
        self._databases: list[str] = []
        self._roles: list[str] = []

    def database(self, name: str = "static", *, rows: bool = True, keys: bool = False) -> str:
        """The URL of a fresh copy of a reference database; `keys` adds PsyNet's declared foreign keys."""
        return self._new(self._templates.template(name, rows=rows, keys=keys))

    def empty(self) -> str:
        """The URL of a database without tables."""
        return self._new(None)

    def connect(self, url: str, *, autocommit: bool = True) -> Connection:
        """A psycopg2 connection; whoever asks for it closes it, or the end of the test does."""
        connection = psycopg2.connect(url)
        connection.autocommit = autocommit
        return connection

    def execute(self, url: str, sql: str, values=None) -> list[tuple]:
        """Run SQL and commit; its rows, if it gives any."""
        with closing(self.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def role(self, url: str, *grants: str) -> str:
        """The same database's URL for a new role with a password and these rights only.

        A grant is what stands between GRANT and TO: `SELECT ON ALL TABLES IN SCHEMA public`.
        """
        name, password = f"role_{secrets.token_hex(6)}", secrets.token_hex(8)
        self.execute(url, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        self._roles.append(name)
        for grant in grants:
            self.execute(url, f"GRANT {grant} TO {name}")
        return self.server.url(urlsplit(url).path[1:], user=name, password=password)

    def stop(self) -> None:
        """Only for `own_postgres`: the host is gone. `start()` brings it back at the same address."""
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    def clean(self) -> None:
        while self._databases:
            self._templates.drop(self._databases.pop())
        while self._roles:
            self.execute(self.server.socket_url(), f"DROP ROLE {self._roles.pop()}")

    def _new(self, template: str | None) -> str:
        database = self._templates.create(template)
        self._databases.append(database)
        return self.server.url(database)
