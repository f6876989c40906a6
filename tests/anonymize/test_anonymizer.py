import json

import pytest

from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.anonymizer import Anonymizer
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.tables import Column, describe

from .conftest import KEY, Anonymized, Tables

NAMES = Pseudonyms(KEY)


def person(number: int, worker: str, **cells: str) -> dict[str, str | None]:
    ids = {"worker_id": worker, "assignment_id": f"s{number}", "unique_id": f"{worker}:s{number}", "hit_id": ""}
    rest = {"type": "psynet.participant.Participant", "mode": "live", "status": "approved", "details": "{}"}
    return {"id": str(number), "entry_information": "{}", **ids, **rest, **cells}


def trial(number: int, **cells: str) -> dict[str, str | None]:
    return {"id": str(number), "type": "dallinger_experiment.experiment.MyTrial", "details": "{}", **cells}


def test_short_ids_cost_no_number():
    """A lab whose people are called 1, P01 and 123456: shorter numbers are data, strings of that value are not."""
    answer = '{"rating": 1, "n": 123457, "f": 1.0, "who": "P01", "text": "page 1, P01", "say": "123456"}'
    found = Anonymized(
        Tables(
            participant=[person(1, "1"), person(2, "P01"), person(3, "123456")],
            info=[trial(1, score="1", participant_id="1", answer=answer, definition='{"1": 1, "x": [1, 123457]}')],
            response=[{"id": "1", "participant_id": "1", "question": "q", "answer": "1", "metadata_": "{}"}],
            pet=[{"id": "1", "participant_id": "1", "weight": "1", "price": "123457", "name": "P01", "note": "Rex 1"}],
        )
    )
    new = found.after["info"][0]
    assert new["answer"] == (
        f'{{"rating": 1, "n": 123457, "f": 1.0, "who": "{NAMES.pseudonym("P01")}", "text": "page 1, P01", '
        f'"say": "{NAMES.pseudonym("123456")}"}}'
    )
    assert [name for name, *_ in found.changes("info")] == ["answer"]
    assert found.changes("response") == []
    assert found.changes("pet") == [("name", "P01", NAMES.pseudonym("P01"))]
    assert [row["worker_id"] for row in found.after["participant"]] == [
        NAMES.pseudonym(x) for x in ("1", "P01", "123456")
    ]


def test_a_number_of_a_custom_column_that_is_someones_id_is_null():
    found = Anonymized(Tables(participant=[person(1, "123456")], pet=[{"id": "1", "owner": "123456"}]))
    assert found.after["pet"] == [{"id": "1", "owner": None}]


def test_a_small_number_under_a_name_of_identity_counts_rows_unless_it_is_someones_id():
    rows = [{"id": "1", "session_id": each} for each in ("2", "7", "12345", "123456", "s-7")]
    found = Anonymized(Tables(participant=[person(1, "7")], pet=rows))
    left = [row["session_id"] for row in found.after["pet"]]
    assert left == ["2", NAMES.pseudonym("7"), "12345", NAMES.pseudonym("123456"), NAMES.pseudonym("s-7")]


def test_plain_text_columns_hold_text_even_where_it_is_digits():
    rows = [{"id": "1", "content": "123456"}, {"id": "2", "content": "654321"}]
    found = Anonymized(Tables(participant=[person(1, "123456")], chat_message=rows))
    assert [row["content"] for row in found.after["chat_message"]] == [NAMES.pseudonym("123456"), "654321"]


def test_what_no_rule_covers():
    tables = Tables(
        info=[trial(1, new_column="text of a later PsyNet", answer='{"mood": "fine"}')],
        pet=[{"id": "1", "name": "Rex", "type": "x.Pet"}, {"id": "2", "name": None}],
    )
    shared, public = Anonymized(tables), Anonymized(tables, level="open")
    assert shared.after["info"][0]["new_column"] is None
    assert (shared.after["info"][0]["answer"], shared.after["pet"][0]["name"]) == ('{"mood": "fine"}', "Rex")
    assert shared.withheld["pet"] == frozenset()
    assert (public.after["info"][0]["answer"], public.after["pet"][0]["name"]) == (None, None)
    assert (public.after["pet"][0]["type"], "name" in public.withheld["pet"]) == ("x.Pet", True)
    listed = [(each["table"], each["column"], each["selector"], each["rows"]) for each in _undecided(shared)]
    assert listed == [("info", "answer", "MyTrial/mood", 1), ("info", "new_column", "", 1), ("pet", "name", "", 1)]


def test_what_no_rule_covers_can_be_withheld_at_both_levels_and_decisions_hold():
    rules = [Rule("pet", "name", "", "scrub", "drop", "content", "staff")]
    rules += [Rule("info", "answer", "MyTrial/mood", "keep", "keep", "choice", "staff")]
    tables = Tables(
        participant=[person(1, "w1234567", answer='"fine"', vars='{"age": "37", "x": 1}')],
        info=[trial(1, answer='{"mood": "fine", "said": "hi"}', failed_reason="too slow", score="0.5")],
        pet=[{"id": "1", "name": "Rex", "food": "bones"}],
    )
    strict = Anonymized(tables, policy=Policy.load().withholding().extended(rules))
    assert strict.after["info"][0]["answer"] == '{"mood": "fine", "said": null}'
    assert [strict.after["info"][0][name] for name in ("failed_reason", "score")] == ["too slow", "0.5"]
    assert [strict.after["pet"][0][name] for name in ("name", "food")] == ["Rex", None]
    assert [strict.after["participant"][0][name] for name in ("answer", "vars")] == [None, '{"age": "37", "x": null}']
    assert strict.anonymizer.report()["undecided_withheld"] is True


def test_a_decision_covers_a_selector():
    decided = Policy.load().extended(
        [
            Rule("info", "answer", "MyTrial/mood", "keep", "keep", "choice", "staff"),
            Rule("info", "answer", "MyTrial/name", "drop", "drop", "name", "staff"),
            Rule("info", "answer", "Other", "drop", "drop", "content", "staff"),
            Rule("response", "answer", "student", "pseudonym", "pseudonym", "worker_id", "staff"),
        ]
    )
    tables = Tables(
        info=[
            trial(1, answer='{"mood": "fine", "name": "Ann", "x": [1.0]}'),
            trial(2, answer='{"name": "Ann"}', type="e.Other"),
        ],
        response=[{"id": "1", "question": "student", "answer": '"stud-1"'}],
    )
    shared, public = Anonymized(tables, policy=decided), Anonymized(tables, policy=decided, level="open")
    assert shared.after["info"][0]["answer"] == '{"mood": "fine", "name": null, "x": [1.0]}'
    assert shared.after["info"][1]["answer"] == '{"name": null}'
    assert public.after["info"][0]["answer"] == '{"mood": "fine", "name": null, "x": null}'
    assert public.after["info"][1]["answer"] is None
    assert shared.after["response"][0]["answer"] == json.dumps(NAMES.pseudonym("stud-1"))
    assert [each["selector"] for each in _undecided(shared)] == ["MyTrial/x"]


def test_psynets_own_pages_at_both_levels():
    pages = [("liked_experiment", '"mail me: a@b.org"'), ("age", '"37"'), ("hearing_loss", '"no"'), ("mood", '"ok"')]
    tables = Tables(response=[{"id": str(n), "question": q, "answer": a} for n, (q, a) in enumerate(pages)])
    answers = {level: [row["answer"] for row in Anonymized(tables, level=level).after["response"]] for level in LEVELS}
    assert answers["shared"] == ['"mail me: [email]"', '"37"', '"no"', '"ok"']
    assert answers["open"] == [None, '"35"', None, None]


LEVELS = ("shared", "open")


def test_a_personal_url_goes_wherever_it_stands():
    url = "/static/assets/exp%3D1/rec__0c51341e.wav"
    tables = Tables(
        asset=[{"id": "1", "type": "x.Recording", "trial_id": "1", "url": url, "personal": "f", "details": "{}"}],
        node=[{"id": "2", "type": "x.Node", "seed": json.dumps({"target": f"https://h.org{url}?a=1"})}],
        participant=[person(1, "w", answer=json.dumps({"url": url, "asset_id": 1}))],
        response=[{"id": "1", "question": "q", "metadata_": json.dumps({"html": f"<audio src='{url}'>"})}],
    )
    found = Anonymized(tables)
    assert found.after["node"][0]["seed"] == '{"target": "[removed]"}'
    assert found.after["participant"][0]["answer"] == '{"url": "[removed]", "asset_id": 1}'
    assert found.after["response"][0]["metadata_"] == '{"html": "<audio src=\'[removed]\'>"}'


def test_people_who_never_joined_get_pseudonyms():
    params = '{"PROLIFIC_PID": "60aaaabbbbccccddddeeeeff", "age": "33", "mode": "live", "n": 1}'
    found = Anonymized(Tables(request=[{"id": "1", "endpoint": "/ad", "params": params, "details": "{}"}]))
    name = NAMES.pseudonym("60aaaabbbbccccddddeeeeff")
    new = found.after["request"][0]["params"]
    assert json.loads(new) == {"PROLIFIC_PID": name, "age": None, "mode": "live", "n": None}


def test_equal_ids_stay_equal_across_kinds():
    """Lucid uses one id for worker, assignment and unique id."""
    row = person(1, "lucid-rid-1") | {"assignment_id": "lucid-rid-1", "unique_id": "lucid-rid-1"}
    new = Anonymized(Tables(participant=[row], lucid_rid=[{"id": "1", "rid": "lucid-rid-1"}]))
    found = {new.after["participant"][0][name] for name in ("worker_id", "assignment_id", "unique_id")}
    assert found == {NAMES.pseudonym("lucid-rid-1")} == {new.after["lucid_rid"][0]["rid"]}


def test_null_and_empty_stay_apart():
    row = person(1, "w-12345678", hit_id="", failed_reason=None, client_ip_address="")
    new = Anonymized(Tables(participant=[row])).after["participant"][0]
    assert (new["hit_id"], new["failed_reason"], new["entry_information"]) == ("", None, "{}")


def test_ids_in_selectors_do_not_reach_the_report():
    rows = [person(1, "w-12345678", vars='{"seen_by_w-12345678": 1, "mail a@b.org": 2}')]
    text = json.dumps(Anonymized(Tables(participant=rows)).anonymizer.report())
    assert "w-12345678" not in text
    assert "a@b.org" not in text
    assert NAMES.pseudonym("w-12345678") in text


def test_withheld_not_null_columns_of_every_type():
    columns = [Column(name, name, True) for name in ("text", "jsonb", "int4", "bool", "timestamp")]
    lines = [Rule("pet", column.name, "", "drop", "drop", "content", "staff") for column in columns]
    policy = Policy.load().extended(lines)
    made = Anonymizer(policy=policy, pseudonyms=NAMES, identifiers=Identifiers({}))
    left = made.table("pet", columns).block([["x", '{"a": 1}', "3", "t", "2026-01-01 00:00:00"]])
    assert left == [(EMPTY, "{}", "0", "f", "1970-01-01 00:00:00")]


def test_a_row_keeps_its_length_and_the_input():
    made = Anonymizer(policy=Policy.load(), pseudonyms=NAMES, identifiers=Identifiers({}))
    rows = [["1", "203.0.113.7", ""]]
    columns = describe("response", ["id", "client_ip_address", "answer"])
    assert made.table("response", columns).block(rows) == [("1", "", "")]
    assert rows == [["1", "203.0.113.7", ""]]


def test_an_unknown_level_is_refused():
    with pytest.raises(UsageError, match="no anonymization level called public"):
        Anonymizer(policy=Policy.load(), pseudonyms=NAMES, identifiers=Identifiers({}), level="public")


def _undecided(found: Anonymized) -> list[dict]:
    return found.anonymizer.report()["undecided"]
