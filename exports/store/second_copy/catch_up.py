"""Copy what the second copy lacks, and delete from it what was decided to be deleted."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import monotonic

from django.core.files.storage import Storage, default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exports.models import CopiedFile, DecidedDeletion, SecondCopy
from exports.models.asset import ASSETS
from exports.store.blobs import FOLDER as STORE
from exports.store.storage_listing import File, files
from psynetdata.infra.sealed.files import opened_file
from psynetdata.infra.sealed.storage import backend_of
from psynetdata.infra.storage import blocks
from psynetdata.jobs import Running
from psynetdata.psynet.problems import Damaged

from .place import FOLDERS, CopyAway, WrongCopy, as_outage, check

_TOGETHER = 500
_FAR = 1 << 60  # beyond the end of any file
_SAVE_EVERY = 5.0  # seconds between writes of what is left
# A name there says what the content is, so a file that is already there needs not be sent again.
_IMMUTABLE = (f"{STORE}/", f"{ASSETS}/")


@dataclass
class CaughtUp:
    """What one run did. `left`: files for the next run; `listing`: seconds that it took to find out what is missing."""

    copied: int = 0
    bytes: int = 0
    deleted: int = 0
    left: int = 0
    listing: float = 0.0


def catch_up(running: Running, *, seconds: float) -> CaughtUp:
    """Make the second copy complete, or as complete as it gets in this time.

    Raises WrongCopy, and CopyAway during an outage; both are noted for the alarm.
    """
    try:
        with as_outage():
            done = _catch_up(check(), running, seconds)
    except (WrongCopy, CopyAway) as problem:
        _note_failure(problem.sentence, refused=isinstance(problem, WrongCopy))
        raise
    _row().update(failing_since=None, refused=False, problem="")
    if not done.left:
        _row().update(complete_at=timezone.now())
    return done


def copy_again(stored_names: list[str]) -> None:
    """Forget that these files were copied, so that the next run copies them again: the copies are damaged."""
    CopiedFile.objects.filter(name__in=stored_names).delete()


def _catch_up(target: Storage, running: Running, seconds: float) -> CaughtUp:
    done, source = CaughtUp(), backend_of(default_storage)
    began = monotonic()
    running.progress("comparing with the second copy")
    if not CopiedFile.objects.exists():
        _take_stock(target)
    done.deleted = _delete_decided(source, target, running)
    waiting = [file for folder in FOLDERS for file in _missing(source, folder, running)]
    done.listing = monotonic() - began
    left, saved_at = sum(file.bytes for file in waiting), 0.0
    for number, file in enumerate(waiting):
        if monotonic() - began > seconds:
            done.left = len(waiting) - number
            break
        if monotonic() - saved_at > _SAVE_EVERY:
            _row().update(waiting_files=len(waiting) - number, waiting_bytes=left)
            saved_at = monotonic()
        running.progress("copying files", number, len(waiting))
        with suppress(FileNotFoundError):  # deleted in the meantime
            copy_file(source, target, file)
            done.copied += 1
            done.bytes += file.bytes
        left -= file.bytes
    _row().update(waiting_files=done.left, waiting_bytes=left)
    return done


def _take_stock(target: Storage) -> None:
    """Note what the place already holds: it may be the former copy of this storage, or the database is a new one."""
    found = (file for folder in FOLDERS for file in files(target, folder) if file.name.startswith(_IMMUTABLE))
    while some := list(islice(found, _TOGETHER)):
        CopiedFile.objects.bulk_create(CopiedFile(name=file.name, bytes=file.bytes) for file in some)


def _missing(source: Storage, folder: str, running: Running) -> Iterator[File]:
    """Yield files that were not copied, or that were written again since."""
    found = files(source, folder)
    while some := list(islice(found, _TOGETHER)):
        running.check()
        known = CopiedFile.objects.in_bulk([file.name for file in some])
        for file in some:
            row = known.get(file.name)
            if row is None or row.bytes != file.bytes or row.modified_at not in (None, file.modified):
                yield file


def copy_file(source: Storage, target: Storage, file: File) -> None:
    """Copy a file as it is stored. Raises FileNotFoundError if it is gone, Damaged if the place changed it."""
    read = partial(blocks, source, file.name)
    with opened_file(lambda start: read(start, _FAR), lambda: file.bytes, file.name) as content:
        content.size = file.bytes
        saved = target.save(file.name, content)
    if target.size(file.name) != file.bytes and source.size(file.name) != file.bytes:
        return  # it was written again while it was read; the next run copies it
    if saved != file.name or target.size(file.name) != file.bytes:
        raise Damaged("The second copy of the storage did not keep a file as it was sent; check STORAGE_MIRROR_URL.")
    # If it was written again while it was read, its time differs now, and the next run copies it again.
    values = {"bytes": file.bytes, "modified_at": file.modified}
    CopiedFile.objects.update_or_create(name=file.name, defaults=values)


def _delete_decided(source: Storage, target: Storage, running: Running) -> int:
    """Delete what was decided to be deleted, except what was stored again since. Return how many files."""
    deleted = 0
    while some := list(DecidedDeletion.objects.order_by("name").values_list("name", flat=True)[:_TOGETHER]):
        for name in some:
            running.check()
            if not source.exists(name):
                with suppress(FileNotFoundError):
                    target.delete(name)
                deleted += 1
            with transaction.atomic():
                CopiedFile.objects.filter(name=name).delete()
                DecidedDeletion.objects.filter(name=name).delete()
    return deleted


def _note_failure(sentence: str, *, refused: bool) -> None:
    row = SecondCopy.objects.filter(number=SecondCopy.ONLY).first()
    since = (row and row.failing_since) or timezone.now()
    values = {"failing_since": since, "refused": refused, "problem": sentence}
    SecondCopy.objects.update_or_create(
        number=SecondCopy.ONLY, defaults=values, create_defaults={**values, "place": "", "begun_at": timezone.now()}
    )


def _row() -> QuerySet[SecondCopy]:
    return SecondCopy.objects.filter(number=SecondCopy.ONLY)
