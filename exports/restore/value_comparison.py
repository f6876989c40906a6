"""Compare rows that did not come back byte for byte: are they the same values in another notation, or different ones?

A timestamp with a zone is written in UTC here, and perhaps not where the snapshot was made; `1.50` in a column of type
float8 comes back as `1.5`. A value changed by rounding, a shorter type or a trigger is a loss.
"""

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

from exports.store.blobs import TableState
from exports.store.reader import SnapshotReader
from psynetdata.psynet import csvtext
from psynetdata.psynet.copy_streams import Feed, failing_as_itself
from psynetdata.psynet.problems import BadInput, Problem

from .target import TargetTable

_TEXTS = {"text", "varchar", "name"}
_SIDE = "snapshot_rows"


def check_same_values(cursor: Cursor, reader: SnapshotReader, state: TableState, target: TargetTable) -> None:
    """Raise BadInput, with table and columns, if values of the target are not those of the snapshot.

    Both are read as the type that the snapshot's column had or, if that is not known, as the target's own without its
    length: a difference then means that the value was changed when it was loaded.
    """
    _copy_aside(cursor, reader, state)
    stored, there = _expressions(cursor, state, target)
    try:
        if state.cut is not None and target.has_integer_id:
            changed = _changed_columns(cursor, state, target, stored, there)
        else:
            changed = _changed_rows(cursor, target, stored, there)
    except errors.DataError:
        raise BadInput(
            f"Table {state.table}: the snapshot holds a value that does not fit its column's type; nothing was changed."
        ) from None
    cursor.execute(f"DROP TABLE pg_temp.{_SIDE}")
    if changed:
        raise BadInput(
            f"Table {state.table}: the database changed values while loading them ({changed}); nothing was changed. "
            "Give the columns the types that the snapshot names."
        )


def _copy_aside(cursor: Cursor, reader: SnapshotReader, state: TableState) -> None:
    columns = ", ".join(f"c{number} text" for number in range(len(state.columns)))
    cursor.execute(f"CREATE TEMPORARY TABLE {_SIDE} ({columns}) ON COMMIT DROP")
    feed = Feed(csvtext.blocks(reader.records(state.table)))
    with failing_as_itself(feed):
        cursor.copy_expert(f"COPY pg_temp.{_SIDE} FROM STDIN WITH (FORMAT csv)", feed)
    if cursor.rowcount != state.rows:
        raise Problem(f"Table {state.table}: its rows could not be compared; nothing was changed.")


def _expressions(cursor: Cursor, state: TableState, target: TargetTable) -> tuple[list[str], list[str]]:
    """Return (the expression of each column in the snapshot, the one in the target), as text in the same notation."""
    stored, there = [], []
    for number, column in enumerate(state.columns):
        target_column = target.column(column.name)
        type_ = None if target_column.type in _TEXTS else _type(cursor, column.type) or target_column.base
        spelt = f"::{type_}::text" if type_ else ""
        stored.append(f"s.c{number}{spelt}")
        there.append(f"t.{quote_ident(column.name, cursor)}::text{spelt}")
    return stored, there


def _type(cursor: Cursor, name: str | None) -> str | None:
    """Return the snapshot's type as written in SQL, if the target has a type of that name."""
    if name is None:
        return None
    cursor.execute("SELECT to_regtype(quote_ident(%s))::text", [name])
    return cursor.fetchone()[0]


def _changed_columns(cursor, state: TableState, target: TargetTable, stored: list[str], there: list[str]) -> str:
    ids = next(number for number, column in enumerate(state.columns) if column.name == "id")
    counts = ", ".join(
        f"count(*) FILTER (WHERE {one} IS DISTINCT FROM {other})" for one, other in zip(stored, there, strict=True)
    )
    cursor.execute(
        f"SELECT {counts} FROM pg_temp.{_SIDE} s FULL JOIN {target.rows_of} t ON t.id::bigint = s.c{ids}::bigint"
    )
    counted = zip(state.columns, cursor.fetchone(), strict=True)
    return ", ".join(f"column {column.name}: {count}" for column, count in counted if count)


def _changed_rows(cursor, target: TargetTable, stored: list[str], there: list[str]) -> str:
    cursor.execute(
        f"SELECT count(*) FROM (SELECT {', '.join(stored)} FROM pg_temp.{_SIDE} s "
        f"EXCEPT ALL SELECT {', '.join(there)} FROM {target.rows_of} t) AS lost"
    )
    count = cursor.fetchone()[0]
    return ("1 row" if count == 1 else f"{count} rows") if count else ""
