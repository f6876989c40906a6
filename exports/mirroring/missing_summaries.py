"""Summaries of deployments that were mirrored before there were any, or whose mirror was made without one."""

from django.db.models import Exists, OuterRef

from exports.models import Snapshot
from exports.store.locks import EXCLUSIVE
from psynetdata import jobs
from psynetdata.models import Deployment, Job

from .summary import summarize

KIND = "summarize"
# More would keep snapshots that are due waiting behind them.
AT_ONCE = 5


def send_missing() -> list[Job]:
    """A job for each deployment without one, some a minute; one try, as long as its job is kept.

    None where the mirror is being filled, which makes one in the end.
    """
    snapshots = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
    of_it = Job.objects.filter(deployment=OuterRef("pk"))
    tried, filling = of_it.filter(kind=KIND), of_it.filter(kind__in=EXCLUSIVE, state__in=Job.ACTIVE)
    without = Deployment.objects.filter(Exists(snapshots), ~Exists(tried), ~Exists(filling), summary=None)
    return [jobs.submit(KIND, deployment=deployment) for deployment in without.order_by("-number")[:AT_ONCE]]


def make(deployment: Deployment) -> bool:
    """False where the mirror does not show the newest good snapshot."""
    newest = Snapshot.objects.newest(deployment)
    return newest is not None and summarize(newest) is not None
