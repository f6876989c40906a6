"""What is wrong. A verdict is a sentence (a problem), None (all is well), or missing (not known now)."""

from datetime import datetime, timedelta

from django.utils import timezone

from exports.models import Incident, Installation, Snapshot
from exports.store import installation, locks
from exports.store.storage_keys import WrongKey
from psynetdata.models import Job
from psynetdata.psynet import times

from . import disks
from .deployment_status import DeploymentStatus, last_heard
from .queue_wait import LIMITS, oldest_queued
from .storage_alarms import storage_alarms

Kind = Incident.Kind
Verdicts = dict[str, str | None]

# The failures of a snapshot that are about its source (exports.sources); their name is in Job.result.
_NO_WAY_IN = {"Unreachable", "Refused"}
_LATE_AFTER = 3  # times the interval
_ENOUGH_AGAIN = 1.1  # times the limit; otherwise a disk at the limit would begin and end an incident each minute


def deployment_alarms(sight: DeploymentStatus, now: datetime) -> Verdicts:
    verdicts = {Kind.LATE: _late(sight, now), Kind.FELL: _fell(sight)}
    return verdicts | _unreachable(sight.taking) | _drill(sight.drill)


def desk_alarms() -> Verdicts:
    now = timezone.now()
    return _disks() | _installation() | _prune() | _backup(now) | _queue(now) | storage_alarms(now)


def _installation() -> Verdicts:
    """Check that database and storage belong together; a storage that does not answer says nothing about it."""
    try:
        installation.check()
    except (installation.WrongStorage, WrongKey) as problem:
        return {Kind.INSTALLATION: problem.sentence}
    except Exception:  # each kind of storage has its own errors; jobs that need it report them
        return {}
    return {Kind.INSTALLATION: None}


def _prune() -> Verdicts:
    """Check whether the last prune left files or snapshots because something seemed wrong."""
    last = Job.objects.filter(kind=locks.PRUNE, state=Job.State.DONE).order_by("-finished_at").first()
    return {Kind.PRUNE: " ".join(last.result.get("stopped", ())) or None} if last else {}


def _backup(now: datetime) -> Verdicts:
    """Check that scheduled backups succeed: two in a row may fail before there is an alarm."""
    desk = Installation.objects.filter(backup_every_hours__isnull=False).first()
    if desk is None:
        return {Kind.BACKUP: None}
    jobs = Job.objects.filter(kind="backup")
    late = now - 2 * timedelta(hours=desk.backup_every_hours)
    first = jobs.order_by("created_at").first()
    if first is None or first.created_at > late or jobs.filter(state=Job.State.DONE, finished_at__gt=late).exists():
        return {Kind.BACKUP: None}
    failed = jobs.filter(state=Job.State.FAILED).order_by("-finished_at").first()
    why = f" The last try failed: {failed.reason}" if failed else ""
    return {Kind.BACKUP: f"There is no backup of the last {2 * desk.backup_every_hours} hours.{why}"}


def _queue(now: datetime) -> Verdicts:
    """Check that no job waits much longer for a worker than is normal in its cluster."""
    late = {name: at for name, at in oldest_queued().items() if now - at > LIMITS[name]}
    if not late:
        return {Kind.QUEUE: None}
    waits = " and ".join(f"of the cluster {name} since {times.in_words(at)}" for name, at in sorted(late.items()))
    return {Kind.QUEUE: f"Jobs wait for a worker: {waits}; see in Jobs what the workers do, and in the log."}


def _disks() -> Verdicts:
    """Check the free space on the disks that we write to."""
    all_disks = disks.disks()
    tight = [f"{disk.label} ({disk.free_space})" for disk in all_disks if disk.free < disk.limit]
    if tight:
        return {Kind.STORAGE: f"There is hardly any space left for {' and '.join(tight)}; make room there."}
    return {Kind.STORAGE: None} if all(disk.free >= _ENOUGH_AGAIN * disk.limit for disk in all_disks) else {}


def _late(sight: DeploymentStatus, now: datetime) -> str | None:
    last = sight.snapshot
    if not is_late(sight.since, last, sight.every, now):
        return None
    newest = f"The newest snapshot is of {times.in_words(last.taken_at)}" if last else "There is no snapshot yet"
    sentence = f"{newest}, though one is due every {_words(sight.every)}."
    failed = sight.taking is not None and sight.taking.state == Job.State.FAILED
    return f"{sentence} The last try failed: {sight.taking.reason}" if failed else sentence


def is_late(since: datetime, last: Snapshot | None, every: timedelta, now: datetime) -> bool:
    """Return whether a snapshot is late, for a deployment watched since `since` with `last` as its last snapshot."""
    return now - last_heard(since, last) > _LATE_AFTER * every


def _fell(sight: DeploymentStatus) -> str | None:
    last = sight.snapshot
    if last is None or last.state != Snapshot.State.SUSPECT:
        return None
    return last.reason or f"{str(last).capitalize()} is suspect; mirror and exports keep showing the last good one."


def _unreachable(job: Job | None) -> Verdicts:
    if job is None:
        return {}
    if job.state == Job.State.DONE:
        return {Kind.UNREACHABLE: None}
    # Any other failure says nothing about reaching the source; the incident ends when a snapshot is taken.
    return {Kind.UNREACHABLE: job.reason} if job.result.get("problem") in _NO_WAY_IN else {}


def _drill(job: Job | None) -> Verdicts:
    if job is None:
        return {}
    return {Kind.DRILL: None if job.state == Job.State.DONE else f"The last restore drill failed: {job.reason}"}


def _words(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    if seconds % 60 or seconds < 60:
        return f"{seconds} seconds"
    return "minute" if seconds == 60 else f"{seconds // 60} minutes"
