"""When the second copy of the storage is brought up to date, and when stored data is read again and compared.

Both are long work that nobody waits for, so they take turns and leave workers to exports.
"""

from datetime import timedelta

from django.utils import timezone

from exports.models import Snapshot
from exports.store.second_copy.place import is_configured
from psynetdata import jobs
from psynetdata.models import Job

COPY, REHASH = "copy", "rehash"
# A job of either ends after this time; the next one goes on.
SECONDS = 600.0
_EVERY = timedelta(minutes=5)
# Finding out what is missing takes a tenth of the time at most, however many files there are.
_PAUSE = 10
_DAY = timedelta(days=1)


def submit_due() -> Job | None:
    """Submit the next job of either kind that is due, unless one of them is active."""
    last = Job.objects.filter(kind__in=(COPY, REHASH)).order_by("-pk").first()
    if last and last.state in Job.ACTIVE:
        return None
    if last and last.kind == REHASH:
        return _submit_copy() or _submit_rehash()
    return _submit_rehash() or _submit_copy()


def _submit_copy() -> Job | None:
    last = Job.objects.filter(kind=COPY).order_by("-pk").first()
    if not is_configured() or (last and not last.result.get("left") and not _is_old(last)):
        return None
    return jobs.submit(COPY)


def _is_old(last: Job) -> bool:
    pause = max(_EVERY, timedelta(seconds=_PAUSE * last.result.get("listing", 0.0)))
    return last.created_at < timezone.now() - pause


def _submit_rehash() -> Job | None:
    last = Job.objects.filter(kind=REHASH).order_by("-pk").first()
    if last and (left := last.result.get("left")):
        return jobs.submit(REHASH, options={"parts": left})
    if not Snapshot.objects.exists() or (last and last.created_at > timezone.now() - _DAY):
        return None
    return jobs.submit(REHASH)
