"""The order of locks: one moment, and nobody who waits for us."""

import threading
from time import monotonic

import psycopg2
import pytest

from exports.capture import take as take_module
from exports.capture.take import take
from exports.models import Snapshot
from exports.sources import postgres_catalogue
from exports.sources import read_transaction as moment_module
from exports.sources.postgres import parse
from exports.sources.read_transaction import GaveWay, read_transaction
from exports.store.reader import SnapshotReader
from psynetdata.psynet.problems import BadInput, Conflict
from tools.simulator import Simulator, dangling_in

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_version]
# Seconds within which those who met a capture went on. A second is what is promised (benchmarks.snapshots --writer
# measures it); a test machine with more to do than cores adds its own.
SOON = 5.0
INSERT = "INSERT INTO request (creation_time, endpoint) VALUES (now(), 'x')"


class Timed(threading.Thread):
    """Runs one statement in a session of its own; `seconds` it took."""

    def __init__(self, postgres, url: str, sql: str):
        super().__init__(daemon=True)
        self._connection = postgres.connect(url)
        self._sql = sql
        self.seconds = None
        self.error = None

    def run(self):
        began = monotonic()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(self._sql)
        except psycopg2.Error as error:
            self.error = error
        self.seconds = monotonic() - began
        self._connection.close()

    def waits(self, postgres, url) -> None:
        """Return when it waits for a lock, or is done."""
        pid = self._connection.info.backend_pid
        while self.seconds is None:
            if postgres.execute(url, "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", (pid,)):
                return


@pytest.mark.parametrize("alter", ["ALTER TABLE request ADD COLUMN extra int", "TRUNCATE request", "DROP TABLE vector"])
def test_nobody_waits_long_for_an_idle_moment(postgres, alter):
    url = postgres.database("static")
    change, write = (Timed(postgres, url, sql) for sql in (alter, INSERT))

    def be_met():
        with read_transaction(parse(url)) as held:
            for thread in (change, write):
                thread.start()
                thread.waits(postgres, url)
            change.join()
            write.join()
            held.query("SELECT count(*) FROM public.request")

    with pytest.raises(GaveWay, match="gave way"):
        be_met()
    assert change.error is None
    assert write.error is None
    assert max(change.seconds, write.seconds) < SOON


def test_nobody_waits_long_for_a_capture_that_reads(experiment, monkeypatch):
    running = experiment()
    running.sql("INSERT INTO request (creation_time, endpoint, params) SELECT now(), 'x', repeat('y', 900) "
                "FROM generate_series(1, 60000)")  # fmt: skip
    threads = []

    def copy_and_be_met(self, select, out, *, reader=0):
        if not threads and "request" in select:
            for sql in ("ALTER TABLE request ADD COLUMN extra int", INSERT):
                threads.append(Timed(running.postgres, running.url, sql))
                threads[-1].start()
                threads[-1].waits(running.postgres, running.url)
        return copy(self, select, out, reader=reader)

    copy = moment_module.ReadTransaction.copy
    monkeypatch.setattr(moment_module.ReadTransaction, "copy", copy_and_be_met)
    monkeypatch.setattr(take_module, "GIVES_WAY", 1)
    with pytest.raises(GaveWay):
        take(running.deployment)
    for thread in threads:
        thread.join()
        assert (thread.error, thread.seconds < SOON) == (None, True)
    assert not Snapshot.objects.exists()
    monkeypatch.undo()
    assert take(running.deployment).snapshot.rows_of("request") == running.sql("SELECT count(*) FROM request")[0][0]


def test_a_capture_that_gave_way_is_tried_again_at_once(experiment, monkeypatch):
    running = experiment()
    thread = Timed(running.postgres, running.url, "ALTER TABLE request ADD COLUMN extra int")

    def query_and_be_met(self, *args, **options):
        if thread.ident is None:
            thread.start()
            thread.join()
        return query(self, *args, **options)

    query = moment_module.ReadTransaction.query
    monkeypatch.setattr(moment_module.ReadTransaction, "query", query_and_be_met)
    snapshot = take(running.deployment).snapshot
    assert "extra" in [column.name for column in SnapshotReader(snapshot).columns("request")]


def test_a_table_that_someone_holds_is_not_waited_for_long(postgres):
    url = postgres.database("static")
    holder = postgres.connect(url, autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE request IN ACCESS EXCLUSIVE MODE")
    began = monotonic()
    with pytest.raises(Conflict, match="locked by someone else"), read_transaction(parse(url)):
        pytest.fail("it holds a table that another has locked")
    assert monotonic() - began < SOON
    holder.close()


def looked_at(postgres, url, times: int) -> None:
    """Return when the watch has looked so often."""
    seen = set()
    while len(seen) <= times:
        seen |= set(postgres.execute(
            url, "SELECT query_start FROM pg_stat_activity WHERE application_name LIKE '%%watching%%'"
            " AND datname = current_database()"))  # fmt: skip


def test_plain_writers_are_not_in_the_way(postgres):
    """Rows that others lock and wait for among themselves are no reason to give way."""
    url = postgres.database("static")
    with read_transaction(parse(url)) as held:
        first = postgres.connect(url, autocommit=False)
        with first.cursor() as cursor:
            cursor.execute("UPDATE participant SET hit_id = 'x' WHERE id = 1")
        second = Timed(postgres, url, "UPDATE participant SET hit_id = 'y' WHERE id = 1")
        second.start()
        second.waits(postgres, url)
        looked_at(postgres, url, times=2)
        first.commit()
        first.close()
        second.join()
        assert second.error is None
        assert held.query("SELECT count(*) FROM public.participant WHERE hit_id IN ('x', 'y')") == [(0,)]


def test_a_table_list_that_changes_is_read_again(postgres, monkeypatch):
    url = postgres.database("static")
    reads = []

    def read_and_change(connection):
        found = read(connection)
        if len(reads) == 0:
            postgres.execute(url, "CREATE TABLE late (id int PRIMARY KEY); DROP TABLE vector")
        reads.append(found)
        return found

    read = postgres_catalogue.read
    monkeypatch.setattr(postgres_catalogue, "read", read_and_change)
    with read_transaction(parse(url)) as held:
        names = {table.name for table in held.tables}
    assert "late" in names
    assert "vector" not in names


def test_tables_that_never_rest(postgres, monkeypatch):
    url = postgres.database("static")

    def read_and_change(connection):
        found = read(connection)
        postgres.execute(url, f"CREATE TABLE late_{monotonic():.6f} (id int PRIMARY KEY)".replace(".", "_"))
        return found

    read = postgres_catalogue.read
    monkeypatch.setattr(postgres_catalogue, "read", read_and_change)
    with pytest.raises(Conflict, match="are being changed"), read_transaction(parse(url)):
        pytest.fail("it holds a list of tables that is not the current one")


def test_a_truncate_after_the_list_is_no_empty_table(postgres, monkeypatch):
    """What is gone before the locks is gone, what comes after them waits; no snapshot shows it half."""
    url = postgres.database("static")
    with read_transaction(parse(url)) as held:
        rows = held.query("SELECT count(*) FROM public.info")
        assert rows == [(130,)]
        assert held.query("SELECT count(*) FROM public.info", reader=1) == rows
        postgres.execute(url, "DELETE FROM info")
        assert held.query("SELECT count(*) FROM public.info", reader=1) == rows


def test_under_a_writer_no_reference_dangles(postgres):
    from tests.capture.conftest import Experiment

    running = Experiment(postgres, postgres.database("static"))
    simulator = Simulator(running.url, seed=3, into_existing=True)
    over = threading.Event()
    writer = threading.Thread(target=simulator.run, kwargs={"rate": 200, "stop": over}, daemon=True)
    writer.start()
    try:
        snapshots = [take(running.deployment).snapshot for _ in range(8)]
    finally:
        over.set()
        writer.join()
    assert snapshots[-1].rows > snapshots[0].rows
    for snapshot in snapshots:
        assert snapshot.state == Snapshot.State.GOOD
        assert not any(dangling_in(SnapshotReader(snapshot)).values())


@pytest.mark.parametrize("tables", ["", "CREATE TABLE participant (id int PRIMARY KEY)"])
def test_what_is_no_database_of_psynets(postgres, tables):
    url = postgres.empty()
    if tables:
        postgres.execute(url, tables)
    with (
        pytest.raises(BadInput, match="is not a PsyNet database: it has no table experiment"),
        read_transaction(parse(url)),
    ):
        pytest.fail("it holds what is not PsyNet's")
