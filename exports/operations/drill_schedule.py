"""Find the deployment whose restore drill is due."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment, Job


def submit_due() -> Job | None:
    """Submit a drill for one running deployment that had none for DRILL_EVERY_HOURS; only one drill runs at a time."""
    every = timedelta(hours=settings.DRILL_EVERY_HOURS)
    drills = Job.objects.filter(kind="drill")
    if not every or drills.filter(state__in=Job.ACTIVE).exists():
        return None
    recent = drills.filter(deployment=OuterRef("pk"), created_at__gt=timezone.now() - every)
    good = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
    due = Deployment.objects.filter(Exists(good), ~Exists(recent), state=Deployment.State.RUNNING)
    deployment = due.order_by("number").first()
    return jobs.submit("drill", deployment=deployment) if deployment else None
