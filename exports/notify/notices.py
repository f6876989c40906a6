"""Notices of incidents and exports, for each channel: created when these begin or end, sent by jobs."""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from exports.models import Export, Incident, Notice
from psynetdata import jobs
from psynetdata.models import Job

from .channels import channels, label_of

logger = logging.getLogger(__name__)

KIND = "notify"
GIVEN_UP_AFTER = timedelta(days=1)
EXPORTS_WITHIN = timedelta(hours=1)  # for a new channel, an export that ended longer ago is old news


def note(now: datetime) -> None:
    """Create a notice for each open incident and channel, one for each end of an incident whose beginning was noted,
    and one for each export that somebody requested and that is ready or failed."""
    names = [channel.name for channel in channels()]
    new: list[Notice] = []
    if names:
        begun = set(Notice.objects.filter(incident__ended_at=None, end=False).values_list("incident_id", "channel"))
        open_now = Incident.objects.filter(ended_at=None).values_list("pk", flat=True)
        missing = [(pk, name) for pk in open_now for name in names if (pk, name) not in begun]
        new = [Notice(incident_id=pk, channel=name, created_at=now) for pk, name in missing]
        new += [Notice(export_id=pk, channel=name, created_at=now) for pk, name in _ended_exports(names, now)]
    told_of = Notice.objects.filter(incident=OuterRef("incident"), channel=OuterRef("channel"), end=True)
    over = Notice.objects.filter(~Exists(told_of), end=False, incident__ended_at__gt=now - GIVEN_UP_AFTER)
    ends = over.values_list("incident_id", "channel")
    new += [Notice(incident_id=pk, channel=name, end=True, created_at=now) for pk, name in ends]
    if new:
        Notice.objects.bulk_create(new, ignore_conflicts=True)
    _give_up(now)


def _ended_exports(names: list[str], now: datetime) -> list[tuple[int, str]]:
    """Return (export, channel) of what has no notice yet."""
    ended = Export.objects.filter(
        owner__isnull=False,
        job__state__in=(Job.State.DONE, Job.State.FAILED),
        job__finished_at__gt=now - EXPORTS_WITHIN,
    )
    noted = set(Notice.objects.filter(export__in=ended).values_list("export_id", "channel"))
    return [(pk, name) for pk in ended.values_list("pk", flat=True) for name in names if (pk, name) not in noted]


def send(now: datetime) -> list[Job]:
    """Submit a job for each channel that has notices and no such job; a failing channel does not delay others."""
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
        # Only the process that changes the row logs it, once.
        if Notice.objects.waiting().filter(pk=notice.pk).update(given_up_at=now):
            what = "the end" if notice.end or notice.export_id else "the beginning"
            label = label_of(notice.channel)
            logger.error(
                "%s of %s was not told through %s and is given up: %s",
                what.capitalize(), notice.about, label, notice.error or "the channel is not set up any more.",
            )  # fmt: skip
