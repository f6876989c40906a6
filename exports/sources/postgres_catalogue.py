"""What PostgreSQL's catalogue says of an experiment's tables."""

import hashlib
from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection

from psynetdata.psynet.tables import Column

_INTEGERS = ("int2", "int4", "int8")

# Tables of the schema in which PsyNet works, without those of extensions; partitions as one table.
# A type may be made of others: arrays, domains, ranges, composite types, nested to any depth, down to enums.
_TABLES = """
WITH RECURSIVE tables AS (
  SELECT c.oid, c.relname, c.relkind = 'p' AS whole, greatest(c.reltuples, 0)::bigint AS about,
         CASE c.relkind WHEN 'p' THEN (SELECT array_agg(p.relid::oid::bigint ORDER BY 1)
                                         FROM pg_partition_tree(c.oid) p) END AS parts
    FROM pg_class c
   WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), made_of (whole, part) AS (
  SELECT a.atttypid, a.atttypid FROM tables c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
   WHERE NOT a.attisdropped
  UNION
  SELECT m.whole, inner_one.type
    FROM made_of m JOIN pg_type t ON t.oid = m.part,
         LATERAL (SELECT unnest(ARRAY[t.typelem, t.typbasetype])
                  UNION ALL SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid
                  UNION ALL SELECT atttypid FROM pg_attribute
                             WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped) inner_one (type)
   WHERE inner_one.type <> 0
), types AS (
  SELECT m.whole,
         array_agg(DISTINCT array[e.enumtypid::text, e.enumsortorder::text, e.enumlabel::text])
           FILTER (WHERE e.oid IS NOT NULL) AS labels,
         array_agg(DISTINCT array[a.attrelid::text, a.attnum::text, a.attname::text, a.atttypid::text])
           FILTER (WHERE a.attnum > 0 AND NOT a.attisdropped) AS attributes,
         bool_or(t.typname LIKE 'reg%' AND t.typnamespace = 'pg_catalog'::regnamespace) AS named
    FROM made_of m JOIN pg_type t ON t.oid = m.part
    LEFT JOIN pg_enum e ON e.enumtypid = t.oid
    LEFT JOIN pg_attribute a ON a.attrelid = t.typrelid AND t.typrelid <> 0
   GROUP BY m.whole
)
SELECT c.oid::bigint, c.relname, c.whole, c.about,
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
       a.attname, t.typname, a.attnotnull, i.indrelid IS NOT NULL, types.named,
       json_build_array(c.oid::bigint, c.parts, a.attnum, a.attname, t.typname, a.atttypmod, types.labels,
                        types.attributes, CASE WHEN a.attgenerated <> '' THEN pg_get_expr(g.adbin, g.adrelid) END)::text
  FROM tables c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN types ON types.whole = t.oid
  LEFT JOIN pg_attrdef g ON g.adrelid = c.oid AND g.adnum = a.attnum
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
 ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True)
class SourceTable:
    """A table of the source. `by_id`: its primary key is the integer column `id`.

    `shape` stands for changes that row versions do not show: the table's identity and its partitions, its columns, what
    their types are made of, expressions of generated columns. Empty if such a change cannot be seen at all, as with the
    name behind a `regclass`. `about`: the server's estimate of its rows.
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
        """The FROM item: without the rows of tables that inherit from it, but with those of partitions."""
        return f"{'' if self.whole else 'ONLY '}public.{quoted(self.name)}"

    @property
    def listed(self) -> str:
        """All columns, for SELECT."""
        return ", ".join(quoted(column.name) for column in self.columns)


def read(connection: Connection) -> list[SourceTable]:
    """Return all tables, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        rows_by_table: dict[str, list[tuple]] = {}
        for row in cursor:
            rows_by_table.setdefault(row[1], []).append(row)
    return [_table(name, rows) for name, rows in rows_by_table.items()]


def _table(name: str, rows: list[tuple]) -> SourceTable:
    _, _, whole, about, readable = rows[0][:5]
    columns = tuple(Column(*row[5:8]) for row in rows)
    by_id = any(is_key and column == "id" and kind in _INTEGERS for *_, column, kind, _, is_key, _, _ in rows)
    definition = "\n".join(row[10] for row in rows)
    shape = "" if any(row[9] for row in rows) else hashlib.sha256(definition.encode()).hexdigest()[:32]
    return SourceTable(name, columns, by_id, shape, whole, readable, about)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
