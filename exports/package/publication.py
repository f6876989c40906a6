"""Store finished archives and create their rows: the one step that makes an export visible (law 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from exports.models import Export, ExportArchive, ReleasedFile
from exports.store.installation import check_before_publishing
from exports.store.quarantine import forget, release
from psynetdata.psynet.problems import Damaged


@dataclass(frozen=True)
class Finished:
    """A zip that was verified and, if anonymous, scanned for leaks."""

    mode: str
    path: Path
    bytes: int
    sha256: str
    manifest: dict
    report: dict


def publish(
    export: Export, finished: list[Finished], last_look: Callable[[], None] = lambda: None
) -> list[ExportArchive]:
    """Store all archives of an export and create their rows; on failure no file is left.

    `last_look` is called when they are stored and not visible yet; it may raise.
    """
    names: list[str] = []
    try:
        for one in finished:
            names.append(f"exports/{export.id}/{one.mode}.zip")
            _store(one, names[-1])
        check_before_publishing()
        with transaction.atomic():
            last_look()
            return [_row(export, one, name) for one, name in zip(finished, names, strict=True)]
    except BaseException:  # a cancel or a timeout must not leave files either
        # A worker that was given up as dead may fail here after another one published: then the files are in use.
        if not export.archives.exists():
            for name in names:
                default_storage.delete(name)
        raise


def discard(export: Export) -> None:
    """Keep the record of an export, but none of its archives."""
    for archive in export.archives.all():
        release([archive.file], ReleasedFile.Reason.ARCHIVE)
        archive.delete()
        default_storage.delete(archive.file)
        forget([archive.file])


def _store(one: Finished, name: str) -> None:
    with one.path.open("rb") as file:
        saved = default_storage.save(name, File(file))
    # Some storages publish what they received so far when a connection breaks.
    if saved != name or default_storage.size(name) != one.bytes:
        raise Damaged(f"The storage changed the {one.mode} archive; try again, or check the storage.")


def _row(export: Export, one: Finished, name: str) -> ExportArchive:
    fields = {
        "file": name,
        "bytes": one.bytes,
        "sha256": one.sha256,
        "manifest": one.manifest,
        "report": one.report,
        "expires_at": timezone.now() + timedelta(days=settings.EXPORT_DAYS),
    }
    # A job that died after publishing runs again; the archive is the same, byte for byte.
    archive, _ = ExportArchive.objects.update_or_create(export=export, mode=one.mode, defaults=fields)
    return archive
