"""The database to restore into: what its catalogue says, and whether it can take a snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep

from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

from exports.sources.postgres import Address, Refused
from exports.store.blobs import TableState
from psynetdata.psynet.problems import BadInput, Conflict

_NAMED = 5  # how many things a sentence lists before it only counts
_CLOSING = 2.0  # seconds after which the server has noticed that a program disconnected
_INTEGERS = {"int2", "int4", "int8"}


@dataclass(frozen=True)
class TargetColumn:
    """`type` is PostgreSQL's udt_name; `base` the type as written in SQL, without length and below a domain."""

    name: str
    type: str
    base: str
    not_null: bool
    has_default: bool
    generated: bool


@dataclass(frozen=True)
class TargetTable:
    """`sql`: its name, quoted and with its schema; `rows_of`: for FROM, without tables that inherit from it."""

    name: str
    oid: int
    sql: str
    rows_of: str
    owned: bool
    columns: tuple[TargetColumn, ...]

    def column(self, name: str) -> TargetColumn | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def has_integer_id(self) -> bool:
        column = self.column("id")
        return column is not None and column.type in _INTEGERS


def read_tables(cursor: Cursor) -> dict[str, TargetTable]:
    """Return {name: table} of the first schema in the search path."""
    cursor.execute(_COLUMNS)
    columns: dict[int, list[TargetColumn]] = {}
    for oid, *column in cursor.fetchall():
        columns.setdefault(oid, []).append(TargetColumn(*column))
    cursor.execute(_TABLES)
    tables = {}
    for name, oid, schema, whole, owned in cursor.fetchall():
        sql = qualified(cursor, schema, name)
        tables[name] = TargetTable(name, oid, sql, sql if whole else f"ONLY {sql}", owned, tuple(columns.get(oid, ())))
    return tables


def qualified(cursor: Cursor, schema: str, name: str) -> str:
    return f"{quote_ident(schema, cursor)}.{quote_ident(name, cursor)}"


def names(cursor: Cursor, columns: Iterable[str]) -> str:
    return ", ".join(quote_ident(column, cursor) for column in columns)


def check_reachable(cursor: Cursor, address: Address) -> None:
    """Raise Refused if nothing can be written, Conflict if other programs are connected."""
    cursor.execute("SELECT current_setting('transaction_read_only') = 'on'")
    if cursor.fetchone()[0]:
        raise Refused(f"{address.label} cannot be written: the server or the role {address.user} is read-only.")
    others = _others(cursor)
    if others:
        programs = sorted({name or "a program without a name" for (name,) in others})
        raise Conflict(
            f"{address.label} has other connections ({_some(programs, len(others))}); "
            "end them first, above all the experiment's server."
        )


def _others(cursor: Cursor) -> list[tuple[str]]:
    """Return the programs that are also connected. A closed connection can be seen for a moment longer."""
    deadline = monotonic() + _CLOSING
    while True:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_OTHERS)
        rows = cursor.fetchall()
        if not rows or monotonic() > deadline:
            return rows
        sleep(0.1)


def check_tables(cursor: Cursor, states: Mapping[str, TableState], address: Address) -> None:
    """Raise BadInput if tables are missing, Refused if the role does not own them."""
    tables = read_tables(cursor)
    missing = sorted(set(states) - set(tables))
    if missing:
        raise BadInput(
            f"{address.label} lacks {_counted(missing, 'table')} of the snapshot: {_some(missing)}. "
            "Create the tables first, with the experiment's own PsyNet (`psynet debug local` does), then restore."
        )
    foreign = sorted(table for table in states if not tables[table].owned)
    if foreign:
        raise Refused(
            f"{address.label}: the role {address.user} does not own {_counted(foreign, 'table')}: {_some(foreign)}; "
            "restore as the role that does."
        )


def check_columns(states: Mapping[str, TableState], tables: Mapping[str, TargetTable], address: Address) -> list[str]:
    """Return sentences about types that differ. Raises BadInput for columns of one side only that need a value."""
    lacking, needing, warnings = [], [], []
    for table, state in sorted(states.items()):
        held = {column.name: column for column in state.columns}
        for name, column in held.items():
            there = tables[table].column(name)
            if there is None:
                lacking.append(f"{table}.{name}")
            elif column.type and column.type != there.type:
                warnings.append(
                    f"Table {table}, column {name}: {column.type} in the snapshot, {there.type} in the database."
                )
        needing += [
            f"{table}.{column.name}"
            for column in tables[table].columns
            if column.name not in held and column.not_null and not column.has_default and not column.generated
        ]
    if lacking:
        raise BadInput(f"{address.label} lacks {_counted(lacking, 'column')} of the snapshot: {_some(lacking)}.")
    if needing:
        raise BadInput(
            f"{address.label} has {_counted(needing, 'column')} that the snapshot lacks, with NOT NULL and without "
            f"a default: {_some(needing)}."
        )
    return warnings


def lock(cursor: Cursor, tables: Iterable[TargetTable]) -> None:
    """Keep all others away from the tables until the transaction ends."""
    cursor.execute(f"LOCK TABLE {', '.join(table.sql for table in tables)} IN ACCESS EXCLUSIVE MODE")


def with_rows(cursor: Cursor, tables: Iterable[TargetTable]) -> list[str]:
    """Return the names of the tables that have any rows."""
    filled = []
    for table in tables:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table.rows_of})")
        if cursor.fetchone()[0]:
            filled.append(table.name)
    return sorted(filled)


def check_empty(filled: list[str], address: Address) -> None:
    if filled:
        raise Conflict(
            f"{address.label} already holds rows, in {_counted(filled, 'table')}: {_some(filled)}; "
            "--replace deletes them in the same step."
        )


def _counted(things: list[str], word: str) -> str:
    return f"1 {word}" if len(things) == 1 else f"{len(things)} {word}s"


def _some(things: list[str], count: int | None = None) -> str:
    more = len(things) - _NAMED
    text = ", ".join(things[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{count}: {text}" if count and count != len(things) else text


_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_TABLES = f"""
    SELECT relname, oid, current_schema()::text, relkind = 'p', pg_has_role(relowner, 'USAGE')
    FROM pg_class WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p') AND NOT relispartition
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = pg_class.oid AND d.deptype = 'e')"""
_COLUMNS = f"""
    SELECT c.oid, a.attname, t.typname,
           format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL),
           a.attnotnull OR t.typnotnull, a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
           a.attgenerated <> ''
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = {_SCHEMA} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.oid, a.attnum"""
# A role without rights cannot see other roles' processes; a background process has no user.
_OTHERS = """
    SELECT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
      AND coalesce(backend_type, 'client backend') = 'client backend'"""
