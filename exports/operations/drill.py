"""Prove that a deployment's newest snapshot can be restored, before anybody needs it.

With DRILL_DATABASE_URL the rows go into separate tables in that database, are read back and compared, and are then
removed: nothing is ever committed there. Without it, segments are only hashed and counted again.
"""

import secrets
from collections.abc import Mapping
from time import monotonic

from django.conf import settings
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

from exports.models import Snapshot
from exports.operations.storage_check import verify_snapshot
from exports.restore.table_fill import FillProgress, fill, prove, read_states
from exports.restore.target import qualified, read_tables
from exports.sources.postgres import Address, connected, parse
from exports.store.blobs import TableState
from exports.store.reader import SnapshotReader
from psynetdata.jobs import Running
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Damaged, NotFound

NAME = "psynetdata drill"
RESTORED, HASHES = "restored", "hashes"
_NAMED = 3  # problems that a sentence quotes


def drill(deployment: Deployment, running: Running | None = None) -> dict:
    """Return {"snapshot": id, "how": "restored" or "hashes", "seconds", "tables", "rows", "problems": [], "sentence"}.

    Raises Damaged if the snapshot's data has changed since it was taken, NotFound if there is no snapshot, and what a
    connection can raise (Unreachable, Refused).
    """
    snapshot = Snapshot.objects.newest(deployment)
    if snapshot is None:
        raise NotFound(f"{deployment} has no good snapshot yet; there is nothing to restore.")
    if running:
        # prune keeps a snapshot that a job names.
        running.job.options = {**running.job.options, "snapshot": snapshot.pk}
        Job.objects.filter(pk=running.job.pk).update(options=running.job.options)
    began = monotonic()
    url = settings.DRILL_DATABASE_URL
    rows = _restore_or_repair(snapshot, parse(url), running) if url else _rehash(snapshot, running)
    seconds = round(monotonic() - began, 3)
    return {
        "snapshot": snapshot.pk,
        "how": RESTORED if url else HASHES,
        "seconds": seconds,
        "tables": len(snapshot.tables),
        "rows": rows,
        "problems": [],
        "sentence": _sentence(snapshot, rows, seconds, restored=bool(url)),
    }


def _restore_or_repair(snapshot: Snapshot, address: Address, running: Running | None) -> int:
    """Restore; if stored data is damaged, note all of its damage, repair what can be repaired, and try again."""
    try:
        return _restore_for_nothing(snapshot, address, running)
    except Damaged:
        _rehash(snapshot, running)
        return _restore_for_nothing(snapshot, address, running)


def _restore_for_nothing(snapshot: Snapshot, address: Address, running: Running | None) -> int:
    reader = SnapshotReader(snapshot)
    states = read_states(reader)
    walk = FillProgress(running, states)
    with connected(address, name=NAME) as connection:
        connection.autocommit = False  # and never commit: however the connection ends, the server forgets everything
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '0'")
            _make_tables(cursor, states)
            tables = fill(cursor, reader, states, read_tables(cursor), walk)
            counts = prove(cursor, reader, tables, walk)
        connection.rollback()
    return sum(counts.values())


def _make_tables(cursor: Cursor, states: Mapping[str, TableState]) -> None:
    """Create the snapshot's tables in a new schema, with the types that every PostgreSQL has, else with text."""
    schema = f"drill_{secrets.token_hex(6)}"
    cursor.execute(f"CREATE SCHEMA {schema}")
    cursor.execute(f"SET LOCAL search_path = {schema}")
    cursor.execute("SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype <> 'p'")
    known = {name for (name,) in cursor.fetchall()}
    for name, state in states.items():
        columns = ", ".join(
            f"{quote_ident(column.name, cursor)} "
            f"{quote_ident(column.type if column.type in known else 'text', cursor)}"
            f"{' NOT NULL' if column.not_null else ''}"
            for column in state.columns
        )
        cursor.execute(f"CREATE TABLE {qualified(cursor, schema, name)} ({columns})")


def _rehash(snapshot: Snapshot, running: Running | None) -> int:
    if running:
        running.progress("comparing hashes")
    checked = verify_snapshot(snapshot)
    if checked.problems:
        more = len(checked.problems) - _NAMED
        sentence = " ".join(checked.problems[:_NAMED]) + (f" And {more} more." if more > 0 else "")
        raise Damaged(f"{str(snapshot).capitalize()} has changed since it was taken: {sentence}")
    return checked.rows


def _sentence(snapshot: Snapshot, rows: int, seconds: float, *, restored: bool) -> str:
    held = f"{len(snapshot.tables)} tables with {rows} rows"
    if restored:
        return f"{str(snapshot).capitalize()} was restored in {seconds:.1f} s: {held}, read back and compared."
    return (
        f"{str(snapshot).capitalize()} has the expected hashes and counts: {held}, in {seconds:.1f} s. "
        "It was not restored, because DRILL_DATABASE_URL names no database for that."
    )
