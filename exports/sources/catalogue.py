"""What PostgreSQL's catalogue says of an experiment's tables."""

import hashlib
import json
from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection

from psynetdata.psynet.tables import Column

_INTEGERS = ("int2", "int4", "int8")

# Tables of the schema in which PsyNet works; none that belong to an extension, and of partitions the whole.
_TABLES = """
SELECT c.oid::bigint, c.relname, c.relkind = 'p', greatest(c.reltuples, 0)::bigint,
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
       a.attnum, a.attname, t.typname, a.attnotnull, a.atttypmod,
       (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
         WHERE e.enumtypid IN (t.oid, t.typelem, t.typbasetype)),
       i.indrelid IS NOT NULL
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True)
class Table:
    """A table of the source. `by_id`: its primary key is the integer column `id`.

    `shape` names what the row versions do not show when it changes: the table's identity, its columns and
    the labels of its enums. `about`: how many rows the server takes it to have.
    """

    name: str
    columns: tuple[Column, ...]
    by_id: bool
    shape: str
    whole: bool = field(repr=False)
    readable: bool = True
    about: int = field(default=0, compare=False)

    @property
    def rows_of(self) -> str:
        """The FROM item: a table that others inherit from is not read with their rows, a partitioned one is."""
        return f"{'' if self.whole else 'ONLY '}public.{quoted(self.name)}"

    @property
    def listed(self) -> str:
        """All columns, for SELECT."""
        return ", ".join(quoted(column.name) for column in self.columns)


def read(connection: Connection) -> list[Table]:
    """All tables, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        found: dict[str, list[tuple]] = {}
        for row in cursor:
            found.setdefault(row[1], []).append(row)
    return [_table(name, rows) for name, rows in found.items()]


def _table(name: str, rows: list[tuple]) -> Table:
    oid, _, whole, about, readable = rows[0][:5]
    columns = tuple(Column(row[6], row[7], row[8]) for row in rows)
    by_id = any(is_key and column == "id" and kind in _INTEGERS for *_, column, kind, _, _, _, is_key in rows)
    told = [oid, [[row[5], row[6], row[7], row[9], row[10]] for row in rows]]
    shape = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
    return Table(name, columns, by_id, shape, whole, readable, about)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
