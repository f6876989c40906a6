"""Find the deployment whose restore drill is due. Of those that run no more the desk may hold the only copy."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment, Job

_AT_REST = timedelta(days=30)


def submit_due() -> Job | None:
    """Submit a drill for one deployment that had none for DRILL_EVERY_HOURS; only one drill runs at a time.

    The snapshots of deployments that do not run any more stay as they are, so their drills come every 30 days.
    """
    every = timedelta(hours=settings.DRILL_EVERY_HOURS)
    drills = Job.objects.filter(kind="drill")
    if not every or drills.filter(state__in=Job.ACTIVE).exists():
        return None
    good = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
    drills = drills.filter(deployment=OuterRef("pk"))
    running = Q(state=Deployment.State.RUNNING)
    due = running & ~Exists(drills.filter(created_at__gt=timezone.now() - every))
    due |= ~running & ~Exists(drills.filter(created_at__gt=timezone.now() - max(every, _AT_REST)))
    running_first = Case(When(running, then=0), default=1)
    deployment = Deployment.objects.filter(due, Exists(good)).order_by(running_first, "number").first()
    return jobs.submit("drill", deployment=deployment) if deployment else None
