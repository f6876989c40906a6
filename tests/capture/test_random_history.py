"""Whatever happened in between: a capture that builds on the last one holds what one of every row would."""

import io
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from exports.capture.table_capture import capture
from exports.models import Snapshot
from exports.sources.postgres import parse
from exports.sources.read_transaction import read_transaction
from exports.store.blobs import Store
from exports.store.reader import SnapshotReader, StoredTables
from exports.store.writer import store_writer
from psynetdata.psynet import csvtext
from tests.budget import rounds
from tests.capture.conftest import Experiment
from tests.capture.random_history import History
from tests.servers import Postgres, Server
from tests.servers.fixtures import need
from tests.servers.install import VERSIONS

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
STEPS = 12


def copied(held, table) -> list[bytes]:
    out = io.BytesIO()
    held.copy(f"SELECT {table.listed} FROM {table.rows_of} {'ORDER BY id' if table.by_id else ''}", out)
    out.seek(0)
    found = list(csvtext.records(out, name=table.name))
    return found if table.by_id else sorted(found)


def follow(deployment, address, base: Snapshot | None, told) -> Snapshot:
    """Capture one moment on top of `base` and as a whole: the same, and what COPY says."""
    store = Store()
    known = SnapshotReader(base) if base else None
    with (
        TemporaryDirectory() as folder,
        store_writer(store, Path(folder), base=known) as made,
        read_transaction(address) as held,
    ):
        quick = capture(held, made, Path(folder), base=known)
        whole = capture(held, made, Path(folder), base=None)
        rows = {table.name: copied(held, table) for table in held.tables}
        made.finish()
        found = Snapshot.objects.create(
            deployment=deployment, taken_at=held.taken_at, tables=quick.tables, server=held.server.as_json()
        )
    source = StoredTables({name: entry["state"] for name, entry in quick.tables.items()}, store)
    assert {name: list(source.records(name)) for name in source.tables()} == rows, told
    assert found.contents == {name: entry["content"] for name, entry in sorted(whole.tables.items())}, told
    return found


@pytest.mark.each_version
@pytest.mark.parametrize("seed", [1, 2])
def test_captures_that_build_on_each_other(experiment, seed):
    running = experiment("timeline")
    history = History(running.url, seed)
    snapshot = None
    for number in rounds(STEPS, seconds=10):
        snapshot = follow(running.deployment, parse(running.url), snapshot, (seed, number, history.done))
        history.step()
    history.close()


HIDDEN = {
    "another partition, rows of the same transaction": (
        """BEGIN; CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10); CREATE TABLE spare (LIKE p INCLUDING ALL);
        INSERT INTO p VALUES (1, 'a'); INSERT INTO spare VALUES (1, 'b'); COMMIT""",
        "ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p ATTACH PARTITION spare FOR VALUES FROM (1) TO (10)",
    ),
    "a composite type that grew": (
        "CREATE TYPE c AS (x int); CREATE TABLE t (id int PRIMARY KEY, c c); INSERT INTO t VALUES (1, ROW(1))",
        "ALTER TYPE c ADD ATTRIBUTE y int",
    ),
    "a label deep in other types": (
        """CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS e; CREATE TYPE c AS (x d[]);
        CREATE TABLE t (id int PRIMARY KEY, c c); INSERT INTO t VALUES (1, ROW('{a}'))""",
        "ALTER TYPE e RENAME VALUE 'a' TO 'z'",
    ),
    "a name that an object has": (
        "CREATE TABLE o (); CREATE TABLE t (id int PRIMARY KEY, c regclass); INSERT INTO t VALUES (1, 'o')",
        "ALTER TABLE o RENAME TO other",
    ),
    "a rewrite with rows frozen": (
        "CREATE TABLE t (id int PRIMARY KEY, c text); INSERT INTO t VALUES (1, 'a')",
        "BEGIN; TRUNCATE t; COPY t FROM PROGRAM 'echo 1,b' WITH (FORMAT csv, FREEZE); COMMIT",
    ),
}


@pytest.mark.each_version
@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_row_versions_do_not_show(experiment, hidden):
    running = experiment("timeline")
    before, change = HIDDEN[hidden]
    running.sql(before)
    first = follow(running.deployment, parse(running.url), None, hidden)
    running.sql(change)
    assert follow(running.deployment, parse(running.url), first, hidden).contents != first.contents


def test_another_expression_of_a_virtual_column(postgres, transactional_db):
    running = Experiment(postgres, postgres.database("timeline"))
    running.sql("CREATE TABLE t (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL);"
                "INSERT INTO t VALUES (1)")  # fmt: skip
    first = follow(running.deployment, parse(running.url), None, "")
    running.sql("ALTER TABLE t ALTER COLUMN v SET EXPRESSION AS (id * 3)")
    follow(running.deployment, parse(running.url), first, "")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_commit_that_is_lost_with_a_crash(transactional_db, version):
    """The server goes on without having started anew, and gives the number of the lost transaction to another."""
    need(version)
    with Server(version, in_memory=True, wal_writer_delay="10s", autovacuum="off") as server:
        running = Experiment(Postgres(server), Postgres(server).database("timeline"))
        running.sql("CREATE TABLE t (id int PRIMARY KEY, t text)")
        running.sql("CHECKPOINT")
        for _ in range(20):
            running.sql("SELECT txid_current()")
        ((lost,),) = running.sql("INSERT INTO t VALUES (1, 'lost') RETURNING xmin::text::int")
        first = follow(running.deployment, parse(running.url), None, "")
        _crash(running)
        assert running.sql("SELECT * FROM t") == []
        number = 0
        while number < lost - 1:
            ((number,),) = running.sql("SELECT txid_current()")
        assert running.sql("INSERT INTO t VALUES (1, 'other') RETURNING xmin::text::int") == [(lost,)]
        while number < lost + 50:
            ((number,),) = running.sql("SELECT txid_current()")
        follow(running.deployment, parse(running.url), first, "")


def _crash(running) -> None:
    """One of the server's processes is killed; return when it is back."""
    connection = running.postgres.connect(running.url)
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    while True:
        try:
            running.sql("SELECT 1")
        except psycopg2.OperationalError:
            continue
        return
