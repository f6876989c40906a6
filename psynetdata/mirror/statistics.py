"""Updates PostgreSQL's statistics of a face's rows after many were written.

Autovacuum would do it within a minute or two; until then queries sort rows that an index already has in order.
"""

import logging
from collections.abc import Mapping

from django.db import Error, connections

from psynetdata.models import MirrorModel

logger = logging.getLogger(__name__)
# Similar to autovacuum's thresholds: fewer new rows do not change a query plan.
_SHARE, _LEAST = 0.1, 1000


def bring_up_to_date(face: str, written: Mapping[type[MirrorModel], int]) -> None:
    """Analyze tables after a refresh that wrote this many rows, outside its transaction.

    Does not wait for locks, and never makes the refresh fail.
    """
    connection = connections[face]
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return
    try:
        with connection.cursor() as cursor:
            for model, rows in written.items():
                if rows >= _LEAST and rows >= _SHARE * _known(cursor, table := _quoted(connection, model)):
                    # A face is the first schema in the connection's search path, so the bare name is its own table.
                    cursor.execute(f"ANALYZE (SKIP_LOCKED) {table}")
    except Error as error:
        logger.warning("the statistics of the %s face stay old: %s", face, type(error).__name__)
        connection.close_if_unusable_or_obsolete()


def _quoted(connection, model: type[MirrorModel]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _known(cursor, table: str) -> float:
    """Return the number of rows in the statistics; below 0 if there are none yet."""
    cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
    return cursor.fetchone()[0]
