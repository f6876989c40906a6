"""How long jobs have been waiting for a worker."""

from datetime import datetime, timedelta

from django.db.models import Min

from psynetdata.clusters import CLUSTERS, FAST, MIRROR, SLOW
from psynetdata.models import Job

# What is normal: snapshots wait for seconds, a mirror for another large one, exports for those of other people.
LIMITS = {FAST: timedelta(minutes=15), MIRROR: timedelta(hours=1), SLOW: timedelta(hours=12)}


def oldest_queued() -> dict[str, datetime]:
    """Return {cluster: when the job that has waited longest for its first attempt was requested}."""
    queued = Job.objects.filter(state=Job.State.QUEUED, attempts=0, cluster__in=CLUSTERS)
    return dict(queued.order_by().values_list("cluster").annotate(at=Min("created_at")))
