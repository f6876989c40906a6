"""The id that the site's database and its storage both carry.

A new or empty database, an older copy of it, a second desk, or a folder that is not mounted all look the same to code
that compares rows with files: nothing refers to the files. So before anything is written or deleted both must carry
the same id, and the storage must not have counted more prunes than the database (then it belongs to a newer copy).

    installation.json    {"installation": id, "prunes": n, "format": version}, in the root of the storage

It is never encrypted. If all else is, it also has "encryption": {"keys": [ids of keys, the newest first]}.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from exports.models import Installation, Snapshot, SourceCode, StoredAsset
from exports.models.asset import ASSETS
from exports.models.installation import new_installation_id
from exports.models.ledger import FOLDER as LEDGER
from exports.models.server_logs import FOLDER as LOGS
from exports.models.source_code import FOLDER as SOURCE_CODE
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem

from .blobs import FOLDER, file_of
from .storage_keys import check_keys, configured_keys
from .storage_listing import names

FILE = "installation.json"
# Raised when an older version would misread what is in the storage.
FORMAT = 1
# Folders besides the store whose files cannot be made again.
KEPT_FOLDERS = (ASSETS, LOGS, SOURCE_CODE, LEDGER)
_FOLDERS = (FOLDER, *KEPT_FOLDERS, "manifests", "exports")
_SAMPLE = 3  # snapshots whose files are looked for when a storage carries no id yet


class WrongStorage(Problem):
    """Database and storage do not belong together."""

    status = 503


@dataclass(frozen=True)
class StorageMark:
    """What the storage carries."""

    installation_id: str
    prunes: int
    format: int = 1
    storage_keys: tuple[str, ...] = ()


def check() -> Installation:
    """Return the installation of database and storage. A new database and an empty storage get a new id here.

    Raises WrongStorage if they do not belong together.
    """
    row, mark = _row(), read_mark()
    if mark is not None and mark.format > FORMAT:
        raise WrongStorage(
            "The storage was written by a newer version of psynetdata, so this version does not touch it; install the "
            "newer version again."
        )
    keys = check_keys((mark and mark.storage_keys) or row.storage_keys)
    if mark is None:
        _check_first_use(row)
        return _write(row, keys)
    if mark.installation_id != row.installation_id:
        raise WrongStorage(
            "The storage belongs to another installation than the database, so nothing is read, written or deleted. "
            "Set STORAGE_URL, and DATABASE_URL or DATA_DIR, to those of one installation; if a second desk uses this "
            "storage, give it its own; if the two do belong together from now on, run `manage.py adopt`."
        )
    if mark.prunes > row.prunes:
        row = _row()  # a prune may have counted meanwhile: first in the database, then in the storage
    if mark.prunes > row.prunes:
        raise WrongStorage(
            "The database is older than its storage, as if restored from a backup, so it does not know the newest "
            "files, and nothing is written or deleted. Use the newer database; if there is none, run "
            "`manage.py adopt`."
        )
    settled = row.in_storage and keys == row.storage_keys == list(mark.storage_keys)
    return row if settled else _write(row, keys)


def check_before_publishing() -> None:
    """Raise WrongStorage if the storage was replaced while a job wrote to it, as by a folder that lost its mount."""
    row = Installation.objects.filter(in_storage=True).first()
    if row is not None:
        check()


def count_prune() -> Installation:
    """Count one more prune, first in the database and then in the storage. Return the row as it was before."""
    with transaction.atomic():
        before = Installation.objects.select_for_update().get(number=Installation.ONLY)
        Installation.objects.filter(pk=before.pk).update(prunes=before.prunes + 1, pruned_at=timezone.now())
    _write(Installation.objects.get(pk=before.pk))
    return before


def note_start() -> None:
    """Note that the workers are being started, after `check`."""
    Installation.objects.filter(pk=Installation.ONLY).update(started_at=timezone.now())


def adopt() -> Installation:
    """Make database and storage belong together, under a new id: any other database of this storage is locked out.

    Files that the database does not know count as older than it: no prune deletes them.
    """
    row, mark = _row(), read_mark()
    keys = check_keys((mark and mark.storage_keys) or row.storage_keys)
    row.installation_id, row.created_at = new_installation_id(), timezone.now()
    row.prunes = max(row.prunes, mark.prunes if mark else 0)
    row.save()
    return _write(row, keys)


def note_all_sealed(oldest: datetime) -> Installation:
    """Note that all files are encrypted with the newest key: from now on clear files are refused.

    `oldest`: when the oldest of the files that were written again had been written before. If it is older than the
    database, files that the database does not know still count as older than it, though they look new now.
    """
    row = check()
    row.sealed = True
    row.created_at = timezone.now() if oldest < row.created_at else row.created_at
    row.save(update_fields=["sealed", "created_at"])
    return _write(row, configured_keys()[:1])


def read_mark(storage: Storage = default_storage) -> StorageMark | None:
    """Return what a storage carries; None if it carries nothing. Raises WrongStorage if it cannot be read."""
    try:
        with storage.open(FILE, "rb") as file:
            content = json.loads(file.read())
        keys = content.get("encryption", {}).get("keys", [])
        format_version = int(content.get("format", 1))
        return StorageMark(str(content["installation"]), int(content["prunes"]), format_version, tuple(map(str, keys)))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WrongStorage(
            f"The file {FILE} of the storage cannot be read, so it is not known which installation the storage "
            "belongs to; restore the file from a backup, or run `manage.py adopt`."
        ) from None


def _row() -> Installation:
    known = Installation.objects.filter(number=Installation.ONLY).first()
    if known is None:
        known, _ = Installation.objects.get_or_create(number=Installation.ONLY, defaults={"created_at": _oldest()})
    return known


def _oldest() -> datetime:
    """Return since when the database knows files: an installation from before ids existed gets its id later."""
    moments = (
        Deployment.objects.aggregate(at=Min("created_at"))["at"],
        Snapshot.objects.aggregate(at=Min("stored_at"))["at"],
    )
    return min([moment for moment in moments if moment] + [timezone.now()])


def _check_first_use(row: Installation) -> None:
    """Raise WrongStorage unless a storage without an id is new, or holds what this database names."""
    if row.in_storage:
        raise WrongStorage(
            "The storage does not carry the id of this installation, so nothing is read, written or deleted. Is its "
            "folder mounted, and do all hosts that share the database also share the storage (STORAGE_URL)? If this "
            "storage does belong to the database from now on, run `manage.py adopt`."
        )
    named = list(_named_files())
    if named and not any(default_storage.exists(name) for name in named):
        raise WrongStorage(
            "The storage holds none of the files that the database names, so nothing is read, written or deleted. Is "
            "its folder mounted, and is STORAGE_URL the right one?"
        )
    if not named and holds_files():
        raise WrongStorage(
            "The storage already holds data, but the database knows none of it, so nothing is read, written or "
            "deleted. Set DATABASE_URL or DATA_DIR to the database of this storage, or STORAGE_URL to an empty "
            "storage; if the two do belong together from now on, run `manage.py adopt`."
        )
    if not named and configured_keys():
        row.sealed = True  # there is no file yet
        row.save(update_fields=["sealed"])


def _named_files() -> Iterator[str]:
    """Yield some of the newest files that rows name."""
    for model in (SourceCode, StoredAsset):
        yield from (row.file for row in model.objects.order_by("-pk")[:_SAMPLE])
    for tables in Snapshot.objects.order_by("-id").values_list("tables", flat=True)[:_SAMPLE]:
        yield from (file_of(entry["state"], "json") for entry in islice(tables.values(), _SAMPLE))


def holds_files() -> bool:
    return any(True for _ in chain.from_iterable(names(default_storage, folder) for folder in _FOLDERS))


def _write(row: Installation, keys: list[str] | None = None) -> Installation:
    """Write the mark. `keys`: the ids of the keys that files may need from now on; None if they stay the same."""
    keys = row.storage_keys if keys is None else keys
    content: dict[str, object] = {"installation": row.installation_id, "prunes": row.prunes, "format": FORMAT}
    if keys:
        content["encryption"] = {"keys": keys}
    default_storage.save(FILE, ContentFile(json.dumps(content).encode()))
    if not row.in_storage or keys != row.storage_keys:
        Installation.objects.filter(pk=row.pk).update(in_storage=True, storage_keys=keys)
        row.in_storage, row.storage_keys = True, keys
    return row
