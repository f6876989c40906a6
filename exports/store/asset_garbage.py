"""Find and remove asset files that no row refers to any more, while other jobs may be fetching files.

A fetch stores the file first and writes its row afterwards, so recent files stay.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice

from django.core.files.storage import Storage

from exports.models import StoredAsset
from exports.models.asset import ASSETS
from psynetdata.jobs import Running

from .garbage import GRACE, PART, PART_GRACE
from .quarantine import forget
from .storage_listing import File, Swept, names

_OURS = re.compile(ASSETS + r"/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
_TOGETHER = 500


def unowned(storage: Storage, now: datetime) -> Iterator[File]:
    """Return files that are old enough and have no row; files with other names than ours stay."""
    file_names = (name for name in names(storage, ASSETS) if _OURS.fullmatch(name) or PART.search(name))
    while some := list(islice(file_names, _TOGETHER)):
        hashes = {match[1]: name for name in some if (match := _OURS.fullmatch(name))}
        owned = set(StoredAsset.objects.filter(sha256__in=hashes).values_list("sha256", flat=True))
        for name in some:
            partial = not _OURS.fullmatch(name)
            if name not in {hashes[one] for one in owned}:
                with suppress(FileNotFoundError):  # another process has finished in the meantime
                    file = File(name, storage.size(name), storage.get_modified_time(name), partial)
                    if file.modified < now - (PART_GRACE if partial else GRACE):
                        yield file


def owned_count() -> int:
    return StoredAsset.objects.values("sha256").distinct().count()


def remove_unowned(storage: Storage, files: Iterable[File], running: Running) -> Swept:
    """Remove files that may go (exports.store.quarantine), except those that have got a row in the meantime."""
    swept = Swept()
    for file in files:
        running.progress("removing asset files", swept.files)
        ours = _OURS.fullmatch(file.name)
        if ours and StoredAsset.objects.filter(sha256=ours[1]).exists():
            continue
        with suppress(FileNotFoundError):
            storage.delete(file.name)
        forget([file.name])
        swept.files += 1
        swept.bytes += file.bytes
    return swept
