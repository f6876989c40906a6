"""Sheets of the past, from the segments of a snapshot; the interface is described in psynetdata.sheets.history."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.ledger.collection import Ledger, NotCollected, complete_at_once
from exports.mirroring import mirror_claims
from exports.mirroring.mirror import MirrorSource
from exports.models import Snapshot
from exports.store.participant_filter import FilteredSnapshot
from exports.store.withdrawals import without_withdrawn
from psynetdata.anonymize.face.deployment_anonymizer import anonymizer
from psynetdata.faces import ANONYMOUS
from psynetdata.mirror import Transform, refresh, scratch, table_names
from psynetdata.models import Deployment
from psynetdata.psynet.problems import NotFound, UsageError
from psynetdata.psynet.tables import known_tables
from psynetdata.sheets import history

from .diff import changes


@dataclass(frozen=True)
class PastSnapshot:
    snapshot: Snapshot

    @property
    def name(self) -> str:
        return f"snapshot {self.snapshot.pk}"

    @property
    def deployment(self) -> Deployment:
        return self.snapshot.deployment


class SnapshotHistory:
    """The snapshots as a history (psynetdata.sheets.history)."""

    def find(
        self, deployment: Deployment, *, snapshot: str | None = None, at: str | None = None
    ) -> PastSnapshot | None:
        snapshots = Snapshot.objects.select_related("deployment").filter(deployment=deployment)
        if snapshot is not None:
            if not (snapshot.isascii() and snapshot.isdecimal() and len(snapshot) < 19):
                raise UsageError("snapshot is a snapshot's number; /api/snapshots/ lists them.")
            row = snapshots.filter(pk=int(snapshot)).first()
            if row is None:
                raise NotFound(f"This deployment has no snapshot {snapshot}; /api/snapshots/ lists those it has.")
            return PastSnapshot(row)
        good = snapshots.good().order_by("-taken_at", "-id")
        row = good.first() if at is None else good.filter(taken_at__lte=_time(at)).first()
        if row is None and at is None:
            raise NotFound("This deployment has no snapshot yet.")
        return row and PastSnapshot(row)

    def since(self, deployment: Deployment, asked: str) -> PastSnapshot | None:
        if asked.isascii() and asked.isdecimal():
            return self.find(deployment, snapshot=asked)
        return self.find(deployment, at=asked)

    @contextmanager
    def opened(self, past: PastSnapshot, face: str, tables: set[str] | None) -> Iterator[str]:
        transform = Transform("as it was")
        if face == ANONYMOUS:
            # Identifiers are collected from all tables, whichever are shown, and of all snapshots.
            past_anonymizer = anonymizer(past.deployment, MirrorSource(past.snapshot), _ledger(past.deployment))
            # The name is a part of ETags.
            name = f"as it was, {past_anonymizer.identifiers.digest}"
            transform = Transform(name, past_anonymizer.table, past_anonymizer.scrubber.string)
        with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="past-") as folder, scratch() as alias:
            names = table_names(past.snapshot.tables, transform.name_of)
            wanted = None if tables is None else {table for table, name in names.items() if name in tables}
            source = _SelectedTables(without_withdrawn(past.snapshot, Path(folder)), wanted)
            refresh(alias, past.deployment, source, transform)
            yield alias

    def changes(self, before: PastSnapshot | None, after: PastSnapshot, table: str) -> dict[str, str]:
        snapshots = [moment.snapshot for moment in (before, after) if moment is not None]
        if table not in known_tables() and not any(table in snapshot.tables for snapshot in snapshots):
            raise UsageError(f"Changes of {table} cannot be shown, because its name was changed; leave out since.")
        return dict(changes(before and before.snapshot, after.snapshot, table))


class _SelectedTables(MirrorSource):
    """Some tables of a snapshot; all if `tables` is None."""

    def __init__(self, less: FilteredSnapshot, tables: set[str] | None):
        super().__init__(less.snapshot, less.store)
        self._wanted = tables

    def tables(self) -> list[str]:
        return [table for table in super().tables() if self._wanted is None or table in self._wanted]


def _ledger(deployment: Deployment) -> Ledger:
    try:
        return complete_at_once(deployment)
    except NotCollected:
        mirror_claims.request(deployment)  # its job collects them
        raise


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError("Write a time like 2026-11-22T08:12:49Z; without a time zone it is read as UTC.") from None


history.register(SnapshotHistory())
