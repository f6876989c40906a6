"""Data about people is readable for the user that runs psynetdata, and for nobody else on the machine.

New files are private because of the umask, which manage.py sets and its children inherit, and of Django's
FILE_UPLOAD_PERMISSIONS. This module takes other users' rights away from what an earlier version wrote.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FILES = ("*.sqlite3", "*.sqlite3-wal", "*.sqlite3-shm", "master_key", "secret_key")
# Our folders in a storage; there may be others in it, or next to it, that are not ours.
_IN_STORAGE = ("assets", "exports", "health", "logs", "snapshots", "source_code")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(data: Path, storage: Path | None) -> list[Path]:
    """Make DATA_DIR, its files, and the folders of a local storage private. Return what could not be changed."""
    return [path for path in _ours(data, storage) if not _made_private(path)]


def _ours(data: Path, storage: Path | None) -> Iterator[Path]:
    if not data.stat().st_mode & stat.S_ISVTX:  # a folder for everybody, such as /tmp
        yield data
    yield data / "tmp"
    for pattern in _FILES:
        yield from data.glob(pattern)
    if storage is not None:
        yield from (storage / name for name in _IN_STORAGE)


def _made_private(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            os.chmod(path, stat.S_IMODE(mode) & ~_OTHERS)
    except FileNotFoundError:  # SQLite removes its files when nobody uses them
        return True
    except OSError:
        return False
    return True
