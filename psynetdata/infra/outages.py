"""Failures of the environment: a full disk, a folder that is not writable, an unreachable database or storage."""

import errno
import socket
import sqlite3
from pathlib import Path

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from psycopg2 import errorcodes

from psynetdata.env import LOCAL, unsealed
from psynetdata.psynet.problems import Problem

_FULL = (
    "There is no space left on the disk of {place}; no unfinished results were kept. Free some space, then try again."
)
_READ_ONLY = "psynetdata cannot write its files ({why}); make {place} writable for it and try again."
_LOCKED = "Another program has locked the database; stop it and try again."
_AWAY = "The database cannot be reached, or the connection broke; try again when it is back."
_STORAGE_AWAY = "The {name} cannot be reached, or the connection broke; try again when it is back."
_STORAGE_REFUSED = "The {name} refused a request ({why}); check its credentials and permissions."

_NO_MEMORY = (
    "There was not enough memory; close other programs, or use fewer processes (--n_parallel 1), then try again."
)

# {numbers of the system: (sentence, whether the work can be repeated without anybody doing something)}
_SYSTEM = {
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG): (_FULL, False),
    (errno.EROFS, errno.EACCES, errno.EPERM): (_READ_ONLY, False),
    (errno.ENOTDIR,): ("On the way to {place} there is a file where a folder should be; move that file.", False),
    (errno.EISDIR,): ("In {place} there is a folder where a file should be; move that folder.", False),
    (errno.ENAMETOOLONG,): ("A name is too long for the disk of {place}; choose a folder with a shorter path.", False),
    (errno.ELOOP,): ("Links on the way to {place} lead in a circle; correct them.", False),
    (errno.EIO, getattr(errno, "EUCLEAN", errno.EIO), errno.ENODEV, errno.ENXIO): (
        "The disk of {place} reports an error ({why}); check the disk, and that there is a backup.",
        False,
    ),
    (errno.ESTALE, errno.ENOTCONN): (
        "The network folder of {place} is not connected ({why}); try again when it is back.",
        True,
    ),
    (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS): (
        "The disk of {place} cannot do what psynetdata needs ({why}); use a local disk.",
        False,
    ),
    (errno.EBUSY, errno.ETXTBSY): ("Another program uses a file of {place}; end that program, then try again.", False),
    (errno.EMFILE, errno.ENFILE): (
        "Too many files are open; allow more of them (ulimit -n), or end other programs, then try again.",
        True,
    ),
    (errno.ENOMEM,): (_NO_MEMORY, False),
}

# The first two characters of PostgreSQL's error codes: connections, and a server that shuts down or starts.
_AWAY_CLASSES = (errorcodes.CLASS_CONNECTION_EXCEPTION, errorcodes.CLASS_OPERATOR_INTERVENTION)


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
    if unsealed(settings.STORAGES["default"])["BACKEND"] != LOCAL and (
        storage_outage := _storage_outage(error, "storage (STORAGE_URL)")
    ):
        return storage_outage
    if isinstance(error, MemoryError):
        return Outage(_NO_MEMORY)
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


def second_copy_outage(error: BaseException) -> Outage | None:
    """Return the Outage for an error of the storage at STORAGE_MIRROR_URL; None for one that does not come from it."""
    if isinstance(error, Outage):
        return error
    name = "second copy of the storage (STORAGE_MIRROR_URL)"
    if found := _storage_outage(error, name):
        return found
    if isinstance(error, OSError):
        return Outage(f"The {name} cannot be used ({error.strerror or type(error).__name__}); check it.")
    return None


def _storage_outage(error: BaseException, name: str) -> Outage | None:
    """Return the Outage for errors of the libraries for remote storages, which are installed only if one is used."""
    library = type(error).__module__.partition(".")[0]
    answer = error.response if library == "botocore" and hasattr(error, "response") else {}
    if 0 < answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500:
        return Outage(_STORAGE_REFUSED.format(name=name, why=answer["Error"]["Code"]))
    if library in ("botocore", "paramiko") or isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return Outage(_STORAGE_AWAY.format(name=name), passes=True)
    return None


def _system_outage(error: OSError) -> Outage | None:
    for numbers, (sentence, passes) in _SYSTEM.items():
        if error.errno in numbers:
            return Outage(sentence.format(place=_place(error.filename), why=error.strerror), passes=passes)
    return None


def _outage(sentence: str, why: str = "") -> Outage:
    return Outage(sentence.format(place=_place(None), why=why))


def _place(filename: object) -> str:
    """Return which of our folders a file is in. Its own name is not shown: names of assets may hold identifiers."""
    data = f"DATA_DIR={settings.DATA_DIR}"
    if not isinstance(filename, str):
        return f"{data} or the storage"
    path = Path(filename).absolute()
    location = settings.STORAGES["default"].get("OPTIONS", {}).get("location")
    if settings.STORAGES["default"]["BACKEND"] == LOCAL and path.is_relative_to(location):
        return f"the storage ({location})"
    return data if path.is_relative_to(settings.DATA_DIR) else "the file or folder that was named"
