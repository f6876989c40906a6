"""What rows name in the 256 parts of the storage, and how each thing is compared with its hash.

The part of a file is the first byte of its (logical) name: of its content hash where the name is one, else of a hash of
the name.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep

from django.core.files.storage import Storage
from isal import isal_zlib

from exports.models import LedgerFile, ServerLogs, SourceCode, StoredAsset
from exports.store import manifests
from exports.store.blobs import Store, file_of
from exports.store.repair import Blob, every_state
from psynetdata.infra.storage import blocks
from psynetdata.psynet.problems import Damaged

PARTS = 256
_HASHED = re.compile(r"(?:snapshots|assets)/([0-9a-f]{2})/")


@dataclass(frozen=True)
class StoredFile:
    """A file that a row names by its hash. `packed`: the hash is that of the unpacked bytes; None: it is a manifest.

    `deployment`: the number of the deployment that it belongs to; None if several may use it.
    """

    name: str
    sha256: str = ""
    packed: bool | None = False
    deployment: int | None = None


@dataclass
class PartContents:
    """`blobs`: {name of a file of the store: the blobs in it that snapshots need}; `files`: all other files."""

    blobs: dict[str, dict[Blob, None]] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)


class Pace:
    """Lets no more bytes through in a second than `speed`, so that others can work meanwhile."""

    def __init__(self, speed: int, check: Callable[[], None] = lambda: None):
        self.bytes = 0
        self._speed, self._check, self._began = speed, check, monotonic()

    def paced(self, data: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks, and wait after each if they come too fast."""
        for block in data:
            self.bytes += len(block)
            yield block
            self._check()
            ahead = self.bytes / self._speed - (monotonic() - self._began)
            if ahead > 0:
                sleep(min(ahead, 1.0))


def part_of(name: str) -> int:
    """Return the number of a file's part, 0 to 255."""
    match = _HASHED.match(name)
    return int(match[1], 16) if match else hashlib.sha256(name.encode()).digest()[0]


def contents_of(store: Store, parts: Iterable[int], check: Callable[[], None]) -> dict[int, PartContents]:
    """Return {part: what rows name in it}. Each state of a snapshot is read once."""
    contents = {part: PartContents() for part in parts}
    for state in every_state():
        check()
        blobs: list[Blob] = [(state, "json")]
        with suppress(Damaged):  # it is reported when its own part is checked
            blobs += [(segment.blob, "csv") for segment in store.state(state).segments]
        for ref, kind in blobs:
            name = file_of(ref, kind)
            if (part := part_of(name)) in contents:
                contents[part].blobs.setdefault(name, {})[ref, kind] = None
    for file in _files():
        if (part := part_of(file.name)) in contents:
            contents[part].files.append(file)
    return contents


def _files() -> Iterator[StoredFile]:
    for sha256 in StoredAsset.objects.order_by().values_list("sha256", flat=True).distinct().iterator():
        yield StoredFile(StoredAsset(sha256=sha256).file, sha256)
    for code in SourceCode.objects.iterator():
        yield StoredFile(code.file, code.sha256, deployment=code.deployment_id)
    for logs in ServerLogs.objects.iterator():
        for part in logs.parts:
            yield StoredFile(part["file"], part["sha256"], packed=True, deployment=logs.deployment_id)
    for ledger in LedgerFile.objects.iterator():
        yield StoredFile(ledger.name, ledger.sha256, deployment=ledger.deployment_id)
    yield from (StoredFile(name, packed=None) for name in sorted(manifests.named()))


def is_blob_whole(store: Store, blob: Blob, pace: Pace) -> bool:
    """Read a blob and compare its hash."""
    try:
        for _ in pace.paced(store.unpacked(*blob)):
            pass
    except Damaged:
        return False
    return True


def is_file_whole(storage: Storage, file: StoredFile, pace: Pace) -> bool:
    """Read a file and compare its hash; a manifest must be readable."""
    try:
        if file.packed is None:
            manifests.read(storage, file.name)
            return True
        if not storage.exists(file.name):
            return False
        digest = hashlib.sha256()
        stored = blocks(storage, file.name, 0, storage.size(file.name))
        for block in pace.paced(_unpacked(stored) if file.packed else stored):
            digest.update(block)
        return digest.hexdigest() == file.sha256
    except (Damaged, FileNotFoundError, isal_zlib.error):
        return False


def _unpacked(stored: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = isal_zlib.decompressobj(wbits=31)
    for block in stored:
        yield unpacker.decompress(block)
    yield unpacker.flush()
