"""Send the notices that wait for one channel: each once, and those that belong together in one message."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from time import monotonic
from uuid import uuid4

from django.utils import timezone

from exports.models import Notice
from exports.models.incident import CLAIMED_FOR
from psynetdata.psynet.problems import NotFound

from .channels import Channel, channels
from .message import message
from .undelivered import Undelivered

logger = logging.getLogger(__name__)

_LONG = 60  # seconds; a channel that failed once and takes so long is not used again until the next try


def deliver(name: str, now: datetime | None = None) -> int:
    """Send notices and return how many were sent. Raises Undelivered; what was not sent waits for the next try."""
    channel = next((channel for channel in channels() if channel.name == name), None)
    if channel is None:
        raise NotFound(f"The channel {name} is not set up any more; docs/alarms.md says how to set it up.")
    now = now or timezone.now()
    mine = _claim(channel, now)
    groups = defaultdict(list)
    for notice in mine.select_related("incident__deployment", "export__deployment", "export__job", "export__owner"):
        groups[channel.audience(notice.deployment, notice.owner)].append(notice)
    count, first = 0, None
    began = monotonic()
    for audience, group in groups.items():
        of_group = mine.filter(pk__in=[notice.pk for notice in group])
        if first and (first.wait or monotonic() - began > _LONG):
            _put_back(of_group, first, now)
            continue
        try:
            channel.send(message(group, audience))
        except Undelivered as problem:
            # An address or thread that fails does not delay the others.
            first = first or problem
            _put_back(of_group, problem, now)
        else:
            count += of_group.update(told_at=now, not_before=None, claim="", error="")
    if first:
        raise first
    return count


def _claim(channel: Channel, now: datetime):
    """Claim what is ready, so that no other worker sends it: one statement decides between two workers."""
    claim = uuid4().hex
    ready = Notice.objects.ready(now).filter(channel=channel.name)
    ready.update(claim=claim, not_before=now + CLAIMED_FOR)
    return Notice.objects.filter(claim=claim)


def _put_back(mine, problem: Undelivered, now: datetime) -> None:
    new = mine.exclude(error=problem.sentence).exists()
    if new:  # repeating the sentence each minute would fill the log
        logger.warning("%s", problem.sentence)
    wait = now + timedelta(seconds=problem.wait) if problem.wait else None
    mine.update(claim="", not_before=wait, error=problem.sentence)
