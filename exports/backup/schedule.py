"""Regular backups: where, how often, and whether one is due."""

from datetime import timedelta

from django.utils import timezone

from exports.models import Installation
from exports.store.installation import check
from psynetdata import jobs
from psynetdata.models import Job

from .backup import KIND, place_of


def set_schedule(place: str, every_hours: int) -> None:
    """Back up to this place every so many hours from now on; 0: never."""
    place_of(place)
    Installation.objects.filter(pk=check().pk).update(backup_place=place, backup_every_hours=every_hours or None)


def submit_due() -> Job | None:
    """Submit a backup if the last one was submitted longer ago than the schedule says."""
    row = Installation.objects.filter(backup_every_hours__isnull=False).first()
    if row is None:
        return None
    asked = Job.objects.filter(kind=KIND)
    since = timezone.now() - timedelta(hours=row.backup_every_hours)
    recent = asked.filter(created_at__gt=since, created_at__lte=timezone.now())
    if recent.exists() or asked.filter(state__in=Job.ACTIVE).exists():
        return None
    return jobs.submit(KIND, options={"place": row.backup_place})
