"""Store the logs of a deployment's server next to its snapshots, starting where the last reading ended."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from isal import igzip, isal_zlib

from exports.models import ServerLogs
from exports.models.server_logs import FOLDER
from exports.sources import registry
from exports.sources.base import NoLogs, OpenLogs
from exports.store import second_copy
from psynetdata import jobs
from psynetdata.infra.sealed.storage import stored_names
from psynetdata.infra.storage import blocks
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Cancelled, Conflict, Damaged, Problem

KIND = "logs"
NAME = "logs.jsonl"
PART = 8 << 20  # bytes of the server's file; one part is held in memory
_EVERY = timedelta(hours=1)
_EARLY = timedelta(seconds=25)
_HEAD = 1024
_READERS_NEED = timedelta(days=1)
_SPOILT = (EOFError, igzip.BadGzipFile, isal_zlib.error)


def can_be_read(deployment: Deployment) -> bool:
    """Return whether its source has logs that are still its own: after its end another launch may write there."""
    return deployment.state in Deployment.OPEN and registry.has_logs(deployment)


def are_kept(deployment: Deployment) -> bool:
    return ServerLogs.objects.filter(deployment=deployment).exists()


def send_due(now: datetime | None = None) -> list[Job]:
    """Queue a reading for each running deployment that had none for an hour."""
    now = now or timezone.now()
    sent = []
    for deployment in Deployment.objects.filter(state=Deployment.State.RUNNING):
        mine = Job.objects.filter(kind=KIND, deployment=deployment)
        busy = mine.filter(state__in=Job.ACTIVE) | mine.filter(created_at__gt=now - _EVERY + _EARLY)
        if can_be_read(deployment) and not busy.exists():
            sent.append(jobs.submit(KIND, deployment=deployment))
    return sent


def fetch(deployment: Deployment, *, check_cancelled: Callable[[], None] = lambda: None) -> ServerLogs:
    """Read what is new and store it; what was read before a failure is stored too.

    Memory depends on one part. Raises NoLogs if there are none, Unreachable and Refused as a capture does.
    """
    with registry.logs(deployment) as source:
        row, _ = ServerLogs.objects.get_or_create(deployment=deployment)
        if not _goes_on(row, source):
            row.offset, row.head_bytes = 0, min(_HEAD, source.size)
            row.head = _hash(source.head(row.head_bytes))
        first = _unfilled(row)
        for part, size in _cut_into_parts(source.blocks(row.offset), first, check_cancelled):
            if first:
                row.replaced[row.parts.pop()["file"]] = timezone.now().isoformat()
            first = b""
            row.parts.append(_stored(row, part))
            row.offset += size
            _write(row)
    row.read_at = timezone.now()
    stale = [name for name, at in row.replaced.items() if row.read_at - datetime.fromisoformat(at) > _READERS_NEED]
    for name in stale:
        del row.replaced[name]
    _write(row)
    second_copy.note_deletions(stored_names(default_storage, stale))
    for name in stale:
        default_storage.delete(name)
    return row


def lines_of(row: ServerLogs, number: int) -> bytes:
    """Return the text of a part. Raises Damaged if it is not what was stored."""
    part = row.parts[number]
    data = b"".join(_all_of(part["file"]))
    try:
        text = igzip.decompress(data)
    except _SPOILT:
        text = b""
    if _hash(text) != part["sha256"]:
        raise Damaged("Stored logs are missing from the storage or have changed; check the storage.")
    return text


def all_of(row: ServerLogs) -> Iterator[bytes]:
    """Yield the whole file, part by part. Raises Damaged."""
    for number in range(len(row.parts)):
        yield lines_of(row, number)


def kept_logs(deployment: Deployment) -> ServerLogs | None:
    row = ServerLogs.objects.filter(deployment=deployment).first()
    return row if row and row.parts else None


def fetch_for_export(
    deployment: Deployment, check_cancelled: Callable[[], None]
) -> tuple[ServerLogs | None, list[str]]:
    """Return (the stored logs after another reading, notes): an unreachable server does not prevent an export."""
    notes = []
    if can_be_read(deployment):
        try:
            fetch(deployment, check_cancelled=check_cancelled)
        except NoLogs as problem:
            notes.append(problem.sentence)
        except Cancelled:
            raise
        except Problem as problem:
            until = "they end at the last reading" if kept_logs(deployment) else "none are here"
            notes.append(f"The server's logs could not be read now, so {until}: {problem.sentence}")
    return kept_logs(deployment), notes


def _goes_on(row: ServerLogs, source: OpenLogs) -> bool:
    """Return whether the server's file is the one that was read before, possibly with more at its end."""
    return 0 < row.offset <= source.size and _hash(source.head(row.head_bytes)) == row.head


def _unfilled(row: ServerLogs) -> bytes:
    """Return the text of the last part if it has room left, so that each hour's lines do not become a file."""
    if not row.offset or not row.parts or row.parts[-1]["bytes"] >= PART // 2:
        return b""
    try:
        return lines_of(row, len(row.parts) - 1)
    except Damaged:  # it is left as it is, and `verify` reports it
        return b""


def _cut_into_parts(
    stream: Iterator[bytes], first: bytes, check_cancelled: Callable[[], None]
) -> Iterator[tuple[bytes, int]]:
    """Yield (a part, how much of it is new), cut after a line's end if there is one."""
    held, old = bytearray(first), len(first)
    for block in stream:
        check_cancelled()
        held += block
        while len(held) >= PART:
            cut = held.rfind(b"\n", old, PART) + 1 or PART
            yield bytes(held[:cut]), cut - old
            del held[:cut]
            old = 0
    if len(held) > old:
        yield bytes(held), len(held) - old


def _stored(row: ServerLogs, part: bytes) -> dict:
    name = f"{FOLDER}/{row.deployment_id}/{row.changes + 1:08d}-{secrets.token_hex(4)}.jsonl.gz"
    packed = igzip.compress(part, 1)
    default_storage.save(name, ContentFile(packed))
    if default_storage.size(name) != len(packed):
        raise Damaged("The storage changed logs while storing them; try again, or check the storage.")
    return {"file": name, "bytes": len(part), "sha256": _hash(part)}


def _write(row: ServerLogs) -> None:
    """Save one step of a reading, only if no other process saved one: otherwise this one gives way."""
    names = ("parts", "replaced", "offset", "head", "head_bytes", "read_at")
    mine = ServerLogs.objects.filter(pk=row.pk, changes=row.changes)
    if not mine.update(**{name: getattr(row, name) for name in names}, changes=row.changes + 1):
        kept_files = {part["file"] for part in ServerLogs.objects.get(pk=row.pk).parts}
        for part in row.parts[-1:]:
            if part["file"] not in kept_files:
                default_storage.delete(part["file"])
        raise Conflict("Another worker is reading the server's logs at this moment.")
    row.changes += 1


def _all_of(name: str) -> Iterator[bytes]:
    return blocks(default_storage, name, 0, default_storage.size(name)) if default_storage.exists(name) else iter(())


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
