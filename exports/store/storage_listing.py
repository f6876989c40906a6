"""List the files in a folder of the storage, whatever kind of storage it is.

All names are *stored* names. They differ from those in rows if the storage is encrypted
(psynetdata.infra.sealed.storage: `stored_names`, `backend_of`).
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.files.storage import FileSystemStorage, Storage

from psynetdata.infra.sealed.storage import backend_of

# Partial files that a killed writer left; no upload takes as long as PART_GRACE.
PART = re.compile(r"\.[0-9a-f]{32}\.part$")
PART_GRACE = timedelta(days=1)


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


def files(storage: Storage, folder: str) -> Iterator[File]:
    """Yield every complete file below the folder, with its size and time: without a request for each file."""
    storage = backend_of(storage)
    if hasattr(storage, "bucket"):
        found = _files_in_bucket(storage, folder)
    elif isinstance(storage, FileSystemStorage):
        found = _files_on_disk(storage.path(folder), folder)
    else:
        found = _files_on_server(storage, folder)
    return (file for file in found if not PART.search(file.name))


def _files_in_bucket(storage: Storage, folder: str) -> Iterator[File]:
    prefix = storage._normalize_name(f"{folder}/x").removesuffix("x")
    for entry in storage.bucket.objects.filter(Prefix=prefix):
        yield File(f"{folder}/{entry.key.removeprefix(prefix)}", entry.size, entry.last_modified)


def _files_on_disk(path: str, folder: str) -> Iterator[File]:
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _files_on_disk(entry.path, f"{folder}/{entry.name}")
            continue
        try:
            found = entry.stat()
        except FileNotFoundError:  # removed in the meantime
            continue
        yield File(f"{folder}/{entry.name}", found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _files_on_server(storage: Storage, folder: str) -> Iterator[File]:
    try:
        entries = sorted(storage.sftp.listdir_attr(storage._remote_path(folder)), key=lambda entry: entry.filename)
    except FileNotFoundError:
        return
    for entry in entries:
        name = f"{folder}/{entry.filename}"
        if stat.S_ISDIR(entry.st_mode):
            yield from _files_on_server(storage, name)
        else:
            yield File(name, entry.st_size, datetime.fromtimestamp(entry.st_mtime, UTC))
