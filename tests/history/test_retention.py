"""What stays: examples of each rule, and laws that hold for any history."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from exports.history import retention
from exports.history.retention import HeldSnapshot, RetentionPolicy, keep

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
POLICY = RetentionPolicy()


def at(number: int, hours: float, **more) -> HeldSnapshot:
    return HeldSnapshot(number, NOW - timedelta(hours=hours), **more)


def staying(held, now=NOW, policy=POLICY) -> set[int]:
    return {number for number, reason in keep(held, now, policy).items() if reason is not None}


def test_every_one_of_a_day_then_hourly_then_daily_then_none():
    held = [HeldSnapshot(number, NOW - timedelta(minutes=10 * number)) for number in range(100 * 24 * 6)]
    found = keep(held, NOW, POLICY)
    counts = {reason: list(found.values()).count(reason) for reason in set(found.values())}
    assert found[0] == retention.LAST_GOOD
    assert counts[retention.EVERY] == 24 * 6 - 1
    assert counts[retention.HOURLY] == 6 * 24
    assert counts[retention.DAILY] == 83
    hourly = [one.taken_at for one in held if found[one.id] == retention.HOURLY]
    assert {moment.minute for moment in hourly} == {50}
    daily = [one.taken_at for one in held if found[one.id] == retention.DAILY]
    assert {(moment.hour, moment.minute) for moment in daily} == {(23, 50)}


def test_days_are_those_of_utc_whatever_zone_a_moment_is_written_in():
    zone = timezone(timedelta(hours=14))
    early, late = datetime(2026, 11, 2, 0, 10, tzinfo=UTC), datetime(2026, 11, 2, 23, 50, tzinfo=UTC)
    held = [HeldSnapshot(1, early.astimezone(zone)), HeldSnapshot(2, late.astimezone(zone)), at(3, 0)]
    assert staying(held) == {2, 3}


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("pinned", retention.PINNED),
        ("exported", retention.EXPORTED),
        ("by_hand", retention.BY_HAND),
        ("shown", retention.SHOWN),
        ("in_use", retention.IN_USE),
    ],
)
def test_some_stay_whatever_their_age(field, reason):
    old = at(1, 24 * 365 * 3)
    assert keep([old, at(2, 0)], NOW, POLICY)[1] is None
    assert keep([replace(old, **{field: True}), at(2, 0)], NOW, POLICY)[1] == reason


def test_the_last_good_one_stays_while_newer_ones_are_suspect_and_long_after_the_end():
    old = [at(1, 24 * 400), at(2, 24 * 401), at(3, 24 * 399, state="suspect"), at(4, 1, state="suspect")]
    assert keep(old, NOW, POLICY) == {1: retention.LAST_GOOD, 2: None, 3: None, 4: retention.EVERY}
    assert staying([at(1, 24 * 4000)]) == {1}


def test_a_suspect_one_does_not_take_the_place_of_a_good_one_of_its_hour():
    hour = NOW.replace(hour=3, minute=0) - timedelta(days=3)
    held = [
        HeldSnapshot(1, hour + timedelta(minutes=10)),
        HeldSnapshot(2, hour + timedelta(minutes=20)),
        HeldSnapshot(3, hour + timedelta(minutes=30), state="suspect"),
        HeldSnapshot(4, hour + timedelta(minutes=40), state="suspect"),
        at(5, 0),
    ]
    assert staying(held) == {2, 4, 5}


def test_of_two_at_one_moment_the_later_row_stays():
    assert staying([at(7, 50), at(8, 50), at(6, 50), at(9, 0)]) == {8, 9}


def test_nothing_held_and_a_clock_that_is_ahead():
    assert keep([], NOW, POLICY) == {}
    assert staying([at(1, -5), at(2, 0)]) == {1, 2}
    none = RetentionPolicy(timedelta(0), timedelta(0), timedelta(0))
    assert staying([at(1, 2), at(2, 1), at(3, 1.5)], policy=none) == {2}


# --- laws ------------------------------------------------------------------------------------------


def some_history(chance: random.Random) -> list[HeldSnapshot]:
    """Crowded in time, so that hours and days are shared, and now and then pinned, suspect or exported."""
    count, span = chance.randint(1, 80), chance.choice([3, 30, 24 * 9, 24 * 120])
    return [
        HeldSnapshot(
            number,
            NOW - timedelta(hours=chance.uniform(0, span)),
            state=chance.choice(["good", "good", "suspect"]),
            pinned=chance.random() < 0.05,
            exported=chance.random() < 0.05,
        )
        for number in chance.sample(range(1000), count)
    ]


def some_policy(chance: random.Random) -> RetentionPolicy:
    return RetentionPolicy(
        timedelta(hours=chance.choice([0, 1, 24])),
        timedelta(days=chance.choice([0, 1, 7])),
        timedelta(days=chance.choice([0, 7, 90])),
    )


@pytest.mark.parametrize("seed", range(200))
def test_pruning_often_leaves_what_pruning_once_leaves(seed):
    chance = random.Random(seed)
    held, policy = some_history(chance), some_policy(chance)
    end = NOW + timedelta(days=chance.choice([0, 1, 10, 100]))
    arriving = [
        HeldSnapshot(2000 + number, NOW + (end - NOW) * chance.random(), state=chance.choice(["good", "suspect"]))
        for number in range(20)
    ]
    once = staying([*held, *arriving], end, policy)
    moments = sorted(NOW + (end - NOW) * chance.random() for _ in range(8))
    left, waiting = held, sorted(arriving, key=lambda one: one.taken_at)
    for moment in [*moments, end]:
        came = [one for one in waiting if one.taken_at <= moment]
        waiting = [one for one in waiting if one.taken_at > moment]
        now_held = [*left, *came]
        ids = staying(now_held, moment, policy)
        left = [one for one in now_held if one.id in ids]
    assert {one.id for one in left} == once
    assert staying(left, end, policy) == once


@pytest.mark.parametrize("seed", range(100))
def test_laws_of_any_history(seed):
    chance = random.Random(seed)
    held, policy = some_history(chance), some_policy(chance)
    ids = staying(held, NOW, policy)
    shuffled = chance.sample(held, len(held))
    assert staying(shuffled, NOW, policy) == ids
    good = [one for one in held if one.state == "good"]
    if good:
        assert max(good, key=lambda one: (one.taken_at, one.id)).id in ids
    for one in held:
        age = NOW - one.taken_at
        if one.pinned or one.exported or age < policy.every:
            assert one.id in ids
        if one.id in ids:
            continue
        # What goes is old, or another of its hour or day is newer and stays (while that is wanted).
        if age < max(policy.hourly, policy.daily):
            form = "%Y-%m-%d %H" if age < policy.hourly else "%Y-%m-%d"
            alike = [
                other
                for other in held
                if other.state == one.state and other.taken_at.strftime(form) == one.taken_at.strftime(form)
            ]
            newest = max(alike, key=lambda other: (other.taken_at, other.id))
            assert newest.id != one.id
            assert newest.id in ids
