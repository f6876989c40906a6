"""Files of assets that no row stands on any more: found and removed beside those who fetch.

Who fetches stores a file first and writes its row then, so what is young stays.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice

from django.core.files.storage import Storage

from exports.models import StoredAsset
from exports.models.asset import ASSETS
from psynetdata.jobs import Running

from .garbage import GRACE, PART, PART_GRACE, File, Swept
from .storage_listing import names

_OURS = re.compile(ASSETS + r"/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
_TOGETHER = 500


def unowned(storage: Storage, now: datetime) -> Iterator[File]:
    """Files that are old enough and have no row; files with names that are not ours stay."""
    found = (name for name in names(storage, ASSETS) if _OURS.fullmatch(name) or PART.search(name))
    while some := list(islice(found, _TOGETHER)):
        hashes = {match[1]: name for name in some if (match := _OURS.fullmatch(name))}
        owned = set(StoredAsset.objects.filter(sha256__in=hashes).values_list("sha256", flat=True))
        for name in some:
            grace = GRACE if _OURS.fullmatch(name) else PART_GRACE
            if name not in {hashes[one] for one in owned}:
                with suppress(FileNotFoundError):  # someone has finished meanwhile
                    file = File(name, storage.size(name), storage.get_modified_time(name))
                    if file.modified < now - grace:
                        yield file


def remove_unowned(storage: Storage, running: Running, now: datetime) -> Swept:
    swept = Swept()
    for file in unowned(storage, now):
        running.progress("removing asset files", swept.files)
        ours = _OURS.fullmatch(file.name)
        if ours and StoredAsset.objects.filter(sha256=ours[1]).exists():
            continue
        with suppress(FileNotFoundError):
            storage.delete(file.name)
        swept.files += 1
        swept.bytes += file.bytes
    return swept
