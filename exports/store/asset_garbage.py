"""Find and remove asset files that no row refers to any more, while other jobs may be fetching files.

A fetch stores the file first and writes its row afterwards, so recent files stay.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from datetime import datetime
from itertools import islice

from django.core.files.storage import Storage

from exports.models import StoredAsset
from exports.models.asset import ASSETS, file_of
from psynetdata.infra.sealed.storage import SealedStorage, backend_of, stored_names
from psynetdata.jobs import Running
from psynetdata.psynet.problems import Damaged

from .garbage import GRACE
from .quarantine import remove
from .storage_listing import PART, PART_GRACE, File, Swept, names

_OURS = re.compile(ASSETS + r"/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
_TOGETHER = 500


def unowned(storage: Storage, now: datetime) -> Iterator[File]:
    """Return files that are old enough and have no row; files with other names than ours stay."""
    file_names = (name for name in names(storage, ASSETS) if _OURS.fullmatch(name) or PART.search(name))
    backend, owned_among = backend_of(storage), _owners(storage)
    while some := list(islice(file_names, _TOGETHER)):
        owned = owned_among(some)
        for name in some:
            partial = not _OURS.fullmatch(name)
            if name not in owned:
                with suppress(FileNotFoundError):  # another process has finished in the meantime
                    file = File(name, backend.size(name), backend.get_modified_time(name), partial)
                    if file.modified < now - (PART_GRACE if partial else GRACE):
                        yield file


def _owners(storage: Storage) -> Callable[[list[str]], Set[str]]:
    """Return a function that returns which of some files have rows.

    Names of an encrypted storage do not show the hash, so there all hashes are needed: memory is a name for each file.
    """
    if isinstance(storage, SealedStorage):
        hashes = StoredAsset.objects.values_list("sha256", flat=True).distinct()
        owned = stored_names(storage, map(file_of, hashes.iterator()))
        return lambda some: owned
    return _named_by_rows


def _named_by_rows(some: list[str]) -> set[str]:
    hashes = {match[1]: name for name in some if (match := _OURS.fullmatch(name))}
    return {hashes[one] for one in StoredAsset.objects.filter(sha256__in=hashes).values_list("sha256", flat=True)}


def owned_count() -> int:
    return StoredAsset.objects.values("sha256").distinct().count()


def remove_unowned(storage: Storage, files: Iterable[File], running: Running) -> Swept:
    """Remove files that may go (exports.store.quarantine), except those that have got a row in the meantime."""
    return remove(
        storage,
        files,
        running,
        phase="removing asset files",
        is_used=lambda file: not file.partial and _has_row(storage, file.name),
    )


def _has_row(storage: Storage, name: str) -> bool:
    """Return whether a row names the file; True also if that cannot be known, because its header is damaged."""
    if isinstance(storage, SealedStorage):
        try:
            header = storage.header(name)
        except Damaged:
            return True
        except FileNotFoundError:
            return False
        name = header.name if header else name
    ours = _OURS.fullmatch(name)
    return ours is not None and StoredAsset.objects.filter(sha256=ours[1]).exists()
