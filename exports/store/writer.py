"""Put blobs into the store; they are removed again if what needs them fails.

A separate thread stores them, so that the code that makes blobs does not wait for disk or network. Only this thread
uses the storage in the meantime, because not every storage can be shared between threads.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from queue import Queue
from tempfile import NamedTemporaryFile
from threading import Thread

from django.core.files import File
from django.db import connection
from django.utils import timezone

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

from . import installation, locks
from .blobs import Store, TableState, file_of, pack, pack_name, pack_of, sha256_of
from .reader import SnapshotReader
from .repair import repair, repair_from, unpack

# A blob that is smaller than this when compressed shares a file with others of its capture.
SMALL = 64 << 10
# A pack is read as a whole, so it stays small.
FULL_PACK = 4 << 20
_KNOWN = "known"
_WAITING = 8  # files that may wait to be stored; with more, the code that makes them waits


class StoreWriter:
    """`segment` and `state` take blobs and return their refs at once; after `finish` all are stored and read back.

    `known`: {sha256: ref} of blobs that exist and stay. `new_bytes`: what was added to the storage, compressed.
    """

    def __init__(
        self, store: Store, folder: Path, running: jobs.Running | None = None, known: dict[str, str] | None = None
    ):
        self.new_bytes = 0
        self.new: list[str] = []  # names of files that were not in the storage before
        self._store = store
        self._checked = Store(store.storage)  # its own, because a Store keeps the last pack
        self._folder = folder
        self._running = running
        self.mended: set[str] = set()  # refs of blobs that were missing or damaged until now
        self._refs: dict[str, str] = dict(known or {})
        self._unchecked = dict(self._refs)
        self._pack: _Pack | None = None
        # The name of a file, or the ref of a blob that should be there already; the path; the kind.
        self._queue: Queue[tuple[str, Path, str | None] | None] = Queue(_WAITING)
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._store_all, name="shelf", daemon=True)
        self._thread.start()

    def segment(self, path: Path, sha256: str) -> str:
        """Take the compressed file of a segment, which is moved. Return its ref."""
        return self._put(path, sha256, "csv")

    def state(self, state: TableState) -> str:
        """Return the ref of a table's state."""
        data = state.to_bytes()
        with NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(pack(data))
        return self._put(Path(file.name), hashlib.sha256(data).hexdigest(), "json")

    def finish(self) -> None:
        """Wait until everything is stored and read back. Raises what storing raised."""
        if self._pack:
            self._send_pack(self._pack)
        self._queue.put(None)
        self._thread.join()
        if self._failure:
            raise self._failure
        installation.check_before_publishing()

    def stop(self) -> None:
        """Store nothing more; return when the thread has ended."""
        self._failure = self._failure or InterruptedError()
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def has_mended(self, ref: str) -> bool:
        """Return whether a blob that was noted as damaged is whole again; repair it if this writer has a copy."""
        if ref in self.mended:
            return True
        if not pack_of(ref):
            return not {file_of(ref, "csv"), file_of(ref, "json")}.isdisjoint(self.new)
        copy = self._refs.get(sha256_of(ref), ref)
        return copy != ref and any(repair_from(self._store, ref, kind, copy) for kind in ("csv", "json"))

    def _put(self, path: Path, sha256: str, kind: str) -> str:
        if self._running:
            self._running.check()
        if kind == "csv" and (ref := self._unchecked.pop(sha256, None)):
            # Rows are in hand now, perhaps for the last time: the stored ones are checked. States came with the base.
            self._send(ref, path, _KNOWN)
        elif sha256 in self._refs:
            path.unlink()
        elif path.stat().st_size < SMALL:
            self._refs[sha256] = self._into_pack(path, sha256)
        else:
            self._refs[sha256] = sha256
            self._send(file_of(sha256, kind), path, kind)
        return self._refs[sha256]

    def _into_pack(self, path: Path, sha256: str) -> str:
        if self._pack and self._pack.size >= FULL_PACK:
            self._send_pack(self._pack)
        self._pack = self._pack or _Pack(self._folder)
        return f"{sha256}@{self._pack.add(path)}"

    def _send_pack(self, full: "_Pack") -> None:
        self._send(pack_name(full.name), full.close(), None)
        self._pack = None

    def _send(self, name: str, path: Path, kind: str | None) -> None:
        if self._failure:
            raise self._failure
        self._queue.put((name, path, kind))

    def _store_all(self) -> None:
        """Store until None arrives. After a failure discard the rest, so that nobody waits for room in the queue."""
        try:
            while entry := self._queue.get():
                if self._failure is None:
                    try:
                        self._store_one(*entry)
                    except BaseException as error:  # raised again in the thread that makes the blobs
                        self._failure = error
                entry[1].unlink(missing_ok=True)
        finally:
            connection.close()  # this thread's own; a repair opens it

    def _store_one(self, name: str, path: Path, kind: str | None) -> None:
        storage = self._store.storage
        if kind == _KNOWN:
            return self._check_known(name, path)
        if kind and storage.exists(name):
            if self._is_whole(name, path, kind):
                return
            self.mended.add(Path(name).name.partition(".")[0])
        else:
            self.new.append(name)
        with path.open("rb") as file:
            saved = storage.save(name, File(file))
        if saved != name or not self._is_same(name, path):
            raise Damaged(f"The storage did not return {Path(name).name[:12]}… as it was stored; check the storage.")
        self.new_bytes += path.stat().st_size

    def _check_known(self, ref: str, path: Path) -> None:
        """Repair a blob that should be in the store, unless it is whole."""
        try:
            self._checked.check(ref)
        except Damaged:
            with suppress(Damaged):  # it does not fit into its place any more: `verify` notes it, and it is stored anew
                repair(self._store, ref, "csv", unpack(path))
                self.mended.add(ref)
            self._checked = Store(self._store.storage)

    def _is_same(self, name: str, path: Path) -> bool:
        with path.open("rb") as mine, self._store.storage.open(name, "rb") as stored:
            return _sha256(mine.read) == _sha256(stored.read)

    def _is_whole(self, name: str, path: Path, kind: str) -> bool:
        """Return whether the stored file holds the same content when uncompressed; a damaged one is stored again."""
        try:
            if self._is_same(name, path):
                return True
            self._store.check(Path(name).name.partition(".")[0], kind)
        except (Damaged, FileNotFoundError):
            return False
        return True


class _Pack:
    """Gzip files, one after another."""

    def __init__(self, folder: Path):
        self.name = uuid.uuid4().hex
        self.size = 0
        self._path = folder / f"{self.name}.pack"
        self._file = self._path.open("wb")

    def add(self, path: Path) -> str:
        """Add a file and delete it. Return `<pack>+<offset>+<length>`."""
        data = path.read_bytes()
        path.unlink()
        at = f"{self.name}+{self.size}+{len(data)}"
        self._file.write(data)
        self.size += len(data)
        return at

    def close(self) -> Path:
        self._file.close()
        return self._path


@contextmanager
def store_writer(
    store: Store,
    folder: Path,
    running: jobs.Running | None = None,
    *,
    base: SnapshotReader | None = None,
    refs: dict[str, str] | None = None,
) -> Iterator[StoreWriter]:
    """Yield a StoreWriter for blobs that a row will name; blobs in `base` or `refs` {sha256: ref} are not stored again.

    If the body raises, new blobs are removed. `base` must not be deleted in the meantime.
    """
    locks.wait_for_deletes(running)
    began = timezone.now()
    with ExitStack() as undo:
        writer = StoreWriter(store, folder, running, (_known(base) if base else {}) | (refs or {}))
        noted = base.snapshot.damage_near if base else frozenset()
        undo.callback(lambda: _take_back(store, writer, began, running, noted))
        yield writer
        undo.pop_all()


def _take_back(
    store: Store, writer: StoreWriter, began: datetime, running: jobs.Running | None, noted: frozenset[str]
) -> None:
    """Remove the new files, except those that others may have started to use in the meantime.

    Equal blobs are shared: while another job stores, nothing is removed, and prune removes unreferenced files later.
    """
    writer.stop()
    if locks.others_store(running):
        return
    # What was missing before and is there now stays: older snapshots need it.
    needed = {file_of(ref, kind) for ref in noted for kind in ("csv", "json")}
    for snapshot in Snapshot.objects.filter(stored_at__gte=began).iterator():
        needed |= files_of(snapshot, store)
    for name in writer.new:
        if name not in needed:
            with suppress(OSError):  # prune removes it later; the first failure is the one to report
                store.storage.delete(name)


def _known(base: SnapshotReader) -> dict[str, str]:
    """Return {sha256: ref} of a snapshot's blobs, except those that were found damaged or cannot be read."""
    known: dict[str, str] = {}
    damaged = base.snapshot.damage_near
    for table, entry in base.snapshot.tables.items():
        try:
            refs = [entry["state"], *(segment.blob for segment in base.table_state(table).segments)]
        except Damaged:
            continue
        known |= {sha256_of(ref): ref for ref in refs if ref not in damaged}
    return known


def repaired(deployment: Deployment, writer: StoreWriter) -> None:
    """Note that blobs which were found damaged and have been stored again are whole in every snapshot."""
    for snapshot in Snapshot.objects.filter(deployment=deployment).exclude(damage=[]):
        left = [ref for ref in snapshot.damage if not writer.has_mended(ref)]
        if left != snapshot.damage:
            Snapshot.objects.filter(pk=snapshot.pk).update(damage=left)
            # Identifiers in these blobs are not in the ledger yet.
            Snapshot.objects.filter(deployment__in=deployment.chain()).update(collected="")


def files_of(snapshot: Snapshot, store: Store) -> set[str]:
    """Return the names of all files in the storage that a snapshot needs."""
    needed: set[str] = set()
    for entry in snapshot.tables.values():
        needed.add(file_of(entry["state"], "json"))
        needed.update(store.segment_files(entry["state"]))
    return needed


def _sha256(read: Callable[[int], bytes]) -> bytes:
    digest = hashlib.sha256()
    while block := read(BLOCK):
        digest.update(block)
    return digest.digest()
