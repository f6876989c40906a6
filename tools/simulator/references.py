"""Check that every reference between PsyNet's tables leads to a row.

PsyNet declares 73 foreign keys, but a launched database has none of them, so references must be counted.
"""

from collections import defaultdict

from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Identifier, Literal

from psynetdata.psynet.ownership.id_collections import IdSet
from psynetdata.psynet.table_source import TableSource
from psynetdata.psynet.tables import Key, declared_keys

_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid = ANY (SELECT to_regclass(quote_ident(t)) FROM unnest(%s) t) AND a.attnum > 0 AND NOT a.attisdropped
"""


def dangling(connection: Connection) -> dict[str, int]:
    """Return {constraint: references that lead nowhere}, only those above 0; {} if all are whole.

    One statement, so one moment, whatever is written meanwhile. A key whose column does not exist in this database
    counts nothing; if the target table is missing, every reference counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, ([key.table for key in declared_keys()] + [key.target for key in declared_keys()],))
        present = set(cursor.fetchall())
        counts = [_count(key, present) for key in declared_keys() if (key.table, key.column) in present]
        if not counts:
            return {}
        cursor.execute(SQL(" UNION ALL ").join(counts))
        return {name: count for name, count in cursor.fetchall() if count}


def _count(key: Key, present: set[tuple[str, str]]) -> Composable:
    whole = SQL("EXISTS (SELECT 1 FROM {} t WHERE t.{} = r.{})").format(
        Identifier(key.target), Identifier(key.target_column), Identifier(key.column)
    )
    if (key.target, key.target_column) not in present:
        whole = SQL("false")
    return SQL("SELECT {}, count(*) FROM {} r WHERE r.{} IS NOT NULL AND NOT {}").format(
        Literal(key.constraint), Identifier(key.table), Identifier(key.column), whole
    )


def dangling_in(source: TableSource) -> dict[str, int]:
    """Return {constraint: references that lead nowhere} for tables read row by row, such as a snapshot's.

    Each table is read at most twice. Memory depends on the largest id, with one bit each, and on the referenced texts
    (ids of workers).
    """
    held = set(source.tables())
    targets = _targets(source, held)
    counts: dict[str, int] = defaultdict(int)
    for table in sorted({key.table for key in declared_keys()} & held):
        names = [column.name for column in source.columns(table)]
        looked_at = [
            (key.constraint, names.index(key.column), targets[key.target, key.target_column])
            for key in declared_keys()
            if key.table == table and key.column in names
        ]
        for row in source.rows(table) if looked_at else ():
            for name, position, known in looked_at:
                if row[position] is not None and row[position] not in known:
                    counts[name] += 1
    return dict(counts)


def _targets(source: TableSource, held: set[str]) -> dict[tuple[str, str], IdSet]:
    """Return what can be referred to, by table and column."""
    wanted: dict[tuple[str, str], IdSet] = {(key.target, key.target_column): IdSet() for key in declared_keys()}
    for table in sorted({table for table, _ in wanted} & held):
        names = [column.name for column in source.columns(table)]
        kept = [(names.index(name), values) for (of, name), values in wanted.items() if of == table and name in names]
        for row in source.rows(table):
            for position, values in kept:
                if row[position] is not None:
                    values.add(row[position])
    return wanted
