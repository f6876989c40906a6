"""Read everything that is stored within 30 days, a few parts each day; repair what can be repaired.

Segments and states are repaired from another pack, from the second copy, or by the next capture; other files from the
second copy, or by being fetched or written again. And the second copy is compared and mended from the storage.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic

from django.core.files.storage import Storage, default_storage
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from exports.models import CheckedPart, CopiedFile, DeploymentManifest, Snapshot, StoredAsset
from exports.store import second_copy
from exports.store.blobs import Store
from exports.store.damage import note_damaged, note_whole
from exports.store.repair import Blob, heal
from exports.store.second_copy.catch_up import copy_again
from psynetdata.infra.sealed.files import opened_file
from psynetdata.infra.sealed.storage import stored_names
from psynetdata.infra.storage import blocks
from psynetdata.jobs import Running
from psynetdata.models import Audit, Deployment, Job

from .stored_parts import PARTS, Pace, PartContents, StoredFile, contents_of, is_blob_whole, is_file_whole

SPEED = 20 << 20  # bytes a second: 1.7 TB in a day
A_DAY = 10  # parts: all within 26 days
_LATEST = timedelta(days=28)


@dataclass
class Rehashed:
    """What was checked. `repaired`: damaged things that are whole again; `damaged`: those that are not;
    `copies`: damaged files of the second copy, which are copied again. `left`: parts for the next job.
    """

    parts: int = 0
    files: int = 0
    bytes: int = 0
    repaired: int = 0
    damaged: int = 0
    copies: int = 0
    left: list[int] = field(default_factory=list)


@dataclass
class _Found:
    """In one part. `damaged` and `deployments` count what could not be repaired."""

    files: int = 0
    repaired: int = 0
    copies: int = 0
    damaged: int = 0
    deployments: set[int] = field(default_factory=set)


def rehash(running: Running, *, seconds: float) -> Rehashed:
    """Check the parts that are due, as far as it gets in this time.

    An attempt that follows on a killed one goes on with the next part.
    """
    done, began = Rehashed(), monotonic()
    numbers = _chosen(running)
    contents = contents_of(Store(), numbers, running.check)
    for place, number in enumerate(numbers):
        if place and monotonic() - began > seconds:
            done.left = numbers[place:]
            break
        running.progress("comparing hashes", place, len(numbers))
        pace = Pace(SPEED, running.check)
        found = _check_part(contents.pop(number), pace)
        CheckedPart.objects.filter(pk=number).update(
            checked_at=timezone.now(),
            files=found.files,
            bytes=pace.bytes,
            damaged=found.damaged,
            only_copies=sorted(_not_running(found.deployments)),
        )
        done.parts += 1
        done.files += found.files
        done.bytes += pace.bytes
        done.repaired += found.repaired
        done.damaged += found.damaged
        done.copies += found.copies
    return done


def note_all_whole() -> None:
    """Note that all parts were checked just now, and nothing is damaged."""
    _add_parts()
    CheckedPart.objects.update(checked_at=timezone.now(), damaged=0, only_copies=[])


def _chosen(running: Running) -> list[int]:
    """Return the parts to check; the job's row keeps them, so that a later attempt takes the rest of the same ones."""
    _add_parts()
    if "parts" not in running.options:
        running.job.options = {**running.job.options, "parts": _due()}
        Job.objects.filter(pk=running.job.pk).update(options=running.job.options)
        return running.job.options["parts"]
    fresh = CheckedPart.objects.filter(checked_at__gte=running.job.created_at)
    checked = set(fresh.values_list("pk", flat=True))
    return [number for number in running.options["parts"] if number not in checked]


def _due() -> list[int]:
    """Return the parts that were checked longest ago, all that are late, and those in which something is damaged."""
    rows = CheckedPart.objects.annotate(since=Coalesce("checked_at", "added_at"))
    oldest = rows.order_by(F("checked_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:A_DAY]
    late = rows.filter(Q(since__lt=timezone.now() - _LATEST) | Q(damaged__gt=0)).values_list("pk", flat=True)
    return sorted({*oldest, *late})


def _add_parts() -> None:
    if CheckedPart.objects.count() < PARTS:
        CheckedPart.objects.bulk_create([CheckedPart(pk=number) for number in range(PARTS)], ignore_conflicts=True)


def _not_running(numbers: Iterable[int]) -> set[int]:
    rows = Deployment.objects.filter(pk__in=list(numbers)).exclude(state=Deployment.State.RUNNING)
    return set(rows.values_list("pk", flat=True))


def _check_part(contents: PartContents, pace: Pace) -> _Found:
    found, whole = _Found(files=len(contents.blobs) + len(contents.files)), []
    whole_blobs = _check_blobs(contents, pace, found)
    for file in contents.files:
        if is_file_whole(default_storage, file, pace):
            whole.append(file)
        elif _repair_file(file):
            found.repaired += 1
        else:
            found.damaged += 1
            found.deployments |= _owners(file)
    _check_copies(whole_blobs, whole, pace, found)
    return found


def _check_blobs(contents: PartContents, pace: Pace, found: _Found) -> dict[str, dict[Blob, None]]:
    """Check and repair what the part has of the store. Return the files that are whole."""
    store, damaged = Store(), set()
    for blobs in contents.blobs.values():
        damaged |= {blob for blob in blobs if not is_blob_whole(store, blob, pace)}
    healed = heal(Store(), damaged) if damaged else set()
    if healed:
        Audit.record("repair", target=f"{len(healed)} blobs", blobs=len(healed))
    left = {ref for ref, _ in damaged} - healed
    note_whole({ref for blobs in contents.blobs.values() for ref, _ in blobs} - left)
    found.repaired += len(healed)
    found.damaged += len(left)
    found.deployments |= note_damaged(Store(), left)
    return {name: blobs for name, blobs in contents.blobs.items() if not any(ref in left for ref, _ in blobs)}


def _repair_file(file: StoredFile) -> bool:
    """Put a file back from the second copy, or let it be written again. Return whether it is whole or will be."""
    if second_copy.if_available(partial(_put_back, file), False):
        return True
    if file.packed is None:
        Snapshot.objects.filter(manifest=file.name).update(manifest_due=True)
        DeploymentManifest.objects.filter(name=file.name).update(sha256="")
        DeploymentManifest.objects.filter(assets_name=file.name).update(assets_stamp="")
        return True
    if file.sha256:
        # No row names this source, so the next export fetches the file again.
        StoredAsset.objects.filter(sha256=file.sha256).update(source="")
    return False


def _put_back(file: StoredFile, copy: Storage) -> bool:
    if not is_file_whole(copy, file, Pace(SPEED)):
        return False
    size = copy.size(file.name)
    with opened_file(lambda start: blocks(copy, file.name, start, size), lambda: size, file.name) as content:
        content.size = size
        default_storage.save(file.name, content)
    return True


def _owners(file: StoredFile) -> set[int]:
    if file.deployment is not None:
        return {file.deployment}
    return set(StoredAsset.objects.filter(sha256=file.sha256).values_list("deployment", flat=True))


def _check_copies(whole_blobs: dict[str, dict[Blob, None]], whole: list[StoredFile], pace: Pace, found: _Found) -> None:
    """Compare the second copies of whole files, and let those that are damaged be copied again."""

    def compare(copy: Storage) -> None:
        store = Store(copy)
        for name, blobs in whole_blobs.items():
            if copies := _copied(name):
                _note_copy(copies, all(is_blob_whole(store, blob, pace) for blob in blobs), found)
        for file in whole:
            if copies := _copied(file.name):
                _note_copy(copies, is_file_whole(copy, file, pace), found)

    second_copy.if_available(compare, None)


def _copied(name: str) -> list[str]:
    """Return the stored names under which a file was copied; none if it was not copied yet."""
    rows = CopiedFile.objects.filter(name__in=stored_names(default_storage, [name]))
    return list(rows.values_list("name", flat=True))


def _note_copy(copies: list[str], whole: bool, found: _Found) -> None:
    if not whole:
        copy_again(copies)
        found.copies += 1
