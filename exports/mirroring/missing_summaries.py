"""Make summaries for deployments that have none: mirrored before summaries existed, or by a run that made none."""

from django.db.models import Exists, OuterRef

from exports.models import Snapshot
from exports.store.locks import MIRRORS, SNAPSHOTS
from psynetdata import jobs
from psynetdata.models import Deployment, Job

from . import mirror_claims
from .summary import summarize

KIND = "summarize"
# More would delay snapshots that are due.
AT_ONCE = 5


def send_missing() -> list[Job]:
    """Submit a job for each deployment without a summary, a few each minute; once, as long as that job is kept.

    Deployments whose mirror is being filled are skipped: that makes a summary in the end.
    """
    snapshots = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
    of_it = Job.objects.filter(deployment=OuterRef("pk"))
    tried, filling = of_it.filter(kind=KIND), of_it.filter(kind__in=SNAPSHOTS + MIRRORS, state__in=Job.ACTIVE)
    without = Deployment.objects.filter(Exists(snapshots), ~Exists(tried), ~Exists(filling), summary=None)
    return [jobs.submit(KIND, deployment=deployment) for deployment in without.order_by("-number")[:AT_ONCE]]


def make(deployment: Deployment, running: jobs.Running) -> bool:
    """Make the summary. Return False if the mirror does not show the newest good snapshot.

    If another job is filling the mirror, leave the summary to it: ours could replace it with older numbers.
    """
    if mirror_claims.claim(deployment, running):
        return False
    try:
        newest = Snapshot.objects.newest(deployment)
        return newest is not None and summarize(newest) is not None
    finally:
        mirror_claims.release(deployment, running, None)
