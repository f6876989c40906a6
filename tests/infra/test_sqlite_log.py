"""The write-ahead log of a face stays short, also where somebody always reads."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, connections

from psynetdata.faces import IDENTIFIED
from psynetdata.infra import sqlite_log

pytestmark = [
    pytest.mark.django_db(databases="__all__", transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's files"),
]
MB = 1 << 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(sqlite_log, "LONGEST", MB)
    monkeypatch.setattr(sqlite_log, "_PATIENCE", 0.05)


@pytest.fixture
def face():
    """The file of a face, with a table that is gone afterwards."""
    name = connections[IDENTIFIED].settings_dict["NAME"]
    with closing(opened(name)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE filler (content)")
        yield name
        database.execute("DROP TABLE filler")


def opened(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, isolation_level=None, timeout=5)


def reading(name: str) -> sqlite3.Connection:
    database = opened(name)
    database.execute("BEGIN")
    database.execute("SELECT count(*) FROM filler").fetchone()
    return database


def log_size(name: str) -> int:
    return Path(f"{name}-wal").stat().st_size


def write_under_readers(name: str, rounds: int) -> sqlite3.Connection:
    """Write half a megabyte a round; each reader begins before the last one ends. The last one is returned."""
    reader = reading(name)
    with closing(opened(name)) as writer:
        for _ in range(rounds):
            writer.execute("INSERT INTO filler VALUES (zeroblob(500000))")
            following = reading(name)
            reader.close()
            reader = following
    return reader


def test_a_log_that_somebody_always_reads_is_emptied(face):
    reader = write_under_readers(face, 20)
    assert log_size(face) > 9 * MB
    reader.close()
    sqlite_log.shorten()
    assert log_size(face) == 0
    with closing(reading(face)) as after:
        assert after.execute("SELECT count(*) FROM filler").fetchone() == (20,)


def test_a_reader_who_stays_is_not_disturbed(face):
    reader = write_under_readers(face, 4)
    with closing(opened(face)) as writer:
        writer.execute("INSERT INTO filler VALUES (zeroblob(500000))")
    sqlite_log.shorten()
    assert log_size(face) > 2 * MB
    assert reader.execute("SELECT count(*) FROM filler").fetchone() == (4,)
    reader.close()
    sqlite_log.shorten()
    assert log_size(face) == 0


def test_a_short_log_is_left_alone(face):
    write_under_readers(face, 1).close()
    before = log_size(face)
    assert 0 < before < MB
    sqlite_log.shorten()
    assert log_size(face) == before
