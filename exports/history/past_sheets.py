"""Sheets of the past, from the segments of a snapshot; the interface is described in psynetdata.sheets.history."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.mirroring.mirror import MirrorSource
from exports.models import Snapshot
from exports.store.participant_filter import Narrowed
from exports.store.withdrawals import without_them
from psynetdata.anonymize.face.deployment_anonymizer import anonymizer
from psynetdata.faces import ANONYMOUS
from psynetdata.mirror import Transform, refresh, scratch
from psynetdata.models import Deployment
from psynetdata.psynet.problems import NotFound, UsageError
from psynetdata.sheets import history

from .diff import changes


@dataclass(frozen=True)
class Moment:
    snapshot: Snapshot

    @property
    def name(self) -> str:
        return f"snapshot {self.snapshot.pk}"

    @property
    def deployment(self) -> Deployment:
        return self.snapshot.deployment


class Snapshots:
    """The snapshots as a history (psynetdata.sheets.history)."""

    def moment(self, deployment: Deployment, *, snapshot: str | None = None, at: str | None = None) -> Moment | None:
        found = Snapshot.objects.select_related("deployment").filter(deployment=deployment)
        if snapshot is not None:
            if not (snapshot.isascii() and snapshot.isdecimal() and len(snapshot) < 19):
                raise UsageError("snapshot is a snapshot's number; /api/snapshots/ lists them.")
            row = found.filter(pk=int(snapshot)).first()
            if row is None:
                raise NotFound(f"This deployment has no snapshot {snapshot}; /api/snapshots/ lists those it has.")
            return Moment(row)
        good = found.good().order_by("-taken_at", "-id")
        row = good.first() if at is None else good.filter(taken_at__lte=_time(at)).first()
        if row is None and at is None:
            raise NotFound("This deployment has no snapshot yet.")
        return row and Moment(row)

    def since(self, deployment: Deployment, asked: str) -> Moment | None:
        if asked.isascii() and asked.isdecimal():
            return self.moment(deployment, snapshot=asked)
        return self.moment(deployment, at=asked)

    @contextmanager
    def opened(self, moment: Moment, face: str, tables: set[str] | None) -> Iterator[str]:
        transform = Transform("as it was")
        if face == ANONYMOUS:
            # Identifiers are collected from all tables, whichever are shown.
            found = anonymizer(moment.deployment, MirrorSource(moment.snapshot))
            transform = Transform("as it was, anonymized", found.table)
        with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="past-") as folder, scratch() as alias:
            refresh(alias, moment.deployment, _Some(without_them(moment.snapshot, Path(folder)), tables), transform)
            yield alias

    def changes(self, before: Moment | None, after: Moment, table: str) -> dict[str, str]:
        return dict(changes(before and before.snapshot, after.snapshot, table))


class _Some(MirrorSource):
    """Some tables of a snapshot; all if `tables` is None."""

    def __init__(self, less: Narrowed, tables: set[str] | None):
        super().__init__(less.snapshot, less.store)
        self._wanted = tables

    def tables(self) -> list[str]:
        return [table for table in super().tables() if self._wanted is None or table in self._wanted]


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError("Write a time like 2026-11-22T08:12:49Z; without a time zone it is read as UTC.") from None


history.register(Snapshots())
