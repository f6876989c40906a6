"""What somebody gets out of an export with shifted dates, who has nothing else: the rates in docs/anonymization.md."""

import json
from datetime import datetime, timedelta

import pytest

from psynetdata.anonymize.rows.dates import without_launch
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.rows.report import how_dates_leave, linkable

from .conftest import Anonymized, reference

DAY = timedelta(days=1)
RESPONSES = {"static": 157, "static_audio": 200, "timeline": 130}


def attack(rows: list[dict]) -> list[timedelta]:
    """Return the time of each response since the first one, from ids and times of day alone.

    Ids give the order. The next row with an earlier time of day is from the next day.
    """
    times = [datetime.fromisoformat(row["creation_time"]) for row in sorted(rows, key=lambda row: int(row["id"]))]
    clocks = [time - time.replace(hour=0, minute=0, second=0, microsecond=0) for time in times]
    days, since = 0, []
    for before, clock in zip([clocks[0], *clocks], clocks, strict=False):
        days += clock < before
        since.append(days * DAY + clock - clocks[0])
    return since


def true_times(rows: list[dict]) -> list[datetime]:
    return [datetime.fromisoformat(row["creation_time"]) for row in sorted(rows, key=lambda row: int(row["id"]))]


@pytest.mark.parametrize("name", RESPONSES)
def test_order_and_time_of_day_give_back_every_response_time_up_to_one_date(name):
    found = Anonymized(reference(name), options=Options(shift_dates=True))
    truth, since = true_times(found.before["response"]), attack(found.after["response"])
    shown = true_times(found.after["response"])
    assert sum(a != b for a, b in zip(truth, shown, strict=True)) == len(truth)  # all of them were shifted
    recovered = [true == truth[0] + guess for true, guess in zip(truth, since, strict=True)]
    assert (sum(recovered), len(recovered)) == (RESPONSES[name], RESPONSES[name])


@pytest.mark.parametrize("name", RESPONSES)
def test_no_cell_shows_the_day_of_the_launch(name):
    found = Anonymized(reference(name), options=Options(shift_dates=True))
    (config,) = (json.loads(row["vars"]) for row in found.before["experiment"])
    launch = config["deployment_id"].partition("launch=")[2]
    assert launch[:10] in json.dumps(Anonymized(found.source).after)
    left = json.dumps(found.after)
    assert launch not in left
    assert launch[:10] not in left
    assert f"launch={launch[:4]}-01-01--00-00-00" in left


def test_the_launch_in_any_text():
    assert (
        without_launch("x__mode=live__launch=2026-11-22--08-05-26/a") == "x__mode=live__launch=2026-01-01--00-00-00/a"
    )
    assert without_launch("launch%3D2026-11-22--08-05-26") == "launch%3D2026-01-01--00-00-00"
    assert without_launch("launched 2026-11-22") == "launched 2026-11-22"


def test_the_report_says_what_stays():
    sentence = how_dates_leave(Options(shift_dates=True))
    for words in ("does not protect", "who came when", "time of day", "response times stay", "free JSON"):
        assert words in sentence
    for options in (Options(), Options(shift_dates=True), Options(coarsen="day")):
        said = " ".join(linkable("shared", options))
        for words in ("base_pay", "bonus", "performance_reward", "page_count", "total_wait_page_time", "planned_bonus"):
            assert words in said
        assert "Whoever holds the recruiter's list with times and payments can link" in said
