"""One moment of an experiment's database: a transaction over all its tables for which nobody waits.

The order of things matters (docs/architecture.md): the table list, BEGIN, the locks, and only then the first
SELECT, which fixes the moment. Before the locks a TRUNCATE could slip in between and read as an empty table.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection

from psynetdata.psynet.problems import BadInput, Conflict
from psynetdata.psynet.tables import REQUIRED_TABLES

from . import catalogue
from .catalogue import Table
from .postgres import Address, Refused, Unreachable, connect, told

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TRIES = 3
LOOK_EVERY = 0.25  # seconds between looks whether someone waits behind us
_NAME = "psynetdata snapshot"
# A query that takes longer is not of this world; a client that hangs must not hold back the server's vacuum.
_LIMITS = "SET statement_timeout = '30min'; SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '10min'"
_SERVER = """
SELECT current_setting('server_version_num')::int,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       pg_postmaster_start_time()::text, txid_snapshot_xmax(txid_current_snapshot())::text,
       has_function_privilege('pg_control_system()', 'EXECUTE')
"""
_WAITING = """
SELECT count(*) FROM pg_locks w
 WHERE NOT w.granted AND w.pid <> ALL (%(ours)s) AND pg_blocking_pids(w.pid) && %(ours)s
"""


class GaveWay(Conflict):
    """Someone waited for a lock behind the capture, so it was ended."""


@dataclass(frozen=True)
class Server:
    """Which server and database it is, and how far its transactions had come. What `same_history` compares."""

    version: int
    system: str
    database: int
    started: str
    horizon: int

    def same_history(self, earlier: dict) -> bool:
        """Whether row versions known from `earlier` (as_json) mean the same here: no restart, no other cluster."""
        same = all(earlier.get(name) == getattr(self, name) for name in ("system", "database", "started"))
        return same and self.horizon >= int(earlier.get("horizon", 0))

    def as_json(self) -> dict:
        return {
            "version": self.version, "system": self.system, "database": self.database, "started": self.started,
            "horizon": self.horizon,
        }  # fmt: skip


class Moment:
    """All tables of one moment. `readers`: connections that see just this moment, the first one leading."""

    def __init__(self, taken_at: datetime, tables: list[Table], server: Server, readers: list[Connection]):
        self.taken_at = taken_at
        self.tables = tables
        self.server = server
        self.readers = readers

    def query(self, sql: str, parameters: tuple = (), *, reader: int = 0) -> list[tuple]:
        with self.readers[reader].cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()

    def copy(self, select: str, out: BinaryIO, *, reader: int = 0) -> int:
        """COPY a query's rows as CSV into `out`; how many there were."""
        with self.readers[reader].cursor() as cursor:
            cursor.copy_expert(f"COPY ({select}) TO STDOUT WITH (FORMAT csv)", out)
            return cursor.rowcount

    def sequences(self) -> dict[str, int | None]:
        """{sequence: last value}, as far as the role may see; None where it was never used. Read after the rows."""
        return dict(self.query("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"))


@contextmanager
def moment(address: Address, *, readers: int = 2) -> Iterator[Moment]:
    """Hold one moment. Raises Unreachable, Refused, BadInput (not PsyNet's), and Conflict where the time is bad.

    GaveWay, a Conflict, says that someone waited for a lock that we held.
    """
    with ExitStack() as stack:
        leader = stack.enter_context(closing(connect(address, name=_NAME)))
        others = [stack.enter_context(closing(connect(address, name=_NAME))) for _ in range(readers - 1)]
        ours = [connection.info.backend_pid for connection in (leader, *others)]
        watch = stack.enter_context(_watched(address, ours))
        stack.enter_context(_ended_by(watch, address))
        for connection in (leader, *others):
            _execute(connection, _LIMITS)
        tables = _locked(leader, address)
        taken_at = datetime.now(UTC)
        server = _server(leader)
        _share(leader, others)
        yield Moment(taken_at, tables, server, [leader, *others])


def _locked(connection: Connection, address: Address) -> list[Table]:
    """The tables, all locked, in a transaction that has read them."""
    for _ in range(_TRIES):
        tables = catalogue.read(connection)
        _check(tables, address)
        _execute(connection, _BEGIN)
        try:
            names = ", ".join(table.rows_of for table in tables)
            _execute(connection, f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        except psycopg2.Error as error:
            _execute(connection, "ROLLBACK")
            if error.pgcode == errorcodes.UNDEFINED_TABLE:
                continue  # dropped between the two
            raise
        if catalogue.read(connection) == tables:
            return tables
        _execute(connection, "ROLLBACK")
    raise Conflict(f"{address.label}: its tables are being changed at this moment; it is tried again later.")


def _check(tables: list[Table], address: Address) -> None:
    missing = sorted(set(REQUIRED_TABLES) - {table.name for table in tables})
    if missing:
        raise BadInput(f"{address.label} is no PsyNet database: it has no table {', '.join(missing)}.")
    unreadable = [table.name for table in tables if not table.readable]
    if unreadable:
        raise Refused(
            f"{address.label}: the role {address.user} may not read {', '.join(unreadable)}; let its owner run: "
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {catalogue.quoted(address.user)}."
        )


def _server(connection: Connection) -> Server:
    with connection.cursor() as cursor:
        cursor.execute(_SERVER)
        version, database, started, horizon, may_ask = cursor.fetchone()
        system = ""
        if may_ask:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            (system,) = cursor.fetchone()
    return Server(version, system, database, started, int(horizon))


def _share(leader: Connection, others: list[Connection]) -> None:
    with leader.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (name,) = cursor.fetchone()
    for connection in others:
        _execute(connection, _BEGIN)
        _execute(connection, "SET TRANSACTION SNAPSHOT %s", (name,))


def _execute(connection: Connection, sql: str, parameters: tuple | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


class _Watch:
    """Looks whether anyone waits behind our backends, and ends those at once: a cancel would miss an idle one."""

    def __init__(self, connection: Connection, ours: list[int]):
        self.gave_way = False
        self.lost = False
        self._connection = connection
        self._ours = ours
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        try:
            with self._connection.cursor() as cursor:
                while not self._over.wait(LOOK_EVERY):
                    cursor.execute(_WAITING, {"ours": self._ours})
                    if cursor.fetchone()[0]:
                        self.gave_way = True
                        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", (self._ours,))
                        return
        except psycopg2.Error:
            self.lost = True  # without it nobody would be seen waiting; told when the transaction ends


@contextmanager
def _watched(address: Address, ours: list[int]) -> Iterator[_Watch]:
    with closing(connect(address, name=f"{_NAME}, watching for who waits")) as connection:
        _execute(connection, "SET statement_timeout = '10s'")
        watch = _Watch(connection, ours)
        watch.start()
        try:
            yield watch
        finally:
            watch.stop()


@contextmanager
def _ended_by(watch: _Watch, address: Address) -> Iterator[None]:
    """psycopg2's errors as Problems; that of a connection which the watch ended says so."""
    try:
        with told(address):
            yield
    except Unreachable:
        if watch.gave_way:
            raise GaveWay(
                f"{address.label}: someone waited for a table that the snapshot was reading, so it gave way; "
                "it is tried again later."
            ) from None
        raise
    if watch.lost:
        raise Unreachable(f"{address.label}: the connection that watches for waiting queries was cut.")
