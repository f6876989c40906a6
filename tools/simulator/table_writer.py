"""Write rows into PsyNet's tables: only columns that the database has, ids from its sequences, values bound."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.errors
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Identifier, Placeholder

from psynetdata.psynet import times
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.tables import REQUIRED_TABLES

_NEEDED = (*REQUIRED_TABLES, "module_state", "notification", "request")
_STATUS = "experiment_status"  # only `create` writes it
_IDS_TOGETHER = 20  # reserved ids of a table; the rest of them is never used, as after a rollback
_COLUMNS = """
    SELECT c.relname, a.attname, CASE WHEN a.attname = 'id' THEN pg_get_expr(d.adbin, d.adrelid) END
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
    WHERE c.oid = ANY (SELECT to_regclass(quote_ident(t)) FROM unnest(%s) t) AND a.attnum > 0 AND NOT a.attisdropped
"""


class Rows:
    """Inserts and updates. All that was called since the last `flush` is sent with the next one, as one transaction.

    `values` are Python values as psycopg2 binds them; a dictionary or list becomes JSON text. A column that this
    database does not have (another version of PsyNet) is left out.
    """

    def __init__(self, connection: Connection):
        self._cursor = connection.cursor()
        self._waiting: list[bytes] = []
        self._next_id: dict[str, str] = {}  # {table: expression}
        self._ids: dict[str, list[int]] = {}  # {table: reserved ones, the next one last}
        self._columns = self._read_columns()
        self._statements: dict[tuple, str] = {}
        self._offset = self._clock_offset()

    def now(self) -> datetime:
        """Return the local time of the experiment's server, without a zone, as PsyNet writes it."""
        return datetime.now(UTC).replace(tzinfo=None) + self._offset

    def insert(self, table: str, /, **values: Any) -> int:
        """Insert a row and return its id; `creation_time` is now."""
        id = self._new_id(table)
        self.add(table, id=id, **values)
        return id

    def add(self, table: str, /, **values: Any) -> None:
        """Insert a row whose id nobody needs."""
        values = {"creation_time": self.now(), **values}
        kept, bound = self._bind(table, values)
        self._waiting.append(self._cursor.mogrify(self._statement("insert", table, kept), bound))

    def update(self, table: str, id: int, /, **values: Any) -> None:
        """Change a row."""
        kept, bound = self._bind(table, values)
        self._waiting.append(self._cursor.mogrify(self._statement("update", table, kept), [*bound, id]))

    def flush(self) -> None:
        """Send what waits. On a connection with `autocommit` it is one transaction of its own, with one round trip.

        Raises BadInput if a table is not as PsyNet makes it, but has the experimenter's own rules.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._cursor.execute(b";".join(waiting))
        except psycopg2.IntegrityError as error:
            raise BadInput(
                "The database does not accept a row as PsyNet 13.3 writes it "
                f"(table {error.diag.table_name or 'unknown'}, "
                f"{error.diag.constraint_name or error.diag.column_name or 'a rule of its own'})."
            ) from None

    def execute(self, sql: str, values: tuple = ()) -> None:
        self.flush()
        self._cursor.execute(sql, values)

    def select(self, sql: str, values: tuple = ()) -> list[tuple]:
        self.execute(sql, values)
        return self._cursor.fetchall()

    def _new_id(self, table: str) -> int:
        """Return the next id of the table's sequence."""
        if not self._ids.get(table):
            self._cursor.execute(f"SELECT {self._next_id[table]} FROM generate_series(1, {_IDS_TOGETHER})")
            self._ids[table] = sorted((row[0] for row in self._cursor.fetchall()), reverse=True)
        return self._ids[table].pop()

    def _bind(self, table: str, values: dict) -> tuple[tuple[str, ...], list]:
        kept = tuple(name for name in values if name in self._columns[table])
        return kept, [_bound(values[name]) for name in kept]

    def _statement(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        key = (kind, table, names)
        if key not in self._statements:
            build = _insert if kind == "insert" else _update
            self._statements[key] = build(table, names).as_string(self._cursor)
        return self._statements[key]

    def _read_columns(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column, default in self.select(_COLUMNS, ([*_NEEDED, _STATUS],)):
            found.setdefault(table, set()).add(column)
            if default:
                self._next_id[table] = default
        missing = sorted(set(_NEEDED) - found.keys())
        if missing:
            raise BadInput(
                f"This is not a PsyNet database: it has no table {missing[0]}. --create makes the tables in an empty "
                "one."
            )
        return found

    def _clock_offset(self) -> timedelta:
        """Return how far the server's clock is ahead of UTC, from its newest status; zero if there is none."""
        if _STATUS not in self._columns:
            return timedelta()
        rows = self.select("SELECT creation_time::text, extra_info FROM experiment_status ORDER BY id DESC LIMIT 1")
        return timedelta(minutes=(times.clock_offset(*rows[0]) if rows else None) or 0)


def _bound(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _insert(table: str, names: tuple[str, ...]) -> Composable:
    return SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(table),
        SQL(", ").join(map(Identifier, names)),
        SQL(", ").join([Placeholder()] * len(names)),
    )


def _update(table: str, names: tuple[str, ...]) -> Composable:
    pairs = [SQL("{} = {}").format(Identifier(name), Placeholder()) for name in names]
    return SQL("UPDATE {} SET {} WHERE id = {}").format(Identifier(table), SQL(", ").join(pairs), Placeholder())
