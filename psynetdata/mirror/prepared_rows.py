"""Transformed rows in files, made before their face is changed.

Transforming a large table takes much longer than writing it. The face is locked only while rows are written, and a
refresh that is killed finds the parts that it finished when it is started again.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
from isal import igzip

from psynetdata.psynet.csvtext import Row

# The identity of a row in the mirror, and its transformed cells.
Identified = tuple[str, Row]


class PreparedRows:
    """Rows of parts of tables, in a folder. Names of parts say all that their rows depend on."""

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def keep(self, name: str, rows: Iterable[Identified]) -> int:
        """Store the rows of a part, unless they are stored; return how many. What has the name is always complete."""
        path, count = self._path(name), 0
        if path.exists():
            return count
        unfinished = path.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as file:
            with igzip.open(file, "wb", compresslevel=1) as packed:
                for row in rows:
                    packed.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
                    count += 1
            file.flush()
            os.fsync(file.fileno())  # after a power failure, the name must not exist without its rows
        unfinished.rename(path)
        return count

    def rows(self, name: str) -> Iterator[Identified] | None:
        """Return the rows of a part in order, or None if they are not stored."""
        path = self._path(name)
        return self._read(path) if path.exists() else None

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.gz"

    def _read(self, path: Path) -> Iterator[Identified]:
        with igzip.open(path, "rb") as file:
            for line in file:
                identity, cells = orjson.loads(line)
                yield identity, cells
