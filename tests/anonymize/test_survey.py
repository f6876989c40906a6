"""What no rule covers, listed before anything leaves: as the anonymizer counts it, and without a value."""

import json

import pytest

from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.survey import Survey

from .conftest import DATABASES, Anonymized, Tables


def surveyed(source, policy: Policy | None = None) -> Survey:
    survey = Survey(policy or Policy.load())
    for table in source.tables():
        survey.add_rows(table, source.columns(table), source.rows(table))
    return survey


@pytest.mark.parametrize("name", DATABASES)
def test_it_finds_what_the_anonymizer_counts_as_undecided(references, name):
    found = references[name, "shared"]
    counted = {
        (each["table"], each["column"], each["selector"]): each["rows"]
        for each in found.anonymizer.report()["undecided"]
    }
    assert {place: shape.rows for place, shape in surveyed(found.source).found.items()} == counted
    assert counted


def test_own_tables_deep_keys_and_classes():
    tables = Tables(
        coin=[{"id": "1", "colour": "red", "worker_id": "w", "weight": "2.5"}],
        info=[
            {"id": "1", "type": "e.Mine", "answer": '{"a": 1, "b": "x"}', "details": "{}"},
            {"id": "2", "type": "e.Known", "answer": '{"a": 1}', "details": "{}"},
            {"id": "3", "type": "e.Plain", "answer": "7", "details": "{}"},
        ],
        experiment=[{"id": "1", "vars": '{"deployment_config": {"mine": 1}, "own": 2}', "details": "{}"}],
    )
    decided = Policy.load().extended([Rule("info", "answer", "Known", "keep", "keep", "number", "x")])
    survey = surveyed(tables, decided)
    assert {place: shape.rows for place, shape in survey.found.items()} == {
        ("coin", "colour", ""): 1,
        ("coin", "weight", ""): 1,
        ("info", "answer", "Mine/a"): 1,
        ("info", "answer", "Mine/b"): 1,
        ("info", "answer", "Plain"): 1,
        ("experiment", "vars", "own"): 1,
    }


@pytest.mark.parametrize(
    ("question", "answers", "words", "proposed"),
    [
        ("rating", ["1", "0.5", "null", "7"], "nothing; numbers", ("keep", "keep", "number")),
        ("liked", ["true", "false"], "true or false", ("keep", "keep", "number")),
        ("pair", ["[1, 2]"], "lists", ("keep", "keep", "number")),
        ("color", ['"red"', '"blue"'] * 3, "text of 3 to 4 characters, 2 different", ("scrub", "scrub", "choice")),
        ("why", ['"a b"', '"c d e"'], "text of 3 to 5 characters, 2 different", ("scrub", "drop", "free_text")),
        ("prolific_id", ['"P01"'] * 9, "text of 3 characters, 1 different", ("pseudonym", "drop", "worker_id")),
        ("first_name", ['"Ann"'] * 9, "text of 3 characters, 1 different", ("drop", "drop", "free_text")),
        ("any_disease", ['"no"'] * 9, "text of 2 characters, 1 different", ("scrub", "drop", "special_category")),
    ],
)
def test_shapes_and_proposals(question, answers, words, proposed):
    rows = [{"id": str(n), "question": question, "answer": each} for n, each in enumerate(answers)]
    (shape,) = surveyed(Tables(response=rows)).found.values()
    assert (shape.rows, shape.words()) == (len(answers), words)
    assert tuple(shape.proposal(question).values()) == proposed


def test_a_proposal_is_a_rule_that_can_be():
    values = ["x", 1, None, [1], {"a": "b"}]
    for name in ("worker_id", "name", "income", "q"):
        rows = [{"id": "1", "question": name, "answer": json.dumps(value)} for value in values]
        (shape,) = surveyed(Tables(response=rows)).found.values()
        Rule("response", "answer", name, **shape.proposal(name), reason="x").check()


def test_decided_by_proposal_nothing_is_left_and_science_stays(references):
    found = references["static", "shared"]
    rules = [
        Rule(*place, **shape.proposal(place[2].rpartition("/")[2]), reason="x")
        for place, shape in surveyed(found.source).found.items()
    ]
    policy = Policy.load().extended(rules)
    again = Anonymized(found.source, level="open", policy=policy)
    assert surveyed(found.source, policy).found == {}
    assert again.anonymizer.report()["undecided"] == []
    for old, new in zip(again.before["info"], again.after["info"], strict=True):
        assert (old["answer"], old["definition"]) == (new["answer"], new["definition"])
