"""PostgreSQL's timestamps, the server's clock, and what leaves as UTC."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from psynetdata.psynet import times


def moment(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-22 08:12:49.210214", moment(2026, 11, 22, 8, 12, 49, 210214)),
        ("2026-11-22 08:12:49", moment(2026, 11, 22, 8, 12, 49)),
        ("2026-11-22 08:12:49.5", moment(2026, 11, 22, 8, 12, 49, 500000)),
        ("2026-11-22 08:12:49.000001", moment(2026, 11, 22, 8, 12, 49, 1)),
        ("2026-11-22 08:12:49+00", moment(2026, 11, 22, 8, 12, 49)),
        ("2026-11-22 08:12:49.5+05:30", moment(2026, 11, 22, 2, 42, 49, 500000)),
        ("2026-11-22 08:12:49-08", moment(2026, 11, 22, 16, 12, 49)),
        ("2024-02-29 00:00:00", moment(2024, 2, 29)),
    ],
)
def test_parse(text, found):
    assert times.parse(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "infinity",
        "-infinity",
        "0044-03-15 12:00:00 BC",
        "2026-11-22",
        "2026-11-22T08:12:49",
        "2026-11-22 08:12:49.1234567",
        "2026-02-30 00:00:00",
        "2026-11-22 24:00:00",
        " 2026-11-22 08:12:49",
        "2026-11-22 08:12:49\n",
        "0001-01-01 00:00:00+10",
        "9999-12-31 23:59:59-10",
        "12026-11-22 08:12:49",
    ],
)
def test_what_is_no_moment(text):
    assert times.parse(text) is None
    assert times.column_to_iso(text) == text


def test_a_naive_time_is_in_the_servers_clock():
    assert times.parse("2026-11-22 09:12:49", offset=60) == moment(2026, 11, 22, 8, 12, 49)
    assert times.parse("2026-11-22 03:12:49", offset=-300) == moment(2026, 11, 22, 8, 12, 49)
    assert times.parse("2026-11-22 08:12:49+00", offset=60) == moment(2026, 11, 22, 8, 12, 49)


@pytest.mark.parametrize("seed", range(100))
def test_postgres_text_comes_back(seed):
    pick = random.Random(seed)
    micros = pick.choice([0, 1, 500_000, 120_000, pick.randrange(1_000_000)])
    when = moment(1, 1, 2) + timedelta(
        days=pick.randrange(3_650_000), seconds=pick.randrange(86400), microseconds=micros
    )
    offset = pick.choice([0, 60, -480, 345, 765, -210])
    text = times.to_postgres(when, offset=offset)
    assert times.parse(text, offset=offset) == when
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (moment(2026, 11, 22, 8, 12, 49, 210214), "2026-11-22T08:12:49.210214Z"),
        (moment(2026, 11, 22, 8, 12, 49, 500000), "2026-11-22T08:12:49.500000Z"),
        (moment(2026, 11, 22, 8, 12, 49), "2026-11-22T08:12:49Z"),
    ],
)
def test_iso(when, text):
    assert times.to_iso(when) == text
    assert datetime.fromisoformat(text) == when


def test_column_to_iso():
    assert times.column_to_iso("2026-11-22 09:12:49.5", offset=60) == "2026-11-22T08:12:49.500000Z"


@pytest.mark.parametrize("offset", [0, 60, 120, -300, 330, 345, -210, 765, 840, -720])
@pytest.mark.parametrize("delay", [0, 1, 59, 90])
def test_the_clock_is_found(offset, delay):
    """`now` is cut to the minute and written a moment after the row's own time."""
    created = moment(2026, 11, 22, 8, 12, 47, 361465)
    now = (created + timedelta(seconds=delay)).replace(second=0, microsecond=0)
    info = json.dumps({"now": now.strftime("%Y-%m-%dT%H:%M+00:00")})
    assert times.clock_offset(times.to_postgres(created, offset=offset), info) == offset


def test_the_zone_of_now_does_not_matter():
    info = json.dumps({"now": "2026-11-22T09:12+01:00"})
    assert times.clock_offset("2026-11-22 08:12:47.361465", info) == 0
    assert times.clock_offset("2026-11-22 09:12:47.361465", info) == 60


@pytest.mark.parametrize(
    ("creation_time", "extra_info"),
    [
        (None, '{"now": "2026-11-22T08:12+00:00"}'),
        ("infinity", '{"now": "2026-11-22T08:12+00:00"}'),
        ("2026-11-22 08:12:47", None),
        ("2026-11-22 08:12:47", "{broken"),
        ("2026-11-22 08:12:47", "[]"),
        ("2026-11-22 08:12:47", "{}"),
        ("2026-11-22 08:12:47", '{"now": null}'),
        ("2026-11-22 08:12:47", '{"now": "yesterday"}'),
        ("2026-11-22 08:12:47", '{"now": "2026-11-22T08:12"}'),
    ],
)
def test_a_clock_that_is_not_told(creation_time, extra_info):
    assert times.clock_offset(creation_time, extra_info) is None


def test_columns_of_times_are_what_single_cells_are():
    chance = random.Random(1)
    odd = [
        "",
        "\0",
        "infinity",
        "2026-01-01 00:00:00 BC",
        "2026-02-30 00:00:00",
        "x" * 19,
        "2026-01-01 00:00:00.000000",
    ]
    for offset in (0, 60, -345, 720):
        iso = times.IsoTimes(offset)
        for _ in range(400):
            cells = []
            for _ in range(chance.randint(1, 6)):
                year, month, day = chance.choice(["0001", "2026", "9999"]), chance.randint(1, 12), chance.randint(1, 31)
                cell = f"{year}-{month:02d}-{day:02d} {chance.randint(0, 24):02d}:59:{chance.randint(0, 60):02d}"
                cell += chance.choice(["", f".{chance.randint(0, 999_999):06d}"[: chance.randint(2, 7)], "+02"])
                cells.append(chance.choice(odd) if chance.random() < 0.1 else cell)
            assert iso.column(cells) == [times.column_to_iso(cell, offset=offset) if cell else cell for cell in cells]
