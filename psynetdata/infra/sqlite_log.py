"""Keeps the write-ahead logs of SQLite short.

SQLite starts its log again only at a moment in which nobody reads from it. Under constant readers that moment never
comes by itself, and the log grows with everything that is written.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connections

logger = logging.getLogger(__name__)

LONGEST = 32 << 20  # bytes
# How long writers wait for those who read now; longer readers are tried again a minute later.
_PATIENCE = 5.0


def shorten() -> None:
    """Write logs that are too long back into their databases and empty them. Readers go on; writers wait a moment."""
    for connection in connections.all():
        if connection.vendor == "sqlite" and _size(name := str(connection.settings_dict["NAME"])) > LONGEST:
            try:
                with closing(sqlite3.connect(name, timeout=_PATIENCE, isolation_level=None)) as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                logger.warning("the write-ahead log of %s could not be shortened: %s", Path(name).name, error)


def _size(name: str) -> int:
    try:
        return Path(f"{name}-wal").stat().st_size
    except FileNotFoundError:
        return 0
