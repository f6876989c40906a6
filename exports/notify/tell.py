"""Tell through one channel what waits for it: all in one message, each thing once."""

import logging
from datetime import datetime, timedelta
from uuid import uuid4

from django.utils import timezone

from exports.models import Notice
from psynetdata.psynet.problems import NotFound

from .channels import Channel, channels
from .message import message
from .problems import Undelivered

logger = logging.getLogger(__name__)

# Longer than any channel takes. A worker that dies between sending and saying so has it told again after that.
_MINE_FOR = timedelta(minutes=5)


def tell(name: str, now: datetime | None = None) -> int:
    """How many notices were told. Raises Undelivered, and they wait for the next try."""
    channel = next((channel for channel in channels() if channel.name == name), None)
    if channel is None:
        raise NotFound(f"The channel {name} is not set up any more; docs/alarms.md says how.")
    now = now or timezone.now()
    mine = _claim(channel, now)
    told = list(mine.select_related("incident__deployment"))
    if not told:
        return 0
    try:
        channel.send(message(told))
    except Undelivered as problem:
        _put_back(mine, problem, now)
        raise
    mine.update(told_at=now, not_before=None, claim="", error="")
    return len(told)


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
