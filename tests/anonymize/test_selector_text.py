"""Keys of the data are literal in selectors, whatever characters they have."""

import json
from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psynetdata.anonymize.face.policy_decisions import from_file, to_csv
from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.rules import Policy, Rule

from .conftest import Anonymized, Tables
from .test_survey import surveyed

ODD = ["*", "opt[*]", "?", "", " a ", "a.b", "a/b", "100%", "%2A", "\n", "\u2028", "#", '"', ",", "(others)", "\ud800"]
# Characters that mean something in a selector, in CSV, in fnmatch or in a line of text.
odd_keys = st.text(st.sampled_from("ab*?[]%./# \t\r\n\u2028\u2029\x85\x00\",'\\()é你\ud800\ufeff"), max_size=12)


def by_proposal(tables: Tables, path) -> Policy:
    """The policy after the proposals were written to a file, and the file was read."""
    rules = [
        replace(Rule(*place, **shape.proposal("x"), reason="x"), shared="keep", open="keep")
        for place, shape in surveyed(tables).found.items()
    ]
    path.write_text("# what we decided\n" + to_csv(rules), encoding="utf-8", newline="")
    assert from_file(path) == rules
    return Policy.load().extended(from_file(path))


def with_key(key: str) -> Tables:
    """A key in each kind of column that has selectors, and other keys that must stay undecided."""
    own = {key: 5, f"{key}x": {"a": 1}, "xx": 1, "a": {"b": 2, "c": 3}}
    return Tables(
        participant=[{"id": "1", "vars": json.dumps(own), "details": "{}"}],
        info=[{"id": "1", "type": "e.Mine", "answer": json.dumps(own), "details": "{}"}],
    )


@settings(max_examples=40, deadline=None, database=None)
@given(odd_keys)
def test_any_key_goes_to_a_file_and_back_and_means_itself_only(tmp_path_factory, key):
    path = tmp_path_factory.getbasetemp() / "odd.csv"
    tables = with_key(key)
    policy = by_proposal(tables, path)
    assert surveyed(tables, policy).found == {}
    other = Tables(
        participant=[
            {"id": "1", "vars": json.dumps({f"{key}y": 1, "zz": 2, "a.b": {"c": 1}, "opt": 1}), "details": "{}"}
        ]
    )
    found = {place[2] for place in surveyed(other, policy).found}
    same = {selector_text.of_key(each) for each in (f"{key}y", "zz", "a.b", "opt") if each in (key, f"{key}x")}
    assert found == {selector_text.of_key(each) for each in (f"{key}y", "zz", "a.b", "opt")} - same


@pytest.mark.parametrize("key", ODD)
def test_accepting_one_odd_key_opens_no_other(tmp_path, key):
    assert selector_text.plain(selector_text.of_key(key)) == key
    tables = Tables(participant=[{"id": "1", "vars": json.dumps({key: 5}), "details": "{}"}])
    policy = by_proposal(tables, tmp_path / "decisions.csv")
    both = Tables(participant=[{"id": "1", "vars": json.dumps({key: 5, "other": 6}), "details": "{}"}])
    (row,) = Anonymized(both, level="open", policy=policy).after["participant"]
    assert json.loads(row["vars"]) == {key: 5, "other": None}


@settings(max_examples=60, deadline=None, database=None)
@given(odd_keys)
def test_a_question_means_itself(question):
    selector = selector_text.of_name(question)
    assert selector_text.plain(selector) == question
    assert selector == selector_text.typed(selector)
    assert selector
    assert not selector_text.is_pattern(selector)


def test_questions_of_no_name_and_values_of_no_object(tmp_path):
    tables = Tables(
        response=[{"id": "1", "question": "", "answer": "5"}, {"id": "2", "question": "why", "answer": "6"}],
        participant=[{"id": "1", "vars": "[7]", "details": "{}"}],
    )
    rules = [Rule("response", "answer", "(empty)", "keep", "keep", "number", "x")]
    found = Anonymized(tables, level="open", policy=Policy.load().extended(rules))
    assert [row["answer"] for row in found.after["response"]] == ["5", None]
    rules = [Rule("participant", "vars", "(no object)", "keep", "keep", "number", "x")]
    found = Anonymized(tables, level="open", policy=Policy.load().extended(rules))
    assert found.after["participant"][0]["vars"] == "[7]"


def test_a_person_may_write_a_pattern_and_a_percent_sign():
    policy = Policy.load().extended([Rule("response", "answer", "*", "keep", "keep", "number", "x")])
    assert policy.rule("response", "answer", selector_text.of_name("any * question")).shared == "keep"
    assert selector_text.typed(" 100% ") == "100%25"
    assert selector_text.typed("opt[%2A]") == "opt[%2A]"


def test_a_rule_for_a_key_covers_the_keys_below_it():
    tables = Tables(participant=[{"id": "1", "vars": '{"a": {"b": {"c": 1, "d": 2}, "e": 3}}', "details": "{}"}])
    rules = [
        Rule("participant", "vars", each, action, action, "number", "x")
        for each, action in (("a", "keep"), ("a.b.c", "drop"))
    ]
    found = Anonymized(tables, level="open", policy=Policy.load().extended(rules))
    assert found.after["participant"][0]["vars"] == '{"a": {"b": {"c": null, "d": 2}, "e": 3}}'
    assert surveyed(tables, found.policy).found == {}


@pytest.mark.parametrize(
    ("place", "selector", "selectors"),
    [
        (("participant", "vars"), "plain", ["plain"]),
        (("participant", "vars"), "gmsi*", ["gmsi*"]),
        (("participant", "vars"), "a.b", ["a.b", "a%2Eb"]),
        (("info", "answer"), "Mine/100% sure ", ["Mine/100%25 sure%20"]),
        (("response", "answer"), "why.not", ["why.not"]),
        (("asset", "*"), "A/m/s.wav", ["A/m/s.wav"]),
    ],
)
def test_earlier_decisions_keep_their_meaning(place, selector, selectors):
    migration = import_module("psynetdata.migrations.0022_literal_selectors")
    assert migration.written(*place, selector) == selectors
