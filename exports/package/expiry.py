"""Expired archives of exports: the file is deleted, the row stays and says so."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.core.files.storage import Storage

from exports.models import Export, ExportArchive
from exports.store.storage_listing import PART, PART_GRACE, File, names
from psynetdata.infra.sealed.storage import backend_of
from psynetdata.models import Job

FOLDER = "exports"
_OURS = re.compile(FOLDER + r"/(\d+)/\w+\.zip")


def expired_names(now: datetime) -> frozenset[str]:
    return frozenset(ExportArchive.objects.filter(expires_at__lte=now).values_list("file", flat=True))


def unneeded(storage: Storage, now: datetime) -> Iterator[File]:
    """Return files of expired archives, and files over a day old that belong to no archive and no active export."""
    over = expired_names(now)
    needed = set(ExportArchive.objects.values_list("file", flat=True)) - over
    at_work = Export.objects.filter(job__state__in=Job.ACTIVE)
    working = {str(number) for number in at_work.values_list("pk", flat=True)}
    storage = backend_of(storage)  # names here hold no hash, so they are the same there
    for name in names(storage, FOLDER):
        ours = _OURS.fullmatch(name)
        if name in needed or not (ours or PART.search(name)) or (ours and ours[1] in working):
            continue
        with suppress(FileNotFoundError):
            file = File(name, storage.size(name), storage.get_modified_time(name), partial=not ours)
            if name in over or file.modified < now - PART_GRACE:
                yield file
