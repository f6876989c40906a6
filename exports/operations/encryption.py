"""Encrypt files that are older than the encryption, or encrypted with an older key, with the newest key."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.models import ExportArchive, LedgerFile, ServerLogs
from exports.models.ledger import FOLDER as LEDGER
from exports.models.server_logs import FOLDER as LOGS
from exports.package.expiry import FOLDER as EXPORTS
from exports.store import installation, locks, manifests, quarantine, second_copy
from exports.store.storage_listing import PART, names
from psynetdata.env import LOCAL
from psynetdata.infra.sealed.storage import CLEAR, SealedStorage
from psynetdata.jobs import Running
from psynetdata.models import Audit
from psynetdata.psynet.problems import Damaged, UsageError

KIND = locks.ENCRYPT


def encrypt(running: Running) -> dict:
    """Encrypt file by file; an interrupted run is continued by the next one. Return {"files", "checked"}.

    When all files are encrypted with the newest key, older keys are no longer needed and clear files are refused.
    Raises Damaged if some cannot be encrypted, UsageError if there is no key, Conflict while a prune is running.
    """
    if not isinstance(default_storage, SealedStorage):
        raise UsageError("There is no key to encrypt with; set STORAGE_KEY (docs/settings.md) and start again.")
    locks.claim_files(running)
    done, described = _Encrypted(), manifests.named()
    # Others may replace a manifest while it is copied, so all are written again instead.
    _rewrite((name for name in _files(default_storage) if name not in described), done, running)
    if not done.problems:
        running.progress("writing manifests")
        done.files += manifests.save_again()
        _rewrite(sorted(described), done, running)
    if done.problems:
        raise Damaged(
            f"{len(done.problems)} of {done.checked} files could not be encrypted, so the older keys are still needed. "
            f"The first problem: {done.problems[0]}"
        )
    row = installation.note_all_sealed(done.oldest)
    Audit.record("encrypt", target=str(row), files=done.files)
    return {"files": done.files, "checked": done.checked}


@dataclass
class _Encrypted:
    files: int = 0
    checked: int = 0
    oldest: datetime = field(default_factory=timezone.now)  # when the oldest of them had been written
    problems: list[str] = field(default_factory=list)


def _rewrite(stored_names: Iterable[str], done: _Encrypted, running: Running) -> None:
    for name in stored_names:
        running.progress("encrypting files", done.checked)
        done.checked += 1
        try:
            with suppress(FileNotFoundError):  # deleted in the meantime
                written = default_storage.backend.get_modified_time(name)
                if new := default_storage.rewrite(name, _is_named):
                    if new != name:
                        second_copy.note_deletions([name])
                    quarantine.rename(name, new, default_storage.backend.get_modified_time(new))
                    done.files += 1
                    done.oldest = min(done.oldest, written)
        except Damaged as problem:
            done.problems.append(problem.sentence)


def state() -> str:
    """Return in a sentence or two whether the storage is encrypted, and with which keys."""
    if not isinstance(default_storage, SealedStorage):
        here = settings.STORAGES["default"]["BACKEND"] == LOCAL
        advice = "" if here else " It is not this machine's own, so set STORAGE_KEY (docs/settings.md)."
        return f"The storage is not encrypted.{advice}"
    row, newest = installation.check(), default_storage.keys[0]
    older = [key for key in row.storage_keys if key != newest.id]
    sentence = f"New files are encrypted with the key {newest.id}."
    if not row.sealed:
        return f"{sentence} Older ones may not be encrypted; `manage.py storage encrypt` does that."
    if older:
        return f"{sentence} Older ones need {' and '.join(older)} until `manage.py storage encrypt` is done."
    return f"{sentence} So are all others."


def _files(storage: SealedStorage) -> Iterator[str]:
    """Yield the stored names of all files, except those that stay clear and what killed writers left."""
    folders, files = storage.backend.listdir("")
    inside = chain.from_iterable(names(storage, folder) for folder in sorted(folders))
    return (name for name in chain(sorted(files), inside) if name not in CLEAR and not PART.search(name))


def _is_named(name: str) -> bool:
    """Return whether a row names a file that keeps its name when it is encrypted, and that is not always kept."""
    folder, _, rest = name.partition("/")
    if folder == EXPORTS:
        return ExportArchive.objects.filter(file=name).exists()
    if folder == LEDGER:
        return LedgerFile.objects.filter(name=name).exists()
    if folder == LOGS:
        rows = ServerLogs.objects.filter(deployment=int(number)) if (number := rest.partition("/")[0]).isdigit() else ()
        return any(name in row.replaced or name in [part["file"] for part in row.parts] for row in rows)
    return False
