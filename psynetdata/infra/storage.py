"""A local folder as storage in which incomplete files are never visible (law 2), and reading from any storage."""

import errno
import os
import uuid
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages

from psynetdata.psynet.csvtext import BLOCK


class AtomicFileSystemStorage(FileSystemStorage):
    """FileSystemStorage that writes under a temporary name and renames the file when all bytes are on disk.

    The folder that names the file is written to disk too, and each new folder's parent: after a power cut a file whose
    name was never written is gone, although its bytes are there.

    An existing file with the same name is replaced; Django's storage would choose another name. Names
    here are content hashes or ids.
    """

    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        temporary = f"{name}.{uuid.uuid4().hex}.part"
        new_folders = _missing_folders(Path(self.path(name)).parent)
        try:
            super()._save(temporary, content)
            with open(self.path(temporary), "rb") as file:
                os.fsync(file.fileno())
            os.replace(self.path(temporary), self.path(name))
            _sync_folder(Path(self.path(name)).parent)
            for folder in new_folders:
                _sync_folder(folder.parent)
        except BaseException:  # a full disk, but also a Ctrl-C or a timeout in the middle
            self.delete(temporary)
            raise
        return name


def _missing_folders(folder: Path) -> list[Path]:
    """Return the folder and those above it that do not exist yet, the innermost first."""
    return list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))


def _sync_folder(folder: Path) -> None:
    """Write to disk which files a folder contains. Some network file systems cannot do that; they need not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def blocks(storage: Storage, name: str, start: int, stop: int) -> Iterator[bytes]:
    """Yield bytes `start` to `stop` of a file in the storage, in blocks; fewer if the file ends earlier."""
    # S3's storage.open() would fetch the whole object first, so its own API is used for the range.
    if hasattr(storage, "bucket"):
        if start < stop:
            response = storage.bucket.Object(storage._normalize_name(name)).get(Range=f"bytes={start}-{stop - 1}")
            yield from response["Body"].iter_chunks(BLOCK)
        return
    if hasattr(storage, "blocks"):  # SFTP: with several requests in flight
        yield from storage.blocks(name, start, stop)
        return
    with storage.open(name, "rb") as file:
        file.seek(start)
        left = stop - start
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block


def fresh_storage() -> Storage:
    """Return a new instance of the default storage, with its own connections, for another process or thread."""
    return storages.create_storage(settings.STORAGES["default"])
