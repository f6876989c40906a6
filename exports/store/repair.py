"""Put a damaged or missing blob back where its ref says, so that every snapshot that names it is whole again.

The bytes come from whoever has them: a capture that read the rows once more, or another copy in the storage.
"""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from isal import igzip

from exports.models import Snapshot
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

from . import second_copy
from .blobs import Store, file_of, pack, pack_of, sha256_of
from .locks import repairing

Blob = tuple[str, str]  # a ref and its kind, csv or json


def repair(store: Store, ref: str, kind: str, blocks: Iterable[bytes]) -> None:
    """Store a blob again under its ref. `blocks`: its uncompressed bytes. Raises Damaged if that did not work."""
    if pack_of(ref):
        data = b"".join(blocks)
        with repairing(file_of(ref, kind)):
            _into_pack(store, ref, data)
    else:
        with TemporaryFile(dir=settings.TEMP_DIR) as file:
            with igzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
                for block in blocks:
                    packed.write(block)
            file.seek(0)
            store.storage.save(file_of(ref, kind), File(file))
    Store(store.storage).check(ref, kind)


def heal(store: Store, damaged: Iterable[Blob]) -> set[str]:
    """Repair blobs from other copies in the storage, or from its second copy. Return the refs that are whole again.

    Equal blobs have the same hash, but may be in several packs and in a file of their own. All table states are read
    to find them, each once.
    """
    broken = dict(damaged)
    healed: set[str] = set()
    for sha256, copies in copies_of(store, {sha256_of(ref) for ref in broken}).items():
        for ref, kind in broken.items():
            if sha256_of(ref) == sha256 and any(repair_from(store, ref, kind, copy) for copy in copies - {ref}):
                healed.add(ref)
    if left := {ref: kind for ref, kind in broken.items() if ref not in healed}:
        healed |= _heal_from_second_copy(store, left)
    return healed


def _heal_from_second_copy(store: Store, broken: dict[str, str]) -> set[str]:
    def heal_from(copy: Storage) -> set[str]:
        return {ref for ref, kind in broken.items() if repair_from(store, ref, kind, ref, Store(copy))}

    return second_copy.if_available(heal_from, set())


def copies_of(store: Store, hashes: set[str]) -> dict[str, set[str]]:
    """Return {hash: refs under which the storage may hold it}."""
    copies = {sha256: {sha256} for sha256 in hashes}
    for state in every_state():
        refs = [state]
        with suppress(Damaged):
            refs += [segment.blob for segment in store.state(state).segments]
        for ref in refs:
            if (sha256 := sha256_of(ref)) in copies:
                copies[sha256].add(ref)
    return copies


def every_state() -> list[str]:
    """Return the states that snapshots name, in the order in which each pack is read once."""
    states: set[str] = set()
    for tables in Snapshot.objects.order_by().values_list("tables", flat=True).iterator():
        states.update(entry["state"] for entry in tables.values())
    return sorted(states, key=lambda ref: ref.partition("@")[2])


def repair_from(store: Store, ref: str, kind: str, copy: str, source: Store | None = None) -> bool:
    """Repair a blob from another one with the same hash, in `source` or the same store. Return whether it is whole."""
    source = source or Store(store.storage)
    try:
        source.check(copy, kind)
        repair(store, ref, kind, source.unpacked(copy, kind))
    except Damaged:
        return False
    return True


def unpack(path: Path) -> Iterator[bytes]:
    """Yield the uncompressed bytes of a gzip file."""
    with igzip.open(path, "rb") as stream:
        while block := stream.read(BLOCK):
            yield block


def _into_pack(store: Store, ref: str, data: bytes) -> None:
    """Write a blob over its place in its pack; the other blobs of a pack that is missing are left empty."""
    offset, length = (int(part) for part in ref.split("+")[1:])
    name = file_of(ref, "")
    whole = bytearray()
    with suppress(FileNotFoundError):
        file: BinaryIO
        with store.storage.open(name, "rb") as file:
            whole += file.read()
    whole += bytes(max(0, offset + length - len(whole)))
    whole[offset : offset + length] = _fitting(data, length, ref)
    store.storage.save(name, ContentFile(bytes(whole)))


def _fitting(data: bytes, length: int, ref: str) -> bytes:
    """Compress to exactly this length. Another version of the library may compress differently; zeros may follow."""
    for compressed in (pack(data), gzip.compress(data, 9, mtime=0)):
        if len(compressed) <= length:
            return compressed.ljust(length, b"\0")
    raise Damaged(f"The stored segment {ref[:12]}… does not fit into its place any more; its pack stays damaged.")
