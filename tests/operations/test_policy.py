"""Deciding what leaves: the command, what it does to exports and faces, and for deployments that continue."""

import csv
import io
import json
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from exports.operations import policy as policy_operation
from psynetdata.anonymize.face.deployment_anonymizer import policy_of
from psynetdata.anonymize.face.policy_decisions import decide, forget
from psynetdata.anonymize.policy.rules import FIELDS, Rule
from psynetdata.models import Audit, Decision, Deployment, MirroredTable, Response
from psynetdata.psynet.problems import BadInput, NotFound, UsageError
from tests.store.snapshot_factory import reference, written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
CHORD = Rule("response", "answer", "chord", "drop", "drop", "choice", "nobody's business")
WITHHOLDING = {"scrubbed": (), "withheld": ("withhold", "yes"), "scrubbed again": ("withhold", "no")}


def policy(*words):
    out = StringIO()
    call_command("policy", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_undecided_is_listed_decided_by_file_and_gone(tmp_path):
    snapshot = reference("timeline")
    said = policy("undecided")
    (line,) = [line for line in said.splitlines() if " chord " in line]
    assert " ".join(line.split()) == "response answer chord 7 text of 5 characters, 2 different scrub scrub choice"
    answers = [json.loads(each) for each in _answers(snapshot)]
    typed = [each for each in answers if isinstance(each, str) and len(each) > 6]
    assert typed
    assert [each for each in typed if each in said] == []
    path = tmp_path / "decisions.csv"
    path.write_text("# what we decided\n" + policy("undecided", "--csv"), encoding="utf-8")
    assert next(csv.reader(io.StringIO(policy("undecided", "--csv")))) == FIELDS
    before = policy_of(snapshot.deployment).sha256
    assert "Decided about 13" in policy("decide", "--file", str(path))
    assert policy_of(snapshot.deployment).sha256 != before
    assert "covered by a rule" in policy("undecided")
    assert policy("list").count("command line") == Decision.objects.count() == 13
    assert Audit.objects.filter(verb="decide", deployment=snapshot.deployment).count() == 13


def _answers(snapshot):
    source = policy_operation.MirrorSource(snapshot)
    at = [column.name for column in source.columns("response")].index("answer")
    return [row[at] for row in source.rows("response") if row[at]]


def test_a_decision_holds_in_exports_and_fills_the_face_anew(tmp_path):
    snapshot = reference("timeline")
    policy("decide", "response", "answer", "weight", "--shared", "keep", "--open", "keep", "--kind", "number")
    chords = Response.objects.using("anonymous").filter(question="chord")
    assert chords.exclude(answer=None).count() == 7
    name = MirroredTable.objects.using("anonymous").filter(table="response").values_list("transform", flat=True)
    first = name.get()
    policy("decide", "response", "answer", "chord", "--shared", "drop", "--open", "drop", "--kind", "choice")
    assert chords.exclude(answer=None).count() == 0
    assert name.get() != first
    call_command(
        "export", "--anonymize", "--level", "open", "--path", str(tmp_path / "x"), stdout=StringIO(), stderr=StringIO()
    )
    rows = list(csv.DictReader((tmp_path / "x/anonymous/data/Response.csv").open(encoding="utf-8")))
    answers = {row["question"]: row["answer"] for row in rows}
    assert answers["weight"]
    assert answers["chord"] == ""
    told = json.loads((tmp_path / "x/anonymous/anonymization.json").read_text())
    assert told["policy"]["sha256"] == policy_of(snapshot.deployment).sha256
    assert "Taken back" in policy("forget", "response", "answer", "chord")
    assert chords.exclude(answer=None).count() == 7
    assert name.get() == first


def test_what_is_undecided_can_be_withheld_at_level_shared_too(tmp_path):
    snapshot = reference("timeline")
    policy("decide", "response", "answer", "weight", "--shared", "keep", "--open", "keep", "--kind", "number")
    chords = Response.objects.using("anonymous").filter(question="chord").exclude(answer=None)
    assert chords.count() == 7
    told = {mode: _exported(tmp_path / mode, *say) for mode, say in WITHHOLDING.items()}
    assert told["scrubbed"] == told["scrubbed again"]
    assert told["withheld"] != told["scrubbed"]
    assert [one["undecided_withheld"] for one, _ in told.values()] == [False, True, False]
    assert [one["policy"]["sha256"] for one, _ in told.values()].count(told["withheld"][0]["policy"]["sha256"]) == 1
    before, after = told["scrubbed"][1], told["withheld"][1]
    assert before.keys() - after.keys() >= {"Bot.answer", "Bot.answer_accumulators"}
    assert 0 < after["Response.answer"] < before["Response.answer"]
    assert after["Response.question"] == before["Response.question"]
    assert policy("withhold", "yes").endswith("from now on.\n")
    assert chords.count() == 0
    assert policy("withhold", "yes").endswith("as before.\n")
    assert "at neither level" in policy("undecided")
    assert Audit.objects.filter(verb="withhold undecided", deployment=snapshot.deployment).count() == 3


def _exported(folder, *say):
    """anonymization.json, and {class.column: cells that hold something} of an export once that was said."""
    if say:
        policy(*say)
    call_command("export", "--anonymize", "--path", str(folder), stdout=StringIO(), stderr=StringIO())
    found = {}
    for path in (folder / "anonymous/data").glob("*.csv"):
        for row in csv.DictReader(path.open(encoding="utf-8")):
            for name, cell in row.items():
                found[f"{path.stem}.{name}"] = found.get(f"{path.stem}.{name}", 0) + bool(cell)
    return json.loads((folder / "anonymous/anonymization.json").read_text()), found


def test_decisions_hold_for_deployments_that_continue():
    first = reference("timeline").deployment
    later = Deployment.objects.create(deployment_id="later", continues=first)
    other = Deployment.objects.create(deployment_id="other")
    decide(later, [CHORD])
    assert policy_of(first).sha256 == policy_of(later).sha256 != policy_of(other).sha256
    forget(first, "response", "answer", "chord")
    assert policy_of(later).sha256 == policy_of(other).sha256


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Rule("participant", "worker_id", "", "keep", "drop", "label", "x"), "pseudonym or drop"),
        (Rule("participant", "wroker_id", "", "drop", "drop", "label", "x"), "no column wroker_id"),
        (Rule("response", "answer", "q", "blur", "drop", "choice", "x"), "unknown action"),
        (Rule("response", "answer", "q", "drop", "drop", "", "x"), "a kind of content"),
        (Rule("response", "answer", "q" * 501, "drop", "drop", "choice", "x"), "at most 500"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_all_of_the_file_with_it(rule, sentence):
    deployment = reference("timeline").deployment
    with pytest.raises(BadInput, match=sentence):
        decide(deployment, [CHORD, rule])
    assert not Decision.objects.exists()


def test_wrong_words_get_a_sentence(tmp_path):
    reference("timeline")
    for words in (["decide"], ["decide", "response", "answer"], ["decide", "--file", "x", "response", "answer"]):
        with pytest.raises(UsageError, match="Give either --file"):
            policy(*words)
    with pytest.raises(NotFound, match="Nothing was decided"):
        policy("forget", "response", "answer", "chord")
    with pytest.raises(BadInput, match="cannot be read"):
        policy("decide", "--file", str(tmp_path / "nothing.csv"))
    (tmp_path / "odd.csv").write_text("table,column\n", encoding="utf-8")
    with pytest.raises(BadInput, match="needs the columns"):
        policy("decide", "--file", str(tmp_path / "odd.csv"))


def test_a_key_that_is_an_id_is_told_without_it():
    worker = "5f0c5a3b9d1e4a0001a2b3c4"
    row = ["1", worker, f"{worker}:s", json.dumps({worker: 1})]
    snapshot = written_down({"participant": [["id", "worker_id", "unique_id", "vars"], row]})
    (found,) = policy_operation.list_undecided(snapshot)
    assert found["masked"]
    assert worker not in json.dumps(found)
    assert found["rows"] == 1


def test_accepting_the_line_of_a_key_that_reads_as_a_pattern_opens_that_key_only(tmp_path):
    own = json.dumps({"*": 5, "opt[*]": 6, "other": 7, "": 8, "a.b": 9, " \u2028#": 1})
    snapshot = written_down({"participant": [["id", "worker_id", "vars"], ["1", "w1", own]]})
    path = tmp_path / "decisions.csv"
    lines = policy("undecided", "--csv").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"other"' not in line), encoding="utf-8")
    assert "Decided about 5" in policy("decide", "--file", str(path))
    assert [each["selector"] for each in policy_operation.list_undecided(snapshot)] == ["other"]
    assert "(a pattern)" not in policy("list")
    policy("decide", "participant", "vars", "o*", "--shared", "keep", "--open", "drop", "--kind", "number")
    assert "o* (a pattern)" in policy("list")
    assert policy_operation.list_undecided(snapshot) == []


def test_earlier_decisions_are_rewritten_where_they_meant_two_things():
    first = Deployment.objects.create(deployment_id="first")
    rule = {"shared": "keep", "open": "drop", "kind": "number", "reason": "x"}
    for column, selector in (("answer", "why. 100%"), ("vars", "a.b"), ("vars", "gmsi*"), ("vars", "")):
        table = "response" if column == "answer" else "participant"
        Decision.objects.create(deployment=first, table=table, column=column, selector=selector, **rule)
    migration = import_module("psynetdata.migrations.0022_literal_selectors")
    migration.forwards(apps, SimpleNamespace(connection=connection))
    rows = Decision.objects.filter(deployment=first).values_list("selector", "shared", "open")
    assert sorted(rows) == [(each, "keep", "drop") for each in ("", "a%2Eb", "a.b", "gmsi*", "why. 100%25")]


def test_a_special_category_never_leaves_for_a_repository():
    deployment = Deployment.objects.create(deployment_id="first")
    with pytest.raises(BadInput, match="special category"):
        decide(deployment, [Rule("response", "answer", "faith", "keep", "keep", "special_category", "x")])
    assert decide(deployment, [Rule("response", "answer", "faith", "keep", "drop", "special_category", "x")]) == 1
