"""Decide which snapshots stay, and why: a pure function of the stored snapshots and the time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GOOD = "good"

PINNED = "pinned"
EXPORTED = "an export is made from it"
BY_HAND = "handed in; nobody can take it again"
SHOWN = "the mirror shows it"
IN_USE = "a job works on it"
LAST_GOOD = "the newest good one"
EVERY, HOURLY, DAILY = "recent", "the newest of its hour", "the newest of its day"


@dataclass(frozen=True)
class RetentionPolicy:
    """How old a snapshot may be and stay: any snapshot; the newest of its hour; the newest of its day (in UTC)."""

    every: timedelta = timedelta(hours=24)
    hourly: timedelta = timedelta(days=7)
    daily: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class HeldSnapshot:
    """A snapshot, as far as the decision needs it. `taken_at` has a time zone; `state` is Snapshot's.

    `exported`: an Export names it; `by_hand`: it came from a file; `shown`: a face of the mirror shows it; `in_use`: an
    unfinished job names it.
    """

    id: int
    taken_at: datetime
    state: str = GOOD
    pinned: bool = False
    exported: bool = False
    by_hand: bool = False
    shown: bool = False
    in_use: bool = False


_ALWAYS = (("pinned", PINNED), ("exported", EXPORTED), ("by_hand", BY_HAND), ("shown", SHOWN), ("in_use", IN_USE))


def keep(held: Iterable[HeldSnapshot], now: datetime, policy: RetentionPolicy) -> dict[int, str | None]:
    """Return {id: why it stays, or None if it is to be deleted} for all snapshots of one deployment.

    Each hour and day has a newest one among the good snapshots and another among the suspect ones. It is chosen among
    all stored snapshots, whatever keeps them and however new they are; so pruning in between does not change what is
    left in the end. The newest good one always stays: mirror and exports are based on it, even if everything later is
    suspect and no more snapshots are taken.
    """
    held = list(held)
    last_good = max((one for one in held if one.state == GOOD), key=_age, default=None)
    of_hour, of_day = _newest(held, _hour), _newest(held, _day)

    def reason(one: HeldSnapshot) -> str | None:
        for name, why in _ALWAYS:
            if getattr(one, name):
                return why
        if one is last_good:
            return LAST_GOOD
        age = now - one.taken_at
        if age < policy.every:
            return EVERY
        if age < policy.hourly and one.id in of_hour:
            return HOURLY
        if age < policy.daily and one.id in of_day:
            return DAILY
        return None

    return {one.id: reason(one) for one in held}


def _age(one: HeldSnapshot) -> tuple[datetime, int]:
    """Return the sort key: when it was taken; of two at the same time the later row is newer."""
    return one.taken_at, one.id


def _newest(held: list[HeldSnapshot], bucket: Callable[[HeldSnapshot], tuple]) -> set[int]:
    """Return the ids of the newest good and the newest suspect snapshot of each bucket."""
    newest: dict[tuple, HeldSnapshot] = {}
    for one in sorted(held, key=_age):
        newest[one.state, *bucket(one)] = one
    return {one.id for one in newest.values()}


def _day(one: HeldSnapshot) -> tuple:
    at = one.taken_at.astimezone(UTC)
    return at.year, at.month, at.day


def _hour(one: HeldSnapshot) -> tuple:
    return *_day(one), one.taken_at.astimezone(UTC).hour
