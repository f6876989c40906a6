"""What is to be told of incidents, through which channel: noted when they begin and end, told by a job each."""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from exports.models import Incident, Notice
from psynetdata import jobs
from psynetdata.models import Job

from .channels import channels, label_of

logger = logging.getLogger(__name__)

KIND = "notify"
GIVEN_UP_AFTER = timedelta(days=1)


def note(now: datetime) -> None:
    """A notice for each open incident and channel, and one for each end of what was noted when it began."""
    names = [channel.name for channel in channels()]
    new: list[Notice] = []
    if names:
        begun = set(Notice.objects.filter(incident__ended_at=None, end=False).values_list("incident_id", "channel"))
        open_now = Incident.objects.filter(ended_at=None).values_list("pk", flat=True)
        missing = [(pk, name) for pk in open_now for name in names if (pk, name) not in begun]
        new = [Notice(incident_id=pk, channel=name, created_at=now) for pk, name in missing]
    told_of = Notice.objects.filter(incident=OuterRef("incident"), channel=OuterRef("channel"), end=True)
    over = Notice.objects.filter(~Exists(told_of), end=False, incident__ended_at__gt=now - GIVEN_UP_AFTER)
    ends = over.values_list("incident_id", "channel")
    new += [Notice(incident_id=pk, channel=name, end=True, created_at=now) for pk, name in ends]
    if new:
        Notice.objects.bulk_create(new, ignore_conflicts=True)
    _give_up(now)


def send(now: datetime) -> list[Job]:
    """A job for each channel that has something to tell and no such job yet; a channel in trouble holds up no other."""
    ready = set(Notice.objects.ready(now).values_list("channel", flat=True).distinct())
    ready &= {channel.name for channel in channels()}
    if not ready:
        return []
    active = Job.objects.filter(kind=KIND, state__in=Job.ACTIVE)
    ready -= {options.get("channel") for options in active.values_list("options", flat=True)}
    return [jobs.submit(KIND, options={"channel": name}) for name in sorted(ready)]


def _give_up(now: datetime) -> None:
    late = Notice.objects.waiting().filter(created_at__lte=now - GIVEN_UP_AFTER)
    for notice in late:
        # Whoever changes the row says so, once.
        if Notice.objects.waiting().filter(pk=notice.pk).update(given_up_at=now):
            what = "the end" if notice.end else "the beginning"
            label = label_of(notice.channel)
            logger.error(
                "%s of incident %s was not told through %s and is given up: %s",
                what.capitalize(), notice.incident_id, label, notice.error or "the channel is not set up any more.",
            )  # fmt: skip
