"""Check with PsyNet itself that it accepts our exports and that the data stays the same. `make check-psynet` runs it.

Each reference database is loaded here and its snapshot is exported. PsyNet's own loader reads our regular
`database.zip` and our anonymous ones of both levels into tables that PsyNet made, and `restore` puts the snapshot into
such tables too. Each time the rows of all tables are compared. Prints a line for each; exit status 1 if anything
differs.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import psycopg2

from psynetdata.psynet import csvtext
from tests.references import REFERENCES
from tests.servers import Server

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
PSYNET = ROOT / ".venv-psynet" / "bin" / "python"

Tables = dict[str, Counter]

# The first line of an error in a traceback: `psycopg2.errors.NotNullViolation: …`.
_ERROR = re.compile(r"[\w.]+\.(\w*Error|\w*Violation|\w*Exception): ")


class Failed(Exception):
    """A program of the check ended with an error, which is the message."""


class Check:
    """One run: a PostgreSQL server, our own installation, and a home folder in which PsyNet may leave files."""

    def __init__(self, server: Server, folder: Path):
        self._server = server
        self._folder = folder
        self._databases = 0
        self._settings = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "STORAGE_URL", "REDIS_URL")
        }

    def manage(self, *words: str) -> str:
        return _run(
            [sys.executable, ROOT / "manage.py", *words], self._settings | {"DATA_DIR": str(self._folder / "ours")}
        )

    def export(self, name: str) -> tuple[str, dict[str, Path]]:
        """Return (the number of the snapshot, {description: a database.zip of it})."""
        said = self.manage("load", str(DATA / name / "database.zip"))
        snapshot = next(line for line in said.splitlines() if line.startswith("snapshot ")).split()[1].rstrip(",")
        found = {}
        for level, modes in (("shared", "both"), ("open", "yes")):
            path = self._folder / f"{name}-{level}"
            words = ["--type", "database", "--assets", "none", "--anonymize", modes, "--level", level]
            self.manage("export", "--snapshot", snapshot, *words, "--path", str(path))
            found[f"anonymous ({level})"] = path / "anonymous" / "database.zip"
            if modes == "both":
                found["regular"] = path / "regular" / "database.zip"
        return snapshot, found

    def by_psynet(self, verb: str, name: str, *path: Path) -> str:
        """Let PsyNet make its tables in a new database, or load a zip into it. Return the database's address."""
        url = self._new_database()
        settings = self._settings | {"DATABASE_URL": url, "HOME": str(self._folder)}
        _run([PSYNET, Path(__file__).with_name("psynet_side.py"), verb, name, *path], settings)
        return url

    def _new_database(self) -> str:
        self._databases += 1
        name = f"check_{self._databases}"
        with closing(psycopg2.connect(self._server.socket_url())) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f"CREATE DATABASE {name}")
        return self._server.url(name)


def check_reference(check: Check, name: str, snapshot: str, exported: dict[str, Path]) -> list[str]:
    """Return a line for each way back; a line of a failure begins with an exclamation mark."""
    original = in_zip(DATA / name / "database.zip")
    lines = []
    for mode, path in exported.items():
        expected = original if mode == "regular" else in_zip(path)
        try:
            found = in_database(check.by_psynet("load", name, path))
        except Failed as error:
            lines.append(f"! {name}: PsyNet does not load our {mode} database.zip: {error}")
            continue
        lines.append(_line(f"{name}: our {mode} database.zip, loaded by PsyNet", expected, found))
        if counts(expected) != counts(original):
            lines.append(f"! {name}: our {mode} database.zip has another number of rows than the original")
    try:
        url = check.by_psynet("make", name)
        before = keys(url)
        check.manage("restore", snapshot, "--database", url)
    except Failed as error:
        return [*lines, f"! {name}: the snapshot does not go into tables that PsyNet made: {error}"]
    lines.append(_line(f"{name}: restored under PsyNet's {len(before)} foreign keys", original, in_database(url)))
    if keys(url) != before:
        lines.append(f"! {name}: restore changed foreign keys")
    return lines


def in_zip(path: Path) -> Tables:
    """Return {table: how often each row occurs in it}; a row is a set of (column, text or None)."""
    with ZipFile(path) as archive:
        return {
            Path(member).stem: _rows(archive.read(member)) for member in archive.namelist() if member.endswith(".csv")
        }


def in_database(url: str) -> Tables:
    found = {}
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            out = io.BytesIO()
            cursor.copy_expert(f'COPY "{table}" TO STDOUT WITH (FORMAT csv, HEADER)', out)
            found[table] = _rows(out.getvalue())
    return found


def keys(url: str) -> list[tuple]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated "
            "FROM pg_constraint WHERE contype = 'f' ORDER BY 1, 2"
        )
        return cursor.fetchall()


def counts(tables: Tables) -> dict[str, int]:
    return {table: rows.total() for table, rows in tables.items()}


def _rows(data: bytes) -> Counter:
    header, *rows = csvtext.rows(csvtext.records(io.BytesIO(data)))
    return Counter(frozenset(zip(header, row, strict=True)) for row in rows)


def _line(what: str, expected: Tables, found: Tables) -> str:
    differing = sorted(table for table in expected.keys() | found.keys() if expected.get(table) != found.get(table))
    if differing:
        return f"! {what}: these tables differ: {', '.join(differing)}"
    return f"  {what}: {len(found)} tables, {sum(counts(found).values())} rows, all the same"


def _run(command: list, settings: dict[str, str]) -> str:
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise Failed(next((line for line in said if _ERROR.match(line)), said[-1]))
    return done.stdout


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="check-psynet-") as name, Server(18) as server:
        check = Check(server, Path(name))
        check.manage("migrate", "--verbosity", "0")
        exported = {name: check.export(name) for name in REFERENCES}
        with ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda name: check_reference(check, name, *exported[name]), REFERENCES)
            lines = [line for found in done for line in found]
    print("\n".join(lines))
    return int(any(line.startswith("!") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
