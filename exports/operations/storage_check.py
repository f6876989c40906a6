"""Check that the storage still holds what the rows say: snapshots segment by segment, exports by their archives."""

import hashlib
import tempfile
from contextlib import suppress

from django.conf import settings
from django.core.files.storage import default_storage

from exports.ledger.collection import read_again
from exports.ledger.sealed_files import LedgerFiles
from exports.models import Export, ExportArchive, ServerLogs, Snapshot, SourceCode, StoredAsset
from exports.package.archive_check import ArchiveContents, ZipTree, check
from exports.server import logs, source_code
from exports.store.blobs import Segment, Store
from exports.store.reader import SnapshotReader
from exports.store.repair import Blob, heal
from psynetdata.infra.storage import blocks
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput, Damaged

_ROUNDS = 2  # of repair: a state that is whole again names segments that may be damaged too


def verify_snapshot(snapshot: Snapshot, seen: dict[str, int] | None = None) -> ArchiveContents:
    """Hash and count every state and segment again, and compare with Snapshot.tables and its totals.

    Missing or damaged blobs are repaired if the storage has another copy; otherwise they are noted in Snapshot.damage:
    the next capture of the source reads them again.
    `seen`: {ref of a segment: its rows} for segments that were checked before; snapshots share segments.
    """
    seen = {} if seen is None else seen
    checked, damaged = _check_tables(snapshot, seen)
    for _ in range(_ROUNDS):
        if not damaged or not (healed := heal(Store(), damaged)):
            break
        Audit.record("repair", deployment=snapshot.deployment, target=snapshot, blobs=len(healed))
        read_again(snapshot.deployment)
        checked, damaged = _check_tables(snapshot, seen)
    refs = [ref for ref, _ in damaged]
    if not refs and snapshot.damage:  # its identifiers could not be read until now
        read_again(snapshot.deployment)
    if refs != snapshot.damage:
        snapshot.damage = refs
        Snapshot.objects.filter(pk=snapshot.pk).update(damage=refs)
    return checked


def _check_tables(snapshot: Snapshot, seen: dict[str, int]) -> tuple[ArchiveContents, list[Blob]]:
    """Return what was found, and the blobs that are missing or damaged."""
    checked, damaged = ArchiveContents(), []
    reader = SnapshotReader(snapshot)
    total = 0
    for table in sorted(snapshot.tables):
        rows = _verify_table(reader, table, seen, checked, damaged)
        if rows is None:
            continue
        total += rows
        if rows != snapshot.rows_of(table):
            checked.problems.append(
                f"Table {table}: its segments hold {rows} rows, the snapshot says {snapshot.rows_of(table)}."
            )
    if not checked.problems and total != snapshot.rows:
        checked.problems.append(f"Its tables hold {total} rows together, the snapshot says {snapshot.rows}.")
    return checked, damaged


def _verify_table(
    reader: SnapshotReader, table: str, seen: dict[str, int], checked: ArchiveContents, damaged: list[Blob]
) -> int | None:
    """Return the table's rows, or None on a problem: only the first one is reported, all are noted in `damaged`."""
    state = reader.snapshot.tables[table]["state"]
    try:
        reader.store.check(state, "json")
        segments = reader.table_state(table).segments
    except Damaged as problem:
        checked.problems.append(f"Table {table}: {problem.sentence}")
        damaged.append((state, "json"))
        return None
    checked.files += 1
    first = None
    for segment in segments:
        try:
            _verify_segment(reader, segment, seen, checked)
        except (Damaged, BadInput) as problem:
            first = first or problem
            damaged.append((segment.blob, "csv"))
    if first:
        checked.problems.append(f"Table {table}: {first.sentence}")
        return None
    rows = sum(segment.rows for segment in segments)
    checked.rows += rows
    return rows


def _verify_segment(reader: SnapshotReader, segment: Segment, seen: dict[str, int], checked: ArchiveContents) -> None:
    if segment.blob not in seen:
        size = reader.store.check(segment.blob)
        seen[segment.blob] = sum(1 for _ in reader.segment_records(segment))
        checked.files += 1
        checked.bytes += size
        if size != segment.bytes:
            raise Damaged(f"The segment {segment.sha256[:12]}… has {size} bytes, its state says {segment.bytes}.")
    if seen[segment.blob] != segment.rows:
        raise Damaged(
            f"The segment {segment.sha256[:12]}… has {seen[segment.blob]} rows, its state says {segment.rows}."
        )


def verify_source_code(row: SourceCode) -> ArchiveContents:
    """Check the stored zip by its SHA-256."""
    try:
        for _ in source_code.read(row):
            pass
    except Damaged as problem:
        return ArchiveContents([problem.sentence])
    return ArchiveContents(files=1, bytes=row.bytes)


def verify_logs(row: ServerLogs) -> ArchiveContents:
    """Check the stored parts of a server's logs by their SHA-256."""
    checked = ArchiveContents(files=len(row.parts), bytes=row.bytes)
    for number in range(len(row.parts)):
        try:
            logs.lines_of(row, number)
        except Damaged as problem:
            checked.problems.append(problem.sentence)
    return checked


def verify_ledger(deployment: Deployment) -> ArchiveContents:
    """Read the ledger of identifiers of a deployment, and of those that continue it."""
    files = LedgerFiles(deployment)
    count, entries = files.size()
    return ArchiveContents(list(files.problems().values()), files=count, rows=entries)


def verify_assets(deployment: Deployment, seen: dict[str, bool] | None = None) -> ArchiveContents:
    """Check a deployment's stored asset files by their SHA-256. The next export fetches a damaged file again.

    `seen`: {hash: whether the file was intact} for files that were checked before; deployments may share files.
    """
    seen = {} if seen is None else seen
    checked = ArchiveContents()
    rows = StoredAsset.objects.filter(deployment=deployment).order_by("asset_id", "number")
    for row in rows.iterator():
        if row.sha256 not in seen:
            seen[row.sha256] = _is_sound(row)
            checked.files += 1
            checked.bytes += row.bytes
        if not seen[row.sha256]:
            checked.problems.append(f"{str(row).capitalize()} is missing or has changed; an export fetches it again.")
            StoredAsset.objects.filter(pk=row.pk).update(source="")  # no row names this source, so it is fetched again
    return checked


def _is_sound(row: StoredAsset) -> bool:
    if not default_storage.exists(row.file) or default_storage.size(row.file) != row.bytes:
        return False
    digest = hashlib.sha256()
    with suppress(Damaged):  # its hash differs then
        for block in blocks(default_storage, row.file, 0, row.bytes):
            digest.update(block)
    return digest.hexdigest() == row.sha256


def verify_export(export: Export) -> ArchiveContents:
    """Check each stored archive by its SHA-256, then every file in its manifest."""
    checked = ArchiveContents()
    archives = list(export.archives.order_by("mode"))
    if not archives:
        checked.problems.append(f"It has no archive: its job is {export.job.state}.")
    for archive in archives:
        archive_problem = _verify_archive(archive)
        checked.problems += [f"{archive.mode}: {problem}" for problem in archive_problem.problems]
        checked.files += archive_problem.files
        checked.bytes += archive_problem.bytes
        checked.rows += archive_problem.rows
    return checked


def _verify_archive(archive: ExportArchive) -> ArchiveContents:
    digest, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile(dir=settings.TEMP_DIR) as copy:
        try:
            with default_storage.open(archive.file, "rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    size += len(block)
                    copy.write(block)
        except FileNotFoundError:
            return ArchiveContents(["its file is missing from the storage."])
        except Damaged as problem:
            return ArchiveContents([problem.sentence])
        if (size, digest.hexdigest()) != (archive.bytes, archive.sha256):
            return ArchiveContents(["its file has changed: its SHA-256 is different."])
        try:
            return check(ZipTree(copy))
        except BadInput as problem:
            return ArchiveContents([problem.sentence])
