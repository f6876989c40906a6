"""List the files in a folder of the storage, whatever kind of storage it is.

All names are *stored* names. They differ from those in rows if the storage is encrypted
(psynetdata.infra.sealed.storage: `stored_names`, `backend_of`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.files.storage import Storage

from psynetdata.infra.sealed.storage import backend_of


@dataclass(frozen=True)
class File:
    """A file of the storage. `partial`: a writer that was killed left it; it was never complete."""

    name: str
    bytes: int
    modified: datetime
    partial: bool = False


@dataclass
class Swept:
    """What was removed, or would be. `waits`: the rest stays until the next run, because captures never paused."""

    files: int = 0
    bytes: int = 0
    waits: bool = False


def names(storage: Storage, folder: str) -> Iterator[str]:
    """Yield every file below the folder, under its name in `backend_of(storage)`; in any order."""
    storage = backend_of(storage)
    if hasattr(storage, "bucket"):
        yield from _in_bucket(storage, folder)
    else:
        yield from _in_folders(storage, folder)


def _in_bucket(storage: Storage, folder: str) -> Iterator[str]:
    """List a bucket. S3 has no folders: a request gives 1,000 names; `listdir` would make one for 65,536 prefixes."""
    prefix = storage._normalize_name(f"{folder}/x").removesuffix("x")
    for objects in storage.bucket.objects.filter(Prefix=prefix):
        yield f"{folder}/{objects.key.removeprefix(prefix)}"


def _in_folders(storage: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:  # nothing was stored yet, or it was removed in the meantime
        return
    yield from (f"{folder}/{name}" for name in sorted(files))
    for inner in sorted(folders):
        yield from _in_folders(storage, f"{folder}/{inner}")
