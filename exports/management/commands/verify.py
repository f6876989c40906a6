from collections.abc import Iterator
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from exports.models import Export, ServerLogs, Snapshot, SourceCode
from exports.operations.rehash import note_all_whole
from exports.operations.storage_check import (
    verify_assets,
    verify_export,
    verify_ledger,
    verify_logs,
    verify_snapshot,
    verify_source_code,
)
from exports.package.archive_check import ArchiveContents, verify_path
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Damaged, NotFound, UsageError


class Command(BaseCommand):
    help = "Hash and count again: a snapshot's segments, a stored export, or an export on disk by its manifest."

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group()
        what.add_argument("path", nargs="?", type=Path, help="An export: its folder, or its zip.")
        what.add_argument("--snapshot", type=int, metavar="ID")
        what.add_argument("--export", type=int, metavar="ID")
        what.add_argument("--all", action="store_true", help="Everything that is stored.")

    def run(self, *, path: Path | None, snapshot: int | None, export: int | None, **options):
        if path is None and snapshot is None and export is None and not options["all"]:
            raise UsageError("Say what to verify: a PATH, --snapshot ID, --export ID, or --all.")
        bad = things = 0
        for name, checked in _things(path, snapshot, export):
            things += 1
            bad += bool(checked.problems)
            for problem in checked.problems:
                self.stdout.write(f"{name}: {problem}")
            if not checked.problems:
                counts = f"{checked.files} files, {checked.rows} rows, {checked.bytes} bytes"
                self.stdout.write(f"{name}: ok, {counts}")
        if bad:
            raise Damaged(f"{bad} of {things} verified things are not as they should be.")
        if options["all"]:
            note_all_whole()


def _things(path: Path | None, snapshot: int | None, export: int | None) -> Iterator[tuple[str, ArchiveContents]]:
    if path is not None:
        yield str(path), verify_path(Path(path))
        return
    snapshots, exports = Snapshot.objects.order_by("pk"), Export.objects.select_related("job").order_by("pk")
    codes, logs = SourceCode.objects.none(), ServerLogs.objects.none()
    keeping = ledgers = Deployment.objects.none()
    if snapshot is not None:
        snapshots, exports = snapshots.filter(pk=snapshot), exports.none()
        if not snapshots:
            raise NotFound(f"There is no snapshot {snapshot}.")
    elif export is not None:
        snapshots, exports = snapshots.none(), exports.filter(pk=export)
        if not exports:
            raise NotFound(f"There is no export {export}.")
    else:
        kept = Q(archives__expires_at__isnull=True) | Q(archives__expires_at__gt=timezone.now())
        exports = exports.filter(kept, archives__isnull=False).distinct()
        codes = SourceCode.objects.select_related("deployment").order_by("pk")
        logs = ServerLogs.objects.select_related("deployment").order_by("pk")
        keeping = Deployment.objects.filter(stored_assets__isnull=False).distinct().order_by("pk")
        ledgers = Deployment.objects.filter(continues=None, ledger_files__isnull=False).distinct().order_by("pk")
    seen: dict[str, int] = {}
    for one in snapshots.iterator():
        yield str(one), verify_snapshot(one, seen)
    for one in exports.iterator():
        yield str(one), verify_export(one)
    for one in codes.iterator():
        yield str(one), verify_source_code(one)
    for one in logs.iterator():
        yield str(one), verify_logs(one)
    sound: dict[str, bool] = {}
    for one in ledgers:
        yield f"ledger of identifiers of {one}", verify_ledger(one)
    for one in keeping:
        yield f"asset files of {one}", verify_assets(one, sound)
