"""What PostgreSQL knows of a face's rows, brought up to date where many came.

Autovacuum would do it in a minute or two, and until then lists are sorted that an index has in order.
"""

import logging
from collections.abc import Mapping

from django.db import Error, connections

from psynetdata.models import MirrorModel

logger = logging.getLogger(__name__)
# As autovacuum has it: fewer new rows change no plan.
_SHARE, _LEAST = 0.1, 1000


def bring_up_to_date(face: str, written: Mapping[type[MirrorModel], int]) -> None:
    """Behind a refresh that wrote so many rows, outside of its transaction. Waits for nobody, and never fails it."""
    connection = connections[face]
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return
    try:
        with connection.cursor() as cursor:
            for model, rows in written.items():
                if rows >= _LEAST and rows >= _SHARE * _known(cursor, table := _quoted(connection, model)):
                    # A face is a schema that the connection looks in first, so the bare name is its own table.
                    cursor.execute(f"ANALYZE (SKIP_LOCKED) {table}")
    except Error as error:
        logger.warning("the statistics of the %s face stay old: %s", face, type(error).__name__)
        connection.close_if_unusable_or_obsolete()


def _quoted(connection, model: type[MirrorModel]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _known(cursor, table: str) -> float:
    """Rows that the statistics count; below 0 where there are none yet."""
    cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
    return cursor.fetchone()[0]
