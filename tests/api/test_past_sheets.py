"""Sheets as they were, and what changed since."""

import csv
import io
from datetime import timedelta

import pytest

from exports.ledger import collection
from exports.mirroring.mirror import mirror
from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Job
from tests.ledger.moments import ANN, BOB, moment
from tests.store.snapshot_factory import TAKEN_AT, written_down

from .test_basic_data import body, rows

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]
TRIALS = "/api/basic_data/trial/"
PEOPLE = [["id", "worker_id", "type"], ["1", "5f0c5a3b9d1e4a0001a2b3c4", "psynet.participant.Participant"]]
HEADER = ["id", "type", "participant_id", "answer", "definition", "vars"]


def trial(number: int, answer: str | None, colour: str = "red") -> list:
    told = ["a.exp.Paint", "1", answer, f'{{"colour": "{colour}"}}', "{}"]
    return [str(number), *told]


@pytest.fixture
def history():
    """Three snapshots an hour apart, the last one mirrored: trials come, get an answer, and one goes."""
    moments = [
        [trial(1, '"a"'), trial(2, None), trial(3, '"c"')],
        [trial(1, '"a"'), trial(2, '"b"'), trial(3, '"c"'), trial(4, None, "blue")],
        [trial(2, '"b"'), trial(3, '"c"'), trial(4, '"d"', "blue"), trial(5, None)],
    ]
    found = []
    for hour, trials in enumerate(moments):
        coins = [["id", "side"], *([str(n), "heads"] for n in range(hour))]
        made = written_down({"participant": PEOPLE, "info": [HEADER, *trials], "coin": coins})
        made.taken_at = TAKEN_AT + timedelta(hours=hour)
        made.save()
        found.append(made)
    mirror(found[-1])
    return found


def ids(answer) -> list[int]:
    return [row["id"] for row in rows(answer)]


def at(hours: float) -> str:
    return (TAKEN_AT + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def test_a_sheet_as_it_was_by_snapshot_and_by_time(history, analyst, officer):
    first = rows(officer.get(TRIALS, {"snapshot": history[0].pk}))
    assert [(row["id"], row["answer"], row["colour"]) for row in first] == [
        (1, "a", "red"), (2, None, "red"), (3, "c", "red"),
    ]  # fmt: skip
    assert {row["participant_worker_id"] for row in first} == {PEOPLE[1][1]}
    as_of = officer.get(TRIALS, {"as_of": at(0.5)})
    assert rows(as_of) == first
    assert as_of["X-Total-Count"] == "3"
    assert ids(officer.get(TRIALS, {"as_of": at(1), "colour": "blue"})) == [4]
    assert ids(officer.get(TRIALS, {"as_of": at(99)})) == ids(officer.get(TRIALS)) == [2, 3, 4, 5]
    page = officer.get(TRIALS, {"snapshot": history[1].pk, "limit": 2, "order": "-id"}).json()
    assert [row["id"] for row in page["results"]] == [4, 3]
    assert [row["id"] for row in officer.get(page["next"]).json()["results"]] == [2, 1]
    text = body(
        officer.get("/api/basic_data/Paint/", {"snapshot": history[0].pk, "format": "csv", "fields": "id,colour"})
    )
    assert text == b"id,colour\n1,red\n2,red\n3,red\n"
    assert ids(officer.get("/api/basic_data/coin/", {"snapshot": history[1].pk})) == [0]
    hidden = rows(analyst.get(TRIALS, {"snapshot": history[0].pk}))
    assert [row["id"] for row in hidden] == [1, 2, 3]
    assert PEOPLE[1][1] not in str(hidden)
    now = {row["participant_worker_id"] for row in rows(analyst.get(TRIALS))}
    assert {row["participant_worker_id"] for row in hidden} == now


def test_an_identifier_that_came_later_is_replaced_in_every_moment(analyst, officer):
    told = {"answers": (f"I met {BOB} there",)}
    first = moment(0, (1, ANN), **told)
    mirror(first)
    address = "/api/basic_data/response/"
    moments = [{}, {"snapshot": first.pk}, {"as_of": at(0.5)}]
    before = [analyst.get(address, asked) for asked in moments]
    assert all(BOB in str(rows(answer)) for answer in before)  # nobody could know
    mirror(moment(1, (1, ANN), (2, BOB), **told))
    for asked, old in zip(moments, before, strict=True):
        answer = analyst.get(address, asked, HTTP_IF_NONE_MATCH=old["ETag"])
        assert answer.status_code == 200
        assert BOB not in str(rows(answer))
        assert BOB in str(rows(officer.get(address, asked)))
    assert BOB.encode() not in body(analyst.get("/api/basic_data/?sheet=response"))


def test_a_page_does_not_wait_for_a_ledger_that_takes_long(history, analyst, officer, monkeypatch):
    monkeypatch.setattr(collection, "_AT_ONCE", 3)
    Snapshot.objects.update(collected="")
    answer = analyst.get(TRIALS, {"snapshot": history[0].pk})
    assert answer.status_code == 503
    assert "still being collected" in str(answer.json())
    assert ids(officer.get(TRIALS, {"snapshot": history[0].pk})) == [1, 2, 3]
    assert Job.objects.get(kind="mirror").state == "queued"
    jobs.run_here("mirror", deployment=history[0].deployment)
    assert ids(analyst.get(TRIALS, {"snapshot": history[0].pk})) == [1, 2, 3]


def test_what_changed_since(history, analyst):
    assert ids(analyst.get(TRIALS, {"since": history[1].pk})) == [4, 5]
    assert ids(analyst.get(TRIALS, {"since": at(0)})) == [2, 4, 5]
    assert ids(analyst.get(TRIALS, {"since": at(-1)})) == [2, 3, 4, 5]  # before the first there was nothing
    assert ids(analyst.get(TRIALS, {"since": history[2].pk})) == []
    assert ids(analyst.get("/api/basic_data/coin/", {"since": history[0].pk})) == [0, 1]
    assert "change" not in rows(analyst.get(TRIALS, {"since": history[1].pk}))[0]


def test_a_diff_between_two_moments(history, officer):
    asked = {"since": history[0].pk, "snapshot": history[2].pk}
    answer = officer.get(TRIALS, asked)
    found = rows(answer)
    assert [(row["change"], row["id"], row["answer"]) for row in found] == [
        ("changed", 2, "b"), ("added", 4, "d"), ("added", 5, None), ("removed", 1, "a"),
    ]  # fmt: skip
    assert answer["X-Total-Count"] == "4"
    lines = list(csv.DictReader(io.StringIO(body(officer.get(TRIALS, {**asked, "format": "csv"})).decode())))
    assert [(line["change"], line["id"]) for line in lines] == [(row["change"], str(row["id"])) for row in found]
    assert ids(officer.get(TRIALS, {**asked, "change": "added"})) == [4, 5]
    assert officer.get(TRIALS, {**asked, "limit": 3}).status_code == 400


def test_moments_that_are_none(history, analyst):
    for asked, status in (
        ({"snapshot": "999999"}, 404),
        ({"snapshot": "9" * 40}, 400),
        ({"snapshot": "-1"}, 400),
        ({"as_of": "yesterday"}, 400),
        ({"as_of": at(-5)}, 404),
        ({"since": "1; DROP TABLE trial"}, 400),
        ({"since": "999999"}, 404),
        ({"as_of": at(1), "snapshot": history[0].pk}, 400),
        ({"snapshot": history[0].pk, "colour": "x", "side": "y"}, 400),
    ):
        answer = analyst.get(TRIALS, asked)
        assert answer.status_code == status, asked
        assert answer.json()["detail"]


def test_the_etag_of_the_past_opens_nothing(history, analyst, monkeypatch):
    asked = {"snapshot": history[0].pk}
    answer = analyst.get(TRIALS, asked)
    assert rows(answer)
    etag = answer["ETag"]
    assert etag != analyst.head(TRIALS)["ETag"]
    monkeypatch.setattr("exports.history.past_sheets.scratch", None)
    assert analyst.get(TRIALS, asked, HTTP_IF_NONE_MATCH=etag).status_code == 304
