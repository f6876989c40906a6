"""Scheduled exports: requested when they are due, in their owner's name; five failures in a row stop a schedule."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from exports.models import ExportSchedule, Snapshot
from exports.package.options import ExportOptions
from exports.package.request import request_export
from psynetdata import rights
from psynetdata.infra.clock import AHEAD
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Conflict, Problem, UsageError

EVERY_DAYS = {1: "each day", 7: "each week", 30: "every 30 days"}
STOPS_AFTER = 5


def schedule(deployment: Deployment, options: ExportOptions, *, every_days: int, owner) -> ExportSchedule:
    """Schedule an export, the first within a minute. Raises UsageError if `every_days` is not in EVERY_DAYS."""
    if every_days not in EVERY_DAYS:
        raise UsageError(f"A scheduled export comes every {', '.join(map(str, EVERY_DAYS))} days.")
    with transaction.atomic():
        row = ExportSchedule.objects.create(
            deployment=deployment, options=options.to_json(), every_days=every_days, owner=owner, due_at=timezone.now()
        )
        Audit.record("schedule", user=owner, deployment=deployment, target=row, every_days=every_days)
    return row


def remove(row: ExportSchedule, *, user) -> None:
    """Remove a schedule; the exports that it made stay."""
    Audit.record("unschedule", user=user, deployment=row.deployment, target=row)
    row.delete()


def resume(row: ExportSchedule, *, user) -> None:
    """Resume a stopped schedule and clear its failures. Raises Conflict if it was not stopped."""
    again = {"stopped_at": None, "told_at": None, "failures": 0, "reason": "", "scored": True, "due_at": timezone.now()}
    if not ExportSchedule.objects.filter(pk=row.pk, stopped_at__isnull=False).update(**again):
        raise Conflict(f"{str(row).capitalize()} was not stopped.")
    Audit.record("resume", user=user, deployment=row.deployment, target=row)


def send_due(now: datetime | None = None) -> None:
    """Record the outcome of the last exports, then request those that are due."""
    now = now or timezone.now()
    rows = ExportSchedule.objects.filter(stopped_at=None).select_related("deployment", "owner", "last__job")
    for row in rows.filter(scored=False):
        _score(row, now)
    for row in rows.filter(scored=True):
        if row.due_at <= now:
            _send(row, now)
        elif row.due_at > now + timedelta(days=row.every_days) + AHEAD:  # written before the clock was set back
            _move(row, due_at=_after(row, now))


def _score(row: ExportSchedule, now: datetime) -> None:
    job = row.last and row.last.job
    if job is not None and not job.is_over:
        return
    if job is None or job.state == Job.State.CANCELLED:
        _move(row, scored=True)  # somebody cancelled it, which says nothing about the next one
    elif job.state == Job.State.DONE:
        _move(row, scored=True, failures=0, reason="")
    else:
        _failed(row, job.reason, now)


def _send(row: ExportSchedule, now: datetime) -> None:
    """Request one export. Only the process that moves `due_at` does so: two checks at the same time request it once."""
    same = ExportSchedule.objects.filter(pk=row.pk, due_at=row.due_at, stopped_at=None)
    if not same.update(due_at=_after(row, now)):
        return
    snapshot = Snapshot.objects.newest(row.deployment)
    if row.last is not None and snapshot is not None and row.last.snapshot_id == snapshot.pk:
        _move(row, reason="Skipped: there is no newer snapshot than the one that the last export was made from.")
        return
    try:
        options = ExportOptions.from_json(row.options)
        _check_owner(row, options)
        export = request_export(row.deployment, options, owner=row.owner, limited=False)  # one at a time
    except Problem as problem:
        _failed(row, problem.sentence, now)
    else:
        _move(row, last=export, scored=False, reason="")


def _check_owner(row: ExportSchedule, options: ExportOptions) -> None:
    """Check the owner's rights as if they asked now. Raises Conflict."""
    allowed = all(rights.can_export(row.owner, mode) for mode in options.modes)
    if not (allowed and rights.can_see_deployment(row.owner, row.deployment)):
        raise Conflict(f"{row.owner.get_username()}, who scheduled it, is no longer allowed to make such exports.")


def _failed(row: ExportSchedule, reason: str, now: datetime) -> None:
    failures = row.failures + 1
    stopped = {"stopped_at": now} if failures >= STOPS_AFTER else {}
    _move(row, scored=True, failures=failures, reason=reason, **stopped)


def _move(row: ExportSchedule, **fields) -> None:
    ExportSchedule.objects.filter(pk=row.pk).update(**fields)


def _after(row: ExportSchedule, now: datetime) -> datetime:
    """Return the next date of the schedule that is still to come."""
    every = timedelta(days=row.every_days)
    return row.due_at + every * ((now - row.due_at) // every + 1)
