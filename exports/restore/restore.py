"""Restore a snapshot's rows, and its asset files, into a database whose tables exist.

All rows go in with one transaction: if anything fails, or someone presses Ctrl-C, no row has changed.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor

from exports.models import Snapshot
from exports.sources.postgres import Address, connected
from exports.store.blobs import TableState
from exports.store.reader import SnapshotReader
from exports.store.withdrawals import without_withdrawn
from psynetdata.jobs import Running
from psynetdata.models import Audit
from psynetdata.psynet.problems import Conflict, Problem

from . import target
from .asset_restore import AssetRestore, no_assets, staged
from .constraints import aside, restart_sequences
from .table_fill import FillProgress, fill, prove, read_states

NAME = "psynetdata restore"
_SETTINGS = {
    "search_path": "public",  # where PsyNet works, and what a capture reads
    "lock_timeout": "5s",
    # Limits of the role or the database must not end a long restore.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


@dataclass(frozen=True)
class RestoreResult:
    """`rows`: {table: rows} as counted in the database. `sequences`: {sequence: its next value}.

    `assets`: how many asset files were put in place or were already there.
    """

    rows: dict[str, int]
    sequences: dict[str, int]
    assets: int = 0
    warnings: list[str] = field(default_factory=list)


def restore(
    snapshot: Snapshot,
    address: Address,
    *,
    replace: bool = False,
    assets: str | None = None,
    running: Running | None = None,
) -> RestoreResult:
    """Put the snapshot's rows into the database; `replace` deletes existing rows in the same transaction.

    `assets`: file:///folder, below which each file gets its `host_path`. Raises Unreachable, Refused, Conflict,
    BadInput, UsageError, Damaged, Cancelled; in all these cases nothing was changed.
    """
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="restore-") as folder:
        less = without_withdrawn(snapshot, Path(folder), on_progress=(lambda *_: running.check()) if running else None)
        restored = _from(less.reader, address, replace, assets, running)
    if number := less.left_out.get("participant"):
        restored.warnings.append(f"{number} participants who withdrew, and their rows, were left out.")
    return restored


def _from(
    reader: SnapshotReader, address: Address, replace: bool, assets: str | None, running: Running | None
) -> RestoreResult:
    snapshot, states = reader.snapshot, read_states(reader)
    with no_assets() if assets is None else staged(reader, assets, replace=replace, running=running) as files:
        with connected(address, name=NAME) as connection:
            connection.autocommit = False
            with connection.cursor() as cursor, _explained(address):
                restored = _restore(cursor, reader, states, address, replace, running)
                files.stage()
                connection.commit()
        files.place()
    _record(snapshot, address, restored, files, replace, running)
    return RestoreResult(restored.rows, restored.sequences, files.placed, [*restored.warnings, *files.warnings])


def _restore(
    cursor: Cursor,
    reader: SnapshotReader,
    states: dict[str, TableState],
    address: Address,
    replace: bool,
    running: Running | None,
) -> RestoreResult:
    for name, value in _SETTINGS.items():
        cursor.execute(f"SET LOCAL {name} = '{value}'")
    # A deferred constraint would be checked at the commit, and until then its table could not be altered.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    target.check_reachable(cursor, address)
    target.check_tables(cursor, states, address)
    existing = target.read_tables(cursor)
    target.lock(cursor, [existing[table] for table in states])
    existing = target.read_tables(cursor)  # again, now that nobody can change them
    ours = {table: existing[table] for table in states}
    warnings = target.check_columns(states, ours, address)
    filled = target.with_rows(cursor, existing.values())
    if not replace:
        target.check_empty([table for table in filled if table in ours], address)
    warnings += [
        f"Table {table} is not in the snapshot; its rows stay as they are." for table in filled if table not in ours
    ]
    walk = FillProgress(running, states)
    with aside(cursor, ours.values()):
        if any(table in ours for table in filled):
            cursor.execute(f"TRUNCATE {', '.join(table.rows_of for table in ours.values())}")
        tables = fill(cursor, reader, states, ours, walk)
        sequences = restart_sequences(cursor, ours, reader.snapshot.sequences)
    return RestoreResult(prove(cursor, reader, tables, walk), sequences, warnings=warnings)


@contextmanager
def _explained(address: Address):
    """Translate the database's errors that only a restore can meet."""
    try:
        yield
    except errors.LockNotAvailable:
        raise Conflict(f"{address.label}: another program holds a lock on its tables; nothing was changed.") from None
    except errors.ReadOnlySqlTransaction:
        raise Conflict(f"{address.label} is read-only; nothing was changed.") from None
    except errors.FeatureNotSupported as error:
        what = (error.diag.message_primary or "it does not say what").strip()
        raise Problem(f"{address.label} cannot do what a restore needs: {what}; nothing was changed.") from None


def _record(
    snapshot: Snapshot,
    address: Address,
    restored: RestoreResult,
    files: AssetRestore,
    replace: bool,
    running: Running | None,
) -> None:
    Audit.record(
        "restore",
        user=running.job.owner if running else None,
        deployment=snapshot.deployment,
        target=snapshot,
        identified=True,
        database=address.url,
        replaced=replace,
        rows=sum(restored.rows.values()),
        assets=files.placed,
    )
