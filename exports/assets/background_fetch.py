"""Fetch missing asset files while an experiment runs, so that nothing is lost with its server."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from django.conf import settings
from django.utils import timezone

from exports.models import Snapshot
from exports.store.withdrawals import without_withdrawn
from psynetdata import jobs
from psynetdata.jobs import Running
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Conflict

from .fetch import FetchedAsset
from .plan import plan, rows_of
from .retrieval import obtain

KIND = "assets"
# Exports wait behind it on the same workers; the next round continues with the rest.
_LONGEST = 300.0  # seconds
_EARLY = timedelta(seconds=25)


def send_due(now: datetime | None = None) -> list[Job]:
    """Queue a fetch for each running deployment that is due and has no active fetch."""
    now = now or timezone.now()
    sent = []
    for deployment in Deployment.objects.filter(state=Deployment.State.RUNNING, assets_every__gt=0):
        mine = Job.objects.filter(kind=KIND, deployment=deployment)
        since = now - timedelta(minutes=deployment.assets_every) + _EARLY
        if not mine.filter(state__in=Job.ACTIVE).exists() and not mine.filter(created_at__gt=since).exists():
            sent.append(jobs.submit(KIND, deployment=deployment))
    return sent


def fetch_new(deployment: Deployment, running: Running, *, whole: bool = False) -> dict:
    """Fetch all missing asset files of the newest snapshot. Return {fetched, bytes, missing: {reason: n}, left}.

    `left`: whether it stopped early to let other jobs run, as it does after some minutes unless `whole` is set.
    Raises Conflict if there is no good snapshot.
    """
    snapshot = Snapshot.objects.newest(deployment)
    if snapshot is None:
        raise Conflict(f"Deployment {deployment.deployment_id} has no good snapshot yet; load or take one first.")
    counts: dict = {"fetched": 0, "bytes": 0, "missing": {}, "left": False}
    until = monotonic() + _LONGEST
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="assets-") as folder:
        less = without_withdrawn(snapshot, Path(folder), on_progress=lambda *_: running.check())
        wanted = plan(rows_of(less.reader), "all")
        with closing(obtain(deployment, wanted, Path(folder), check_cancelled=running.check, only_new=True)) as coming:
            for _, fetched in coming:
                _count(counts, fetched, Path(folder))
                running.progress("fetching assets", counts["fetched"])
                if monotonic() > until and not whole:
                    counts["left"] = True
                    break
    return counts


def _count(counts: dict, fetched: FetchedAsset, folder: Path) -> None:
    if fetched.missing:
        counts["missing"][fetched.missing] = counts["missing"].get(fetched.missing, 0) + 1
    for file in fetched.files:
        counts["fetched"] += 1
        counts["bytes"] += file.bytes
        if file.path.is_relative_to(folder):
            file.path.unlink()  # it is in the storage, and no longer needed here
