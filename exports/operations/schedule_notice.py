"""Notify owners of their scheduled exports that stopped: by e-mail, else through the configured channels."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from exports.models import ExportSchedule
from exports.notify import mail
from exports.notify.audience import Audience
from exports.notify.channels import channels
from exports.notify.message import Text
from exports.notify.phrases import address, name_of
from psynetdata import jobs, rights
from psynetdata.models import Job

from .export_schedule import EVERY_DAYS

KIND = "tell owner"
_GIVEN_UP_AFTER = timedelta(days=1)


def send(now: datetime | None = None) -> None:
    """Submit a job for each owner not notified yet. A job that fails is tried again each minute, for a day."""
    now = now or timezone.now()
    rows = ExportSchedule.objects.filter(stopped_at__gt=now - _GIVEN_UP_AFTER, told_at=None)
    active = Job.objects.filter(kind=KIND, state__in=Job.ACTIVE)
    busy = {options.get("schedule") for options in active.values_list("options", flat=True)}
    for row in rows.select_related("owner", "deployment"):
        if row.pk not in busy and _recipients(row):
            jobs.submit(KIND, options={"schedule": row.pk}, deployment=row.deployment, owner=row.owner)


def notify_owner(schedule: int) -> list[str]:
    """Notify the owner. Return how: "owner" for e-mail, or the channels' names. Raises Undelivered."""
    row = ExportSchedule.objects.filter(pk=schedule, stopped_at__isnull=False, told_at=None)
    row = row.select_related("owner", "deployment").first()
    if row is None:
        return []
    for _, send_it, audience in (recipients := _recipients(row)):
        send_it(_text(row, audience))
    ExportSchedule.objects.filter(pk=row.pk).update(told_at=timezone.now())
    return [name for name, _, _ in recipients]


def _recipients(row: ExportSchedule) -> list[tuple]:
    """Return [(name, function that sends a Text, who reads it)]."""
    if row.owner.is_active and mail.reaches(row.owner.email):
        knows = rights.can_see_deployment(row.owner, row.deployment)  # if not, that may be why it stopped
        return [("owner", mail.send, Audience(to=(row.owner.email,), knows=knows))]
    return [(channel.name, channel.send, channel.audience(row.deployment)) for channel in channels()]


def _text(row: ExportSchedule, audience: Audience) -> Text:
    owner = f" that {row.owner.get_username()} scheduled" if audience.knows or audience.to else ""
    body = (
        f"The export of {name_of(row.deployment, audience)}{owner} {EVERY_DAYS[row.every_days]} failed "
        f"{row.failures} times in a row. It is not made any more until somebody resumes it.\n\n"
    )
    if audience.knows:
        body += f"{row.reason}\n\n{address('admin:psynetdata_deployment_change', row.deployment_id)}\n"
    else:
        body += f"If you may see it, you find it on the first page.\n\n{address('admin:index')}\n"
    return Text(f"{settings.SITE_NAME}: a scheduled export stopped", body, audience, urgent=True)
