"""What is wrong with stored data, its second copy and its quarantine; see exports.watch.alarms."""

from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.functions import Coalesce

from exports.models import CheckedPart, Incident, QuarantinedFile, SecondCopy
from exports.store.quarantine import DAYS
from exports.store.second_copy.place import is_configured
from psynetdata.models import Deployment, Job
from psynetdata.psynet import times

Kind = Incident.Kind
Verdicts = dict[str, str | None]

_CHECKED_WITHIN = timedelta(days=35)  # everything is due within 30
_COPY_MAY_FAIL = timedelta(hours=2)
_COPY_COMPLETE_WITHIN = timedelta(days=1)
_SOON = timedelta(days=7)


def storage_alarms(now: datetime) -> Verdicts:
    return {
        Kind.DAMAGE: _damage(),
        Kind.REHASH: _rehash(now),
        Kind.COPY: _copy(now),
        Kind.QUARANTINE: _quarantine(now),
    }


def oldest_check() -> datetime | None:
    """Return when the part of the storage was checked whose check is longest ago; None if none was due yet."""
    return CheckedPart.objects.aggregate(at=Min(Coalesce("checked_at", "added_at")))["at"]


def waiting_in_quarantine() -> QuerySet[QuarantinedFile]:
    return QuarantinedFile.objects.filter(kept=False)


def _damage() -> str | None:
    parts = list(CheckedPart.objects.filter(damaged__gt=0))
    if not parts:
        return None
    count = sum(part.damaged for part in parts)
    what = "One stored segment or file is" if count == 1 else f"{count} stored segments or files are"
    sentence = f"{what} missing or damaged, and there is no whole copy; `manage.py verify --all` lists them."
    numbers = {number for part in parts for number in part.only_copies}
    if not numbers:
        return sentence
    rows = Deployment.objects.filter(pk__in=numbers).order_by("number")
    names = ["a deployment with restricted access" if row.restricted else str(row) for row in rows]
    return f"{sentence} Some belong to deployments that no longer run, so they are the only copy: {', '.join(names)}."


def _rehash(now: datetime) -> str | None:
    oldest = oldest_check()
    if oldest is None or now - oldest < _CHECKED_WITHIN:
        return None
    sentence = f"Part of the storage was last compared with its hashes before {times.in_words(oldest)}."
    return f"{sentence}{_last_failure('rehash')}"


def _copy(now: datetime) -> str | None:
    row = SecondCopy.objects.first()
    if row is None or not is_configured():
        return None
    if row.refused:
        return row.problem
    if row.failing_since and now - row.failing_since > _COPY_MAY_FAIL:
        since = times.in_words(row.failing_since)
        return f"The second copy of the storage has not followed since {since}. The last try failed: {row.problem}"
    since = row.complete_at or row.begun_at
    if now - since > _COPY_COMPLETE_WITHIN:
        return (
            f"The second copy of the storage has not been complete since {times.in_words(since)}: "
            f"{_files(row.waiting_files)} ({row.waiting_bytes / 1e9:.1f} GB) to copy."
        )
    return None


def _quarantine(now: datetime) -> str | None:
    """Report files before a prune deletes them though nobody decided so."""
    ending = waiting_in_quarantine().filter(found_at__lt=now - timedelta(days=DAYS) + _SOON)
    held = ending.aggregate(count=Count("pk"), bytes=Sum("bytes"), first=Min("found_at"))
    if not held["count"]:
        return None
    return (
        f"{_files(held['count'])} ({held['bytes'] / 1e6:.1f} MB) to which nothing refers will leave the quarantine: a "
        f"prune deletes the first of them after {times.in_words(held['first'] + timedelta(days=DAYS))}. "
        "`manage.py quarantine` lists them, and keeps those that are still needed."
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _last_failure(kind: str) -> str:
    last = Job.objects.filter(kind=kind, state__in=(Job.State.DONE, Job.State.FAILED)).order_by("-pk").first()
    return f" The last try failed: {last.reason}" if last and last.state == Job.State.FAILED else ""
