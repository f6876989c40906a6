"""Comparing stored times with now. A clock that was set back leaves times in the future; they must not count as recent.

Whoever asks whether something happened lately uses `lately`. Times that say when something is due, or when there was
last a sign of life, are mended by whoever compares them.
"""

from datetime import datetime, timedelta

from django.db.models import Q

AHEAD = timedelta(minutes=2)  # the clocks of two machines may differ by this much


def lately(field: str, since: datetime, now: datetime) -> Q:
    """Return the condition that the time in `field` is after `since` and not in the future."""
    return Q(**{f"{field}__gt": since, f"{field}__lte": now + AHEAD})
