"""Expired archives of exports: the file is deleted, the row stays and says so."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.core.files.storage import Storage
from django.db.models import Q

from exports.models import Export, ExportArchive
from exports.store.garbage import PART, PART_GRACE, File, Swept
from exports.store.storage_listing import names
from psynetdata.jobs import Running
from psynetdata.models import Job

FOLDER = "exports"
_OURS = re.compile(FOLDER + r"/(\d+)/\w+\.zip")


def expired(storage: Storage, now: datetime) -> Iterator[File]:
    """Return files of expired archives, and files over a day old that belong to no archive and no active export."""
    kept = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    needed = set(ExportArchive.objects.filter(kept).values_list("file", flat=True))
    over = set(ExportArchive.objects.exclude(kept).values_list("file", flat=True))
    at_work = Export.objects.filter(job__state__in=Job.ACTIVE)
    working = {str(number) for number in at_work.values_list("pk", flat=True)}
    for name in names(storage, FOLDER):
        ours = _OURS.fullmatch(name)
        if name in needed or not (ours or PART.search(name)) or (ours and ours[1] in working):
            continue
        with suppress(FileNotFoundError):
            file = File(name, storage.size(name), storage.get_modified_time(name))
            if name in over or file.modified < now - PART_GRACE:
                yield file


def expire(storage: Storage, running: Running, now: datetime) -> Swept:
    swept = Swept()
    for file in expired(storage, now):
        running.progress("removing expired archives", swept.files)
        storage.delete(file.name)
        swept.files += 1
        swept.bytes += file.bytes
    return swept
