"""Where the second copy is, and whether it belongs to this installation."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages
from django.utils import timezone

from exports.models import CopiedFile, DecidedDeletion, Installation, SecondCopy
from exports.models.asset import ASSETS
from exports.models.server_logs import FOLDER as LOGS
from exports.models.source_code import FOLDER as SOURCE_CODE
from exports.store.blobs import FOLDER as STORE
from exports.store.installation import FILE, StorageMark, WrongStorage, read_mark
from exports.store.storage_listing import names
from psynetdata import env
from psynetdata.infra.outages import Outage, second_copy_outage
from psynetdata.infra.sealed.storage import backend_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

ALIAS = "second_copy"
# Manifests last, so that what they name is there. Archives of exports can be made again and are not copied.
FOLDERS = (STORE, ASSETS, LOGS, SOURCE_CODE, "manifests")


class WrongCopy(WrongStorage):
    """The second copy does not belong to this installation."""


class CopyAway(Outage):
    """The second copy cannot be used now."""


def is_configured() -> bool:
    return ALIAS in settings.STORAGES


def opened() -> Storage:
    """Return the second copy for reading: files have the names that rows use, and are decrypted. It is not checked."""
    entry = settings.STORAGES[ALIAS]
    return storages.create_storage(env.sealed(entry, settings.STORAGE_KEYS) if settings.STORAGE_KEYS else entry)


def if_available(use: Callable[[Storage], T], otherwise: T) -> T:
    """Return what `use` returns for the second copy; `otherwise` if there is none, or it is away, or not ours.

    For those who can do without it; the job that copies reports what is wrong.
    """
    try:
        with as_outage():
            if is_configured() and _is_ours():
                return use(opened())
    except (WrongStorage, CopyAway) as problem:
        logger.warning("%s", problem.sentence)
    return otherwise


@contextmanager
def as_outage() -> Iterator[None]:
    """Raise CopyAway for every error that comes from the second copy's place."""
    try:
        yield
    except Exception as error:  # each kind of storage has its own errors
        trouble = second_copy_outage(error)
        if trouble is None:
            raise
        raise CopyAway(trouble.sentence) from error


def _is_ours() -> bool:
    mark, row = read_mark(storages[ALIAS]), Installation.objects.filter(number=Installation.ONLY).first()
    return mark is not None and row is not None and mark.installation_id == row.installation_id


def check() -> Storage:
    """Return the second copy, for writing; an empty place gets the installation's id here. Raises WrongCopy."""
    place, backend = json.dumps(settings.STORAGES[ALIAS], sort_keys=True), storages[ALIAS]
    row = SecondCopy.objects.filter(number=SecondCopy.ONLY).first()
    mark, desk = _mark(backend), Installation.objects.get(number=Installation.ONLY)
    if mark is None:
        _check_first_use(backend, row is not None and row.place == place)
    elif mark.installation_id != desk.installation_id:
        raise WrongCopy(
            "The second copy of the storage (STORAGE_MIRROR_URL) belongs to another installation, so nothing is copied "
            "there; choose an empty place. If it is the former copy of this storage, as after `manage.py rebuild`, run "
            "`manage.py adopt --copy`."
        )
    elif mark.prunes > desk.prunes:
        raise WrongCopy(
            "The second copy of the storage (STORAGE_MIRROR_URL) is newer than this database, so nothing is copied "
            "there; `manage.py rebuild --from` takes what the second copy has."
        )
    if row is None or row.place != place:
        _begin(place)
    _write_mark(backend)
    return backend


def _mark(backend: Storage) -> StorageMark | None:
    try:
        return read_mark(backend)
    except WrongStorage:
        raise WrongCopy(
            f"The file {FILE} of the second copy (STORAGE_MIRROR_URL) cannot be read, so nothing is copied there; run "
            "`manage.py adopt --copy` if it is a copy of this storage."
        ) from None


def adopt() -> None:
    """Let the second copy belong to this installation, because somebody decided so. Its files count as unknown."""
    _begin(json.dumps(settings.STORAGES[ALIAS], sort_keys=True))
    _write_mark(storages[ALIAS])


def _check_first_use(backend: Storage, used_before: bool) -> None:
    if used_before:
        raise WrongCopy(
            "The second copy of the storage (STORAGE_MIRROR_URL) no longer carries the id of this installation, so "
            "nothing is copied there. Is its folder mounted? If somebody emptied it, run `manage.py adopt --copy`."
        )
    if any(True for folder in FOLDERS for _ in names(backend, folder)):
        raise WrongCopy(
            "The place of the second copy (STORAGE_MIRROR_URL) already holds data but carries no id, so nothing is "
            "copied there; choose an empty place, or run `manage.py adopt --copy` if it is a copy of this storage."
        )


def _begin(place: str) -> None:
    CopiedFile.objects.all().delete()
    DecidedDeletion.objects.all().delete()
    new = {"place": place, "begun_at": timezone.now(), "complete_at": None, "failing_since": None, "problem": ""}
    SecondCopy.objects.update_or_create(number=SecondCopy.ONLY, defaults=new)


def _write_mark(backend: Storage) -> None:
    """Give the second copy the mark that the storage carries."""
    try:
        known = read_mark(backend)
    except WrongStorage:  # it cannot be read, and somebody decided that it is to be replaced
        known = None
    if read_mark() != known:
        with backend_of(default_storage).open(FILE, "rb") as file:
            backend.save(FILE, ContentFile(file.read()))
