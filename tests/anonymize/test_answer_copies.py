"""Copied answers go by the rule of the answer that they come from."""

import json

import pytest

from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.options import Options

from .conftest import Anonymized, Tables


def rules(*decided: tuple[str, ...]) -> Policy:
    return Policy.load().extended(Rule(*each, "choice", "x") for each in decided)


def chain(**told) -> Tables:
    """A node that someone answered, and the next one, made from that answer, with a trial and a file of its own."""
    said = '"once upon a time"'
    return Tables(
        node=[
            {"id": "1", "type": "e.N", "seed": '"the start"', "definition": '"the start"', "details": "{}"},
            {
                "id": "2",
                "type": "e.N",
                "parent_id": "1",
                "seed": said,
                "definition": said,
                "degree": "1",
                "details": "{}",
            },
        ],
        info=[
            {"id": "7", "type": "e.Tell", "node_id": "1", "answer": said, "definition": '"the start"', "details": "{}"},
            {"id": "8", "type": "e.Tell", "node_id": "2", "answer": '"and then"', "definition": said, "details": "{}"},
        ],
        asset=[{"id": "3", "node_id": "2", "node_definition": said, "type": "e.A", "details": "{}"}],
        **told,
    )


def of_chain(found: Anonymized) -> list:
    nodes, trials, assets = (found.after[table] for table in ("node", "info", "asset"))
    each = [value for row in nodes for value in (row["seed"], row["definition"])]
    return [*each, *(row["definition"] for row in trials), *(row["node_definition"] for row in assets)]


def test_a_chain_s_node_goes_by_the_answers_it_was_made_from():
    kept, said = '"the start"', '"once upon a time"'
    assert of_chain(Anonymized(chain())) == [kept, kept, said, said, kept, said, said]
    dropped = Anonymized(chain(), policy=rules(("info", "answer", "Tell", "drop", "drop")))
    assert of_chain(dropped) == [kept, kept, None, None, kept, None, None]
    less = Anonymized(chain(), options=Options(drop_text=True))
    assert of_chain(less) == [kept, kept, None, None, kept, None, None]
    other = Anonymized(chain(), policy=rules(("info", "answer", "Other", "drop", "drop")))
    assert of_chain(other) == of_chain(Anonymized(chain()))


def test_a_key_of_an_answer_goes_by_its_rule_in_the_node_made_from_it():
    start, said = '{"name": "N", "x": 1.0}', '{"name": "Ann", "x": [2.0, {"name": 3}]}'
    less = '{"name": null, "x": [2.0, {"name": 3}]}'
    made = {"id": "2", "parent_id": "1", "seed": said, "definition": said}
    tables = Tables(
        node=[{"type": "e.N", "details": "{}", **each} for each in ({"id": "1", "seed": start}, made)],
        info=[
            {"id": str(node), "type": "e.Tell", "node_id": str(node), "details": "{}", **told}
            for node, told in ((1, {"answer": said, "definition": start}), (2, {"definition": said}))
        ],
        asset=[{"id": "3", "node_id": "2", "node_definition": said, "type": "e.A", "details": "{}"}],
    )
    found = Anonymized(tables, policy=rules(("info", "answer", "Tell/name", "drop", "drop")))
    assert of_chain(found) == [start, None, less, less, start, less, less]
    assert found.after["info"][0]["answer"] == less
    assert of_chain(Anonymized(tables)) == [start, None, said, said, start, said, said]


def test_the_last_answer_goes_by_its_question():
    tables = Tables(
        participant=[
            {"id": str(n), "answer": answer, "vars": json.dumps({"secret": "mine", "open": "x"}), "details": "{}"}
            for n, answer in ((1, '"mine"'), (2, '"else"'), (3, '"mine"'))
        ],
        response=[
            {"id": "10", "participant_id": "1", "question": "secret", "answer": '"mine"'},
            {"id": "11", "participant_id": "2", "question": "secret", "answer": '"mine"'},
            {"id": "12", "participant_id": "3", "question": "open", "answer": '"mine"'},
        ],
        info=[
            {"id": "1", "type": "e.A", "response_id": "10", "answer": '"mine"', "details": "{}"},
            {"id": "2", "type": "e.B", "response_id": "11", "answer": '"mine"', "details": "{}"},
            {"id": "3", "type": "e.A", "response_id": "12", "answer": '"mine"', "details": "{}"},
        ],
    )
    decided = rules(("response", "answer", "secret", "drop", "drop"), ("info", "answer", "B", "keep", "drop"))
    found = Anonymized(tables, policy=decided)
    assert [row["answer"] for row in found.after["participant"]] == [None, '"else"', '"mine"']
    assert [json.loads(row["vars"]) for row in found.after["participant"]] == [{"secret": None, "open": "x"}] * 3
    assert [row["answer"] for row in found.after["info"]] == [None, '"mine"', '"mine"']


def test_answers_that_a_module_gathers_go_by_their_questions():
    gathered = [{"secret": "mine", "open": "x", "secret_1": "mine too"}, {"open": 1.0}]
    tables = Tables(
        participant=[{"id": "1", "answer_accumulators": json.dumps(gathered), "details": "{}"}],
        response=[{"id": "10", "participant_id": "1", "question": "secret", "answer": '"mine"'}],
    )
    found = Anonymized(tables, policy=rules(("response", "answer", "secret", "drop", "drop")))
    left = json.loads(found.after["participant"][0]["answer_accumulators"])
    assert left == [{"secret": None, "open": "x", "secret_1": None}, {"open": 1.0}]
    assert Anonymized(tables).changes("participant") == []


@pytest.mark.parametrize("policy", [None, rules(("response", "answer", "q", "drop", "drop"))])
def test_they_are_kept_with_the_identifiers_and_named_by_no_digest(policy):
    told = {"response": [{"id": "1", "participant_id": "4", "question": "q", "answer": '"mine"'}]}
    found = collect(chain(**told), policy or Policy.load())
    again = Identifiers.from_bytes(found.to_bytes())
    assert again.copies == found.copies
    assert again.copies.nodes == {"2": ["e.Tell"]}
    assert bool(again.copies.responses) == (policy is not None)
    assert '"mine"' not in repr(again.copies.answers)
    assert again.digest == Identifiers(found.kinds, found.personal_assets, found.public).digest


STORY, KEPT = "the fox crossed the river at night", "a question of my own"
QUOTED = f"Please tell this story again: {STORY}"


def told_again(table: str) -> Tables:
    """Someone tells a story; the next one is shown it, on a page that quotes it. `table`: where trials are."""
    trial = {"type": "e.Tell", "details": "{}"} if table == "info" else {"type": "e.Tell"}
    made = json.dumps({"text": STORY})
    trials = [
        {"id": "1", "node_id": "1", "response_id": "10", "answer": json.dumps(STORY), "definition": "{}", **trial},
        {"id": "2", "node_id": "2", "response_id": "11", "answer": json.dumps("x"), "definition": made, **trial},
    ]
    pages = [{"prompt": {"text": KEPT}, "time_taken": 2.0}, {"prompt": {"text": QUOTED}, "time_taken": 3.0}]
    return Tables(
        node=[
            {"id": "1", "type": "e.N", "seed": "{}", "definition": "{}", "details": "{}"},
            {"id": "2", "type": "e.N", "parent_id": "1", "seed": made, "definition": made, "details": "{}"},
        ],
        response=[
            {"id": str(10 + n), "participant_id": str(n), "question": question, "answer": trials[n]["answer"]}
            | {"metadata_": json.dumps(page), "details": "{}"}
            for n, (question, page) in enumerate(zip(("story", "other"), pages, strict=True))
        ],
        **{table: trials},
    )


@pytest.mark.parametrize("table", ["info", "trial"])
@pytest.mark.parametrize(
    "decided", [("response", "answer", "story"), ("info", "answer", "Tell"), ("response", "answer", "st*")]
)
def test_a_withheld_answer_leaves_by_no_copy_and_by_no_page_that_quotes_it(table, decided):
    policy = rules((*decided, "drop", "drop"))
    after = Anonymized(told_again(table), policy=policy).after
    left = {name: rows for name, rows in after.items() if decided[0] == "response" or name != "response"}
    assert STORY not in json.dumps(left)
    pages = [json.loads(row["metadata_"]) for row in after["response"]]
    assert pages == [{"prompt": {"text": KEPT}, "time_taken": 2.0}, {"prompt": None, "time_taken": 3.0}]
    assert STORY in json.dumps(Anonymized(told_again(table)).after)


@pytest.mark.parametrize("table", ["info", "trial"])
def test_without_text_no_copy_leaves(table):
    left = json.dumps(Anonymized(told_again(table), options=Options(drop_text=True)).after)
    assert STORY not in left
    assert KEPT not in left


def test_a_key_s_rule_withholds_what_a_page_asked_about_it():
    found = Anonymized(told_again("info"), policy=rules(("info", "answer", "Tell/text", "drop", "drop")))
    pages = [json.loads(row["metadata_"])["prompt"] for row in found.after["response"]]
    assert pages == [{"text": KEPT}, None]
