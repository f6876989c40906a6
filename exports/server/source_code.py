"""Store the experiment's source code next to its snapshots: for each deployment the zip that was provided last."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from exports.models import SourceCode
from exports.sources import source_code_zip
from exports.sources.untrusted_zip import printable_name
from exports.sources.upload import Upload
from exports.store import second_copy
from psynetdata.infra.sealed.storage import stored_names
from psynetdata.infra.storage import blocks
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import BadInput, Damaged, Problem

NAME = source_code_zip.NAME


def check(path: Path) -> None:
    """Raise BadInput if the file is not a zip of source code."""
    if not path.is_file():
        raise BadInput(f"{printable_name(str(path))} is not a file; provide the source code as a zip.")
    source_code_zip.method_in(path)


def is_kept(deployment: Deployment) -> bool:
    return SourceCode.objects.filter(deployment=deployment).exists()


def handed_in(upload: Upload, folder: Path) -> tuple[Path | None, list[str]]:
    """Return (the source code that came with a database, notes): a bad zip does not prevent loading the database."""
    try:
        path = source_code_zip.find_in_upload(upload, folder)
        if path is not None:
            check(path)
    except BadInput as problem:
        return None, [f"{problem.sentence} The source code was not stored."]
    return path, []


def keep(deployment: Deployment, path: Path, *, user=None) -> SourceCode:
    """Store the zip and its row. Raises BadInput if it is not source code, Problem if it cannot be read."""
    try:
        method = source_code_zip.method_in(path)
        with path.open("rb") as file:
            sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            before = SourceCode.objects.filter(deployment=deployment).first()
            if before is not None and before.sha256 == sha256 and default_storage.exists(before.file):
                return before
            row = SourceCode(deployment=deployment, sha256=sha256, bytes=size, basic_data=method)
            file.seek(0)
            default_storage.save(row.file, File(file))
    except OSError as error:
        raise Problem(f"The source code could not be read or stored: {error.strerror or error}.") from None
    # Some storages publish what they received so far when a connection breaks.
    if default_storage.size(row.file) != size:
        raise Damaged("The storage changed the source code while storing it; try again, or check the storage.")
    with transaction.atomic():
        values = {"sha256": sha256, "bytes": size, "basic_data": method}
        row, _ = SourceCode.objects.update_or_create(deployment=deployment, defaults=values)
        Audit.record("keep source code", user=user, deployment=deployment, target=deployment)
    if before is not None and before.sha256 != sha256:
        second_copy.note_deletions(stored_names(default_storage, [before.file]))
        default_storage.delete(before.file)
    return row


def bring(deployment: Deployment, target: Path) -> SourceCode | None:
    """Write the stored zip to `target`; return None if there is none. Raises Damaged if it has changed."""
    row = SourceCode.objects.filter(deployment=deployment).first()
    if row is not None:
        with target.open("wb") as file:
            file.writelines(read(row))
    return row


def read(row: SourceCode) -> Iterator[bytes]:
    """Yield the zip, and compare it with its row at the end. Raises Damaged."""
    digest = hashlib.sha256()
    for block in blocks(default_storage, row.file, 0, row.bytes) if default_storage.exists(row.file) else ():
        digest.update(block)
        yield block
    if digest.hexdigest() != row.sha256:
        raise Damaged(
            "The stored source code is missing from the storage or has changed; load it again with "
            "--source, or export without it (--no-source)."
        )
