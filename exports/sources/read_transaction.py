"""One moment of an experiment's database: a transaction over all its tables that makes nobody wait.

The order matters (docs/architecture.md): the table list, BEGIN, the locks, and only then the first SELECT, which fixes
the moment. With a SELECT before the locks, a TRUNCATE could slip in between, and its table would read as empty.
"""

import sys
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

from . import postgres_catalogue
from .connection_guard import SILENT_AFTER, Guard, guarded
from .postgres import Address, Refused, Unreachable, connect, translated_errors
from .postgres_catalogue import SourceTable

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TRIES = 3
_NAME = "psynetdata snapshot"
# Only PostgreSQL's own names are used: the owner of a table must not be able to make us run one of their functions.
# No reasonable query takes longer; a client that hangs must not hold back the server's vacuum.
_LIMITS = (
    "SET search_path = pg_catalog; "
    "SET statement_timeout = '30min'; SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '10min'"
)
# On newer servers: notice at once that the client died; and no limit of the role on whole transactions.
_LATER_LIMITS = """
SELECT set_config(name, CASE name WHEN 'transaction_timeout' THEN '0' ELSE '1s' END, false)
  FROM pg_settings WHERE name IN ('client_connection_check_interval', 'transaction_timeout')
"""
_SERVER = """
SELECT current_setting('server_version_num')::int,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       pg_postmaster_start_time()::text, txid_snapshot_xmax(txid_current_snapshot())::text,
       has_function_privilege('pg_control_system()', 'EXECUTE')
"""


class GaveWay(Conflict):
    """Someone waited for a lock of the capture, so it was ended."""


@dataclass(frozen=True)
class ServerIdentity:
    """Which server and database it is, and how far its transactions had come: what `same_history` compares.

    `recovered`: when its statistics began. The server discards them if one of its processes crashed, without restarting
    itself; and if commits are not waited for (synchronous_commit off), a transaction that was seen may then be lost and
    its number given to another one.
    """

    version: int
    system: str
    database: int
    started: str
    recovered: str
    horizon: int

    def same_history(self, earlier: dict) -> bool:
        """Return whether row versions known from `earlier` (as_json) are still valid: same cluster, no restart."""
        same = all(earlier.get(name) == getattr(self, name) for name in ("system", "database", "started", "recovered"))
        return same and self.horizon >= int(earlier.get("horizon", 0))

    def as_json(self) -> dict:
        return {
            "version": self.version, "system": self.system, "database": self.database, "started": self.started,
            "recovered": self.recovered, "horizon": self.horizon,
        }  # fmt: skip


class ReadTransaction:
    """All tables of one moment. `readers`: connections that see exactly this moment; the first one leads."""

    def __init__(self, tables: list[SourceTable], server: ServerIdentity, readers: list[Connection], guard: Guard):
        self.taken_at = datetime.now(UTC)
        self.tables = tables
        self.server = server
        self.readers = readers
        self._guard = guard

    def end(self) -> None:
        """Let the server stop what the readers do; their queries soon raise Unreachable."""
        self._guard.end()

    def query(self, sql: str, parameters: tuple = (), *, reader: int = 0) -> list[tuple]:
        with self.readers[reader].cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()

    def copy(self, select: str, out: BinaryIO, *, reader: int = 0) -> int:
        """COPY a query's rows as CSV into `out`. Return the number of rows."""
        with self.readers[reader].cursor() as cursor, _quiet():
            cursor.copy_expert(f"COPY ({select}) TO STDOUT WITH (FORMAT csv)", out)
            return cursor.rowcount

    def sequences(self) -> dict[str, int | None]:
        """Return {sequence: last value} where the role may see it; None if never used. Read after the rows."""
        return dict(self.query("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide a SystemError that psycopg2 prints, before it raises, if a server ends a COPY with a final message."""
    before = sys.excepthook
    sys.excepthook = lambda kind, *rest: None if issubclass(kind, SystemError) else before(kind, *rest)
    try:
        yield
    finally:
        sys.excepthook = before


@contextmanager
def read_transaction(address: Address, *, readers: int = 2) -> Iterator[ReadTransaction]:
    """Yield one moment. Raises Unreachable, Refused, BadInput (not PsyNet's database), and Conflict to try again later.

    GaveWay, a Conflict, means that someone waited for a lock that we held.
    """
    with ExitStack() as stack:
        leader = stack.enter_context(closing(connect(address, name=_NAME)))
        others = [stack.enter_context(closing(connect(address, name=_NAME))) for _ in range(readers - 1)]
        readers = [leader, *others]
        watching = stack.enter_context(closing(connect(address, name=f"{_NAME}, watching for who waits")))
        stack.enter_context(translated_errors(address))
        guard = stack.enter_context(guarded(watching, readers))
        stack.enter_context(_ended_by(guard, address))
        for connection in readers:
            _execute(connection, _LIMITS)
            _execute(connection, _LATER_LIMITS)
        recovered = _recovered(leader)
        tables = _locked(leader, address)
        transaction = ReadTransaction(tables, _server(leader, recovered), readers, guard)
        _share(leader, others)
        yield transaction


def _locked(connection: Connection, address: Address) -> list[SourceTable]:
    """Return the tables, all locked, in a transaction that has read them."""
    for _ in range(_TRIES):
        tables = postgres_catalogue.read(connection)
        _check(tables, address)
        _execute(connection, _BEGIN)
        try:
            names = ", ".join(table.rows_of for table in tables)
            _execute(connection, f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        except psycopg2.Error as error:
            _execute(connection, "ROLLBACK")
            if error.pgcode == errorcodes.UNDEFINED_TABLE:
                continue  # a table was dropped in between
            raise
        if postgres_catalogue.read(connection) == tables:
            return tables
        _execute(connection, "ROLLBACK")
    raise Conflict(f"{address.label}: its tables are being changed at this moment; it is tried again later.")


def _check(tables: list[SourceTable], address: Address) -> None:
    missing = sorted(set(REQUIRED_TABLES) - {table.name for table in tables})
    if missing:
        raise BadInput(f"{address.label} is not a PsyNet database: it has no table {', '.join(missing)}.")
    unreadable = [table.name for table in tables if not table.readable]
    if unreadable:
        raise Refused(
            f"{address.label}: the role {address.user} has no right to read {', '.join(unreadable)}; ask its owner "
            f"to run: GRANT SELECT ON ALL TABLES IN SCHEMA public TO {postgres_catalogue.quoted(address.user)}."
        )


def _recovered(connection: Connection) -> str:
    """Ask before locking: servers before PostgreSQL 15 may take seconds to answer this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(stats_reset::text, '') FROM pg_stat_bgwriter")
        return cursor.fetchone()[0]


def _server(connection: Connection, recovered: str) -> ServerIdentity:
    with connection.cursor() as cursor:
        cursor.execute(_SERVER)
        version, database, started, horizon, may_ask = cursor.fetchone()
        system = ""
        if may_ask:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            (system,) = cursor.fetchone()
    return ServerIdentity(version, system, database, started, recovered, int(horizon))


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


@contextmanager
def _ended_by(guard: Guard, address: Address) -> Iterator[None]:
    """Turn psycopg2's errors into Problems; if the guard ended the connection, the Problem says why."""
    try:
        with translated_errors(address):
            yield
    except Unreachable:
        if guard.gave_way:
            raise GaveWay(
                f"{address.label}: someone waited for a table that the snapshot was reading, so it gave way; "
                "it is tried again later."
            ) from None
        if guard.silent:
            raise Unreachable(
                f"{address.label}: no answer came for {SILENT_AFTER:.0f} seconds; the network or the server hangs."
            ) from None
        if not guard.lost:
            raise
    if guard.lost:
        raise Unreachable(f"{address.label}: the connection that looks for waiting queries was cut.")
