"""Find files of the storage that no row refers to any more, and remove them while captures may be running."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic, sleep

from django.conf import settings
from django.core.files.storage import Storage

from exports.models import Snapshot
from psynetdata.infra.sealed.storage import backend_of, stored_names
from psynetdata.jobs import Running
from psynetdata.models import MirroredTable
from psynetdata.psynet.problems import Damaged

from . import locks, second_copy
from .blobs import FOLDER, Store, file_of
from .quarantine import forget
from .storage_listing import PART, PART_GRACE, File, Swept, names

# Nothing newer is removed: a second guard in addition to locks.deleting, in case clocks or heartbeats are wrong.
GRACE = timedelta(hours=1)
_OURS = re.compile(FOLDER + r"/[0-9a-f]{2}/[0-9a-f]{2}/(?:[0-9a-f]{64}\.(?:csv|json)\.gz|[0-9a-f]{32}\.pack)")
_REF = re.compile(r"[0-9a-f]{64}(?:@[0-9a-f]+\+\d+\+\d+)?")

_BATCH = 200
_SECONDS = 3.0  # captures wait while a batch is removed
_PATIENCE = 600.0  # how long to wait for a pause between captures, in seconds
_LOOK = 0.3
_ROWS = 200


class References:
    """The files that snapshots and the mirror refer to, by their names in the storage's list.

    Each state is read once, however many snapshots share it.

    Memory: one string for each distinct state and file. `without`: snapshots to treat as deleted.
    """

    def __init__(self, store: Store, *, without: frozenset[int] = frozenset()):
        self.files: set[str] = set()
        self.unreadable: set[str] = set()  # states whose files are therefore not known
        self._spared: datetime | None = None
        self.store = store
        self._seen = set(without)
        self._states: set[str] = set()

    def update(self, running: Running | None = None) -> None:
        """Add the rows that were created since the last call."""
        unseen = sorted(set(Snapshot.objects.values_list("pk", flat=True)) - self._seen)
        states: dict[str, datetime] = {}
        while rows := unseen[:_ROWS]:
            unseen = unseen[_ROWS:]
            for tables, stored_at in Snapshot.objects.filter(pk__in=rows).values_list("tables", "stored_at"):
                for entry in tables.values():
                    states[entry["state"]] = max(stored_at, states.get(entry["state"], stored_at))
            self._seen.update(rows)
        for face in settings.FACES:
            for state, at in MirroredTable.objects.using(face).values_list("state", "refreshed_at"):
                if _REF.fullmatch(state):
                    states.setdefault(state, at)
        # Packs are read one after another, each only once.
        for state in sorted(states, key=lambda ref: ref.partition("@")[2]):
            if running:
                running.check()
            self._take(state, states[state])

    def include(self, snapshots: Iterable[int]) -> None:
        """Do not treat these snapshots as deleted any more; `update` adds them."""
        self._seen -= set(snapshots)

    def files_only_of(self, snapshots: Iterable[int]) -> set[str]:
        """Return the files of these snapshots that no other row refers to. What cannot be read is not in it."""
        files: set[str] = set()
        for tables in Snapshot.objects.filter(pk__in=list(snapshots)).values_list("tables", flat=True):
            for state in {entry["state"] for entry in tables.values()} - self._states:
                files.add(file_of(state, "json"))
                with suppress(Damaged):
                    files |= self.store.segment_files(state)
        return stored_names(self.store.storage, files) - self.files

    def spares(self, name: str, modified: datetime) -> bool:
        """Return whether the file must stay. Files of an unreadable state are older than it, so all such stay."""
        return name in self.files or (self._spared is not None and modified <= self._spared)

    def _take(self, ref: str, at: datetime) -> None:
        if ref not in self._states:
            self._states.add(ref)
            storage = self.store.storage
            self.files |= stored_names(storage, [file_of(ref, "json")])
            try:
                self.files |= stored_names(storage, self.store.segment_files(ref))
            except Damaged:
                self.unreadable.add(ref)
        if ref in self.unreadable:
            self._spared = max(at, self._spared or at)


def unreferenced_files(store: Store, references: References, now: datetime) -> Iterator[File]:
    """Return old enough files of the store that nothing refers to; files with other names than ours stay."""
    storage = backend_of(store.storage)
    for name in names(storage, FOLDER):
        part = PART.search(name)
        if name in references.files or not (part or _OURS.fullmatch(name)):
            continue
        with suppress(FileNotFoundError):  # a writer has finished in the meantime
            file = File(name, storage.size(name), storage.get_modified_time(name), bool(part))
            old = file.modified < now - (PART_GRACE if part else GRACE)
            if old and (part or not references.spares(name, file.modified)):
                yield file


def unnamed_files(storage: Storage, folder: str, named: set[str], now: datetime, *, ending: str) -> Iterator[File]:
    """Return files of a folder that no row names and that are old enough, and unfinished ones.

    `ending`: that of our own files' names; no name holds a hash of content.
    """
    for name in names(storage, folder):
        part = bool(PART.search(name))
        if name in named or not (part or name.endswith(ending)):
            continue
        with suppress(FileNotFoundError):
            file = File(name, storage.size(name), storage.get_modified_time(name), part)
            if file.modified < now - (PART_GRACE if part else GRACE):
                yield file


def sweep(store: Store, references: References, files: Iterator[File], running: Running) -> Swept:
    """Remove files, in batches, while nothing is being stored. Raises Cancelled between files.

    `files`: those that may go (exports.store.quarantine); what is referred to in the meantime stays.
    """
    swept = Swept()
    while not swept.waits and (batch := list(islice(files, _BATCH))):
        running.progress("removing files", swept.files)
        second_copy.note_released(file.name for file in batch)
        _remove(batch, store, references, running, swept)
    return swept


def _remove(batch: list[File], store: Store, references: References, running: Running, swept: Swept) -> None:
    patience = monotonic() + _PATIENCE
    while batch:
        running.check()
        with locks.deleting(running) as may:
            if may:
                patience = monotonic() + _PATIENCE
                # A capture that ended in the meantime may use files that nothing referred to before.
                references.update()
                until = monotonic() + _SECONDS
                gone = []
                while batch and monotonic() < until:
                    if _remove_one(file := batch.pop(), store, references, swept):
                        gone.append(file.name)
                forget(gone)
        if not may:
            if monotonic() > patience:
                swept.waits = True
                return
            sleep(_LOOK)


def _remove_one(file: File, store: Store, references: References, swept: Swept) -> bool:
    if references.spares(file.name, file.modified):
        return False
    with suppress(FileNotFoundError):
        backend_of(store.storage).delete(file.name)
    swept.files += 1
    swept.bytes += file.bytes
    return True
