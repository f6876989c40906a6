"""Failures of the environment: a full disk, a folder that is not writable, an unreachable database or storage."""

import errno
import socket
import sqlite3

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from psycopg2 import errorcodes

from psynetdata.env import LOCAL
from psynetdata.psynet.problems import Problem

_FULL = (
    "There is no space left on the disk of {place}; no unfinished results were kept. Free some space, then try again."
)
_READ_ONLY = "psynetdata cannot write its files ({why}); make {place} writable for it and try again."
_LOCKED = "Another program has locked the database; stop it and try again."
_AWAY = "The database cannot be reached, or the connection broke; try again when it is back."
_STORAGE_AWAY = "The storage (STORAGE_URL) cannot be reached, or the connection broke; try again when it is back."
_STORAGE_REFUSED = "The storage (STORAGE_URL) refused a request ({why}); check its credentials and permissions."

# The first two characters of PostgreSQL's error codes: connections, and a server that shuts down or starts.
_AWAY_CLASSES = (errorcodes.CLASS_CONNECTION_EXCEPTION, errorcodes.CLASS_OPERATOR_INTERVENTION)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}


class Outage(Problem):
    """A problem of the machine, not of the data. `passes`: the work can be repeated when the database is back."""

    status = 503

    def __init__(self, sentence: str, *, passes: bool = False):
        super().__init__(sentence)
        self.passes = passes


def outage(error: BaseException) -> Outage | None:
    """Return the Outage for an error that comes from the machine; None for any other error."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if isinstance(cause, sqlite3.Error):
        return _sqlite_outage(cause)
    if isinstance(error, (InterfaceError, OperationalError)):
        return _postgres_outage(cause)
    if settings.STORAGES["default"]["BACKEND"] != LOCAL and (storage_outage := _storage_outage(error)):
        return storage_outage
    if isinstance(error, OSError):
        return _system_outage(error)
    return None


def _sqlite_outage(error: sqlite3.Error) -> Outage | None:
    # The low byte is SQLite's primary result code; some versions of Python's module give none for a lost file.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _outage(_FULL)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Outage(_LOCKED, passes=True)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return _outage(_READ_ONLY, why=str(error))
    return None


def _postgres_outage(error: BaseException | None) -> Outage | None:
    code = getattr(error, "pgcode", None)
    if code == errorcodes.DISK_FULL:
        return Outage("PostgreSQL's disk is full; no unfinished results were kept. Free space there, then try again.")
    # Without a code, the connection was lost and the server did not answer.
    return Outage(_AWAY, passes=True) if code is None or code[:2] in _AWAY_CLASSES else None


def _storage_outage(error: BaseException) -> Outage | None:
    """Return the Outage for errors of the libraries for remote storages, which are installed only if one is used."""
    library = type(error).__module__.partition(".")[0]
    answer = error.response if library == "botocore" and hasattr(error, "response") else {}
    if 0 < answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500:
        return Outage(_STORAGE_REFUSED.format(why=answer["Error"]["Code"]))
    if library in ("botocore", "paramiko") or isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return Outage(_STORAGE_AWAY, passes=True)
    return None


def _system_outage(error: OSError) -> Outage | None:
    if error.errno in _NO_ROOM:
        return _outage(_FULL)
    if error.errno in _NO_RIGHT:
        return _outage(_READ_ONLY, why=error.strerror)
    return None


def _outage(sentence: str, why: str = "") -> Outage:
    return Outage(sentence.format(place=f"DATA_DIR={settings.DATA_DIR} or the storage", why=why))
