"""Tell through one channel what waits for it: each thing once, and in one message what belongs together."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from time import monotonic
from uuid import uuid4

from django.utils import timezone

from exports.models import Notice
from psynetdata.psynet.problems import NotFound

from .channels import Channel, channels
from .message import message
from .undelivered import Undelivered

logger = logging.getLogger(__name__)

# Longer than any channel takes. A worker that dies between sending and saying so has it told again after that.
_MINE_FOR = timedelta(minutes=5)
_LONG = 60  # seconds; a channel that failed once and takes so long is left until the next try


def tell(name: str, now: datetime | None = None) -> int:
    """How many notices were told. Raises Undelivered, and what was not told waits for the next try."""
    channel = next((channel for channel in channels() if channel.name == name), None)
    if channel is None:
        raise NotFound(f"The channel {name} is not set up any more; docs/alarms.md says how.")
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
            # One address or thread that fails holds up no other.
            first = first or problem
            _put_back(of_group, problem, now)
        else:
            count += of_group.update(told_at=now, not_before=None, claim="", error="")
    if first:
        raise first
    return count


def _claim(channel: Channel, now: datetime):
    """What is ready, as a queryset that nobody else's look finds: one statement decides between two workers."""
    claim = uuid4().hex
    ready = Notice.objects.ready(now).filter(channel=channel.name)
    ready.update(claim=claim, not_before=now + _MINE_FOR)
    return Notice.objects.filter(claim=claim)


def _put_back(mine, problem: Undelivered, now: datetime) -> None:
    new = mine.exclude(error=problem.sentence).exists()
    if new:  # the same sentence each minute would fill the log
        logger.warning("%s", problem.sentence)
    wait = now + timedelta(seconds=problem.wait) if problem.wait else None
    mine.update(claim="", not_before=wait, error=problem.sentence)
