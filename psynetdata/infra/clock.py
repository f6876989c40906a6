"""Comparing stored times with now. A clock that was set back leaves times in the future; they must not count as recent.

Whoever asks whether something happened lately uses `lately`. Times that say when something is due, or when there was
last a sign of life, are mended by whoever compares them.
"""

import time
from datetime import datetime, timedelta

from django.db.models import Q

AHEAD = timedelta(minutes=2)  # the clocks of two machines may differ by this much


def steady() -> float:
    """Return seconds on a clock that nobody sets. On Linux it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def lately(field: str, since: datetime, now: datetime) -> Q:
    """Return the condition that the time in `field` is after `since` and not in the future."""
    return Q(**{f"{field}__gt": since, f"{field}__lte": now + AHEAD})
