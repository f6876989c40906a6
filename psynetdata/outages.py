"""What fails around the work and not in it: a full disk, a folder that cannot be written, a database that went away."""

import errno
import sqlite3

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from psycopg2 import errorcodes

from .psynet.problems import Problem

_FULL = "There is no space left on the disk of {place}; nothing half-made was kept. Make room, then try again."
_READ_ONLY = "psynetdata cannot write its files ({why}); make {place} writable for it, then try again."
_LOCKED = "Another program holds the database locked; end it, then try again."
_AWAY = "The database cannot be reached or went away during the work; try again when it is back."

# The first two characters of what PostgreSQL calls an error: connections, and a server that shuts down or starts.
_AWAY_CLASSES = (errorcodes.CLASS_CONNECTION_EXCEPTION, errorcodes.CLASS_OPERATOR_INTERVENTION)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}


class Outage(Problem):
    """The machine's trouble, not the data's. `passes`: the same work can be done when the database is back."""

    status = 503

    def __init__(self, sentence: str, *, passes: bool = False):
        super().__init__(sentence)
        self.passes = passes


def outage(error: BaseException) -> Outage | None:
    """What to tell of an error that comes from the machine; None for any other."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if isinstance(error, (InterfaceError, OperationalError)):
        return _of_postgres(cause)
    if isinstance(error, OSError):
        return _of_system(error)
    return None


def _of_sqlite(error: sqlite3.Error) -> Outage | None:
    # The low byte is SQLite's primary result code; some versions of Python's module give none for a lost file.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _told(_FULL)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Outage(_LOCKED, passes=True)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return _told(_READ_ONLY, why=str(error))
    return None


def _of_postgres(error: BaseException | None) -> Outage | None:
    code = getattr(error, "pgcode", None)
    if code == errorcodes.DISK_FULL:
        return Outage("PostgreSQL's disk is full; nothing half-made was kept. Make room there, then try again.")
    # Without a code it was the connection that broke, and not the server that answered.
    return Outage(_AWAY, passes=True) if code is None or code[:2] in _AWAY_CLASSES else None


def _of_system(error: OSError) -> Outage | None:
    if error.errno in _NO_ROOM:
        return _told(_FULL)
    if error.errno in _NO_RIGHT:
        return _told(_READ_ONLY, why=error.strerror)
    return None


def _told(sentence: str, why: str = "") -> Outage:
    return Outage(sentence.format(place=f"DATA_DIR={settings.DATA_DIR} or the storage", why=why))
