"""Decides which of the files that nothing refers to may be deleted (law 3: nothing is deleted because it is unknown).

A file may go at once if something decided so (ReleasedFile), or if a killed writer left it half-written. All others
stay where they are for DAYS, listed, and even then a prune deletes them only if nothing suggests that the database is
the wrong one, an older one, or that the clock is wrong. All names are stored names (exports.store.storage_listing).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import F, QuerySet

from exports.models import Installation, QuarantinedFile, ReleasedFile, Snapshot
from psynetdata.infra.sealed.storage import backend_of
from psynetdata.jobs import Running

from . import second_copy
from .storage_listing import File, Swept

DAYS = 30
# A file must have been found by so many prunes too, so that a clock that jumps ends no quarantine.
PRUNES = 7
# A prune deletes at most this share of a folder's files that nobody decided about.
MOST = 0.05
_TOGETHER = 500
T = TypeVar("T")


class Quarantine:
    """For one prune. `installation`: as it was before this prune. `stopped`: why files whose time is over stay.

    With `ended` somebody decided that the quarantine of all files is over, except of those that are kept.
    """

    def __init__(self, installation: Installation, now: datetime, *, ended: bool = False, dry_run: bool = False):
        self.stopped: set[str] = set()
        self._ended = ended
        self._installation = installation
        self._now = now
        self.dry_run = dry_run

    def deletable(
        self, folder: str, files: Iterable[File], *, named: int, released: frozenset[str] = frozenset()
    ) -> Iterator[File]:
        """Yield those of a folder's unreferenced files that may be deleted, and note the others.

        `named`: how many files of the folder rows refer to. `released`: names of files that count as ReleasedFile.
        """
        unknown = 0
        for some in _in_batches(files):
            known = ReleasedFile.objects.filter(name__in=[file.name for file in some])
            may_go = released.union(known.values_list("name", flat=True))
            rest = [file for file in some if not (file.partial or file.name in may_go)]
            unknown += len(rest)
            self._note(rest)
            yield from (file for file in some if file.partial or file.name in may_go)
        yield from self._over(folder, named + unknown)

    def _note(self, files: list[File]) -> None:
        if self.dry_run or not files:
            return
        with transaction.atomic():
            known = {row.name: row for row in QuarantinedFile.objects.filter(name__in=[file.name for file in files])}
            again = [
                known[file.name].pk for file in files if file.name in known and self._is_same(known[file.name], file)
            ]
            QuarantinedFile.objects.filter(pk__in=again).update(last_found_at=self._now, prunes=F("prunes") + 1)
            rewritten = [row.pk for row in known.values() if row.pk not in set(again)]
            QuarantinedFile.objects.filter(pk__in=rewritten).delete()
            QuarantinedFile.objects.bulk_create(
                QuarantinedFile(
                    name=file.name,
                    bytes=file.bytes,
                    modified_at=file.modified,
                    found_at=self._now,
                    last_found_at=self._now,
                )
                for file in files
                if file.name not in known or known[file.name].pk in rewritten
            )

    @staticmethod
    def _is_same(row: QuarantinedFile, file: File) -> bool:
        return row.modified_at == file.modified

    def _over(self, folder: str, total: int) -> Iterator[File]:
        """Yield the files whose quarantine is over, unless something advises against it."""
        rows = in_folder(folder)
        if not self.dry_run:
            # All that are still unreferenced were found just now; the others are referred to again, or gone.
            rows.filter(last_found_at__lt=self._now).delete()
        over = rows.filter(kept=False)
        if not self._ended:
            over = over.filter(prunes__gte=PRUNES, found_at__lte=self._now - timedelta(days=DAYS))
        count = over.count()
        if count and not self._ended and (reason := self._advice(folder, over, count, total)):
            self.stopped.add(reason)
        elif count:
            yield from (File(row.name, row.bytes, row.modified_at) for row in over.iterator())

    def _advice(self, folder: str, over: QuerySet[QuarantinedFile], count: int, total: int) -> str | None:
        """Return why files should not be deleted though their quarantine is over, in a sentence."""
        installation = self._installation
        if not Snapshot.objects.exists():
            return "The database knows no snapshot at all, so no file is deleted."
        if installation.started_at and not (
            installation.pruned_at and installation.pruned_at > installation.started_at
        ):
            return "This is the first prune after a start, so files in quarantine stay until the next one."
        if over.filter(modified_at__lt=installation.created_at).exists():
            return (
                "The database is younger than files that it does not know, so these stay; `manage.py quarantine` "
                "lists them, and `manage.py prune --quarantined` deletes them."
            )
        if count > MOST * total:
            return (
                f"{count} of {total} files in {folder}/ would go though nobody decided so; they stay. "
                "`manage.py quarantine` lists them, and `manage.py prune --quarantined` deletes them."
            )
        return None


def in_folder(folder: str) -> QuerySet[QuarantinedFile]:
    return QuarantinedFile.objects.filter(name__startswith=f"{folder}/")


def release(names: Iterable[str], reason: ReleasedFile.Reason) -> None:
    """Note that these files may be deleted once nothing refers to them."""
    rows = (ReleasedFile(name=name, reason=reason) for name in sorted(names))
    ReleasedFile.objects.bulk_create(rows, batch_size=_TOGETHER, ignore_conflicts=True)


def take_back_releases(names: Iterable[str]) -> None:
    """Note that these files are referred to, so that what was once decided about them no longer holds."""
    marks = ReleasedFile.objects.filter(reason=ReleasedFile.Reason.RETENTION)
    if marks.exists():
        for some in _in_batches(names):
            marks.filter(name__in=some).delete()


def forget(names: Iterable[str]) -> None:
    """Delete what is noted of files that no longer exist."""
    for some in _in_batches(names):
        ReleasedFile.objects.filter(name__in=some).delete()
        QuarantinedFile.objects.filter(name__in=some).delete()


def remove(
    storage: Storage,
    files: Iterable[File],
    running: Running,
    *,
    phase: str = "removing files",
    is_used: Callable[[File], bool] = lambda file: False,
) -> Swept:
    """Delete files. `is_used`: asked right before, for those that somebody may have begun to use in the meantime."""
    swept = Swept()
    for file in files:
        running.progress(phase, swept.files)
        if is_used(file):
            continue
        second_copy.note_released([file.name])
        with suppress(FileNotFoundError):
            backend_of(storage).delete(file.name)
        forget([file.name])
        swept.files += 1
        swept.bytes += file.bytes
    return swept


def rename(old: str, new: str, modified: datetime) -> None:
    """Note that a file was written again, because of another key: maybe under another name, at another time."""
    if new != old:
        for model in (ReleasedFile, QuarantinedFile):
            model.objects.filter(name=new).delete()
        ReleasedFile.objects.filter(name=old).update(name=new)
    QuarantinedFile.objects.filter(name=old).update(name=new, modified_at=modified)


def _in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, _TOGETHER)):
        yield some
