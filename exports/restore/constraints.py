"""Disable what would prevent loading rows, and restore it afterwards: declared foreign keys, triggers, sequences.

PsyNet declares 73 foreign keys that form circles, so no order of tables satisfies them. Skipping the checks
(session_replication_role) needs a superuser; dropping and adding the keys needs the tables' owner.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

from psynetdata.psynet.problems import Conflict

from .target import TargetTable, qualified

_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@contextmanager
def aside(cursor: Cursor, tables: Iterable[TargetTable]) -> Iterator[None]:
    """In the body, no trigger of these tables fires and no foreign key from or to them is enforced.

    Afterwards all are as before and checked against the rows: Conflict names a key that they violate. If the body
    raises, nothing is restored here: the transaction is rolled back anyway.
    """
    tables = list(tables)
    oids = [table.oid for table in tables]
    keys = _drop_keys(cursor, oids)
    triggers = _disable_triggers(cursor, oids)
    yield
    for table, name, state in triggers:
        cursor.execute(f"ALTER TABLE {table} {_ENABLE[state]} TRIGGER {quote_ident(name, cursor)}")
    for key in keys:
        _add_key(cursor, *key)


def _drop_keys(cursor: Cursor, oids: list[int]) -> list[tuple[str, str, str, str, str | None]]:
    cursor.execute(_KEYS, {"tables": oids})
    keys = cursor.fetchall()
    for schema, table, name, *_ in keys:
        cursor.execute(f"ALTER TABLE {qualified(cursor, schema, table)} DROP CONSTRAINT {quote_ident(name, cursor)}")
    return keys


def _add_key(cursor: Cursor, schema: str, table: str, name: str, definition: str, comment: str | None) -> None:
    place, constraint = qualified(cursor, schema, table), quote_ident(name, cursor)
    try:
        cursor.execute(f"ALTER TABLE {place} ADD CONSTRAINT {constraint} {definition}")
    except errors.ForeignKeyViolation:
        raise Conflict(
            f"The rows would violate the foreign key {name} of table {table}, {definition}; nothing was changed. "
            "Drop that key in the database, then restore again."
        ) from None
    if comment is not None:
        cursor.execute(f"COMMENT ON CONSTRAINT {constraint} ON {place} IS %s", [comment])


def _disable_triggers(cursor: Cursor, oids: list[int]) -> list[tuple[str, str, str]]:
    cursor.execute(_TRIGGERS, {"tables": oids})
    triggers = [(qualified(cursor, schema, table), name, state) for schema, table, name, state in cursor.fetchall()]
    for table, name, _ in triggers:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {quote_ident(name, cursor)}")
    return triggers


def restart_sequences(
    cursor: Cursor, tables: Mapping[str, TargetTable], last_values: Mapping[str, int | None]
) -> dict[str, int]:
    """Return {sequence: its next value}, for sequences that the tables' columns own or that the snapshot knows.

    `last_values` is Snapshot.sequences. Uses ALTER SEQUENCE, because a rollback does not undo setval().
    """
    cursor.execute(_SEQUENCES)
    restarted = {}
    for schema, name, start, step, lowest, highest, table, column in cursor.fetchall():
        if table not in tables and name not in last_values:
            continue
        after = [last_values[name]] if last_values.get(name) is not None else []
        if table in tables:
            furthest = "max" if step > 0 else "min"
            cursor.execute(f"SELECT {furthest}({quote_ident(column, cursor)})::bigint FROM {tables[table].rows_of}")
            after += [value for (value,) in cursor.fetchall() if value is not None]
        following = (max(after) if step > 0 else min(after)) + step if after else start
        restarted[name] = min(max(following, lowest), highest)
        cursor.execute(f"ALTER SEQUENCE {qualified(cursor, schema, name)} RESTART WITH {restarted[name]}")
    return restarted


# A partition's keys are dropped and added with those of the whole table.
_KEYS = """
    SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0
      AND (k.conrelid = ANY(%(tables)s::oid[]) OR k.confrelid = ANY(%(tables)s::oid[]))
    ORDER BY n.nspname, c.relname, k.conname"""
_TRIGGERS = """
    SELECT n.nspname, c.relname, t.tgname, t.tgenabled
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgrelid = ANY(%(tables)s::oid[])
    ORDER BY n.nspname, c.relname, t.tgname"""
_SEQUENCES = """
    SELECT n.nspname, s.relname, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, c.relname, a.attname
    FROM pg_sequence q
    JOIN pg_class s ON s.oid = q.seqrelid
    JOIN pg_namespace n ON n.oid = s.relnamespace AND n.nspname = current_schema()
    LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
         AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN pg_class c ON c.oid = d.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    ORDER BY s.relname"""
