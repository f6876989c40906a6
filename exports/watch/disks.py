"""How full the desk's disks are. An object store has no such number."""

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from psynetdata.infra.sealed.storage import backend_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Disk:
    """A disk. `names`: what is on it (`data`, `storage`); sizes in bytes."""

    names: tuple[str, ...]
    free: int
    total: int

    @property
    def limit(self) -> float:
        """The minimum of free bytes: the smaller one of the two in STORAGE_MIN_FREE."""
        share, size = (settings.STORAGE_MIN_FREE[part] for part in ("share", "bytes"))
        return min(limit for limit in (share and share * self.total, size) if limit is not None)

    @property
    def label(self) -> str:
        return " and ".join({"data": "DATA_DIR", "storage": "the storage"}[name] for name in self.names)

    @property
    def free_space(self) -> str:
        return f"{self.free / 1e9:.1f} of {self.total / 1e9:.1f} GB free"


def disks() -> list[Disk]:
    """Return the disk of DATA_DIR, and of the storage if that is a folder; one disk if they share it."""
    names: dict[int, list[str]] = {}
    folders: dict[int, Path] = {}
    for name, folder in _folders().items():
        try:
            device = os.stat(folder).st_dev
        except OSError as error:
            logger.warning("the disk of %s cannot be asked how full it is: %s", name, error.strerror)
            continue
        names.setdefault(device, []).append(name)
        folders.setdefault(device, folder)
    usage_by_device = {device: shutil.disk_usage(folder) for device, folder in folders.items()}
    return [Disk(tuple(names[device]), usage.free, usage.total) for device, usage in usage_by_device.items()]


def _folders() -> dict[str, Path]:
    places = {"data": Path(settings.DATA_DIR)}
    if isinstance(storage := backend_of(default_storage), FileSystemStorage):
        # The folder itself is created with its first file.
        places["storage"] = Path(storage.location)
    return {
        name: next(folder for folder in (place, *place.parents) if folder.exists()) for name, place in places.items()
    }
