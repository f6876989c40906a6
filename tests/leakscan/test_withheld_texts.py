"""The search for what people wrote and what was withheld."""

import json

import pytest

from exports.leakscan.needles import withheld_texts
from exports.leakscan.needles.withheld_texts import WithheldTexts
from exports.models import ExportArchive
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata.psynet.csvtext import without_null
from psynetdata.psynet.problems import LeakFound
from psynetdata.psynet.tables import describe
from tests.store.snapshot_factory import reference, written_down

COLUMNS = ["id", "participant_id", "answer", "metadata_"]


def gathered(*rows, left=None):
    texts = WithheldTexts()
    assert texts.columns("response", describe("response", COLUMNS))
    for number, (who, answer, page) in enumerate(rows):
        row = [str(number), who, answer, page]
        texts.add_block("response", [without_null(row)], [without_null([str(number), who, left, None])])
    return texts.texts


def test_what_one_person_wrote():
    nested = json.dumps({"a": ["my own long words", "short"], "b": 1})
    assert gathered(("1", '"a sentence of mine"', None), ("2", nested, None)) == [
        "a sentence of mine",
        "my own long words",
    ]


def test_what_several_gave_or_a_page_offered_is_a_choice():
    page = json.dumps({"control": {"choices": ["Neither one nor the other"]}})
    chosen = ('"Strongly agree with it"', None)
    assert gathered(("1", *chosen), ("2", *chosen), ("3", '"Neither one nor the other"', page)) == []
    assert gathered(("1", *chosen), ("1", *chosen)) == ["Strongly agree with it"]


def test_what_leaves_is_not_withheld():
    assert gathered(("1", '"a sentence of mine"', None), left='"a sentence of mine"') == []


def test_a_table_without_words():
    assert not WithheldTexts().columns("vector", describe("vector", ["id", "origin_id"]))


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.parametrize("name", ["static", "static_audio", "timeline", "custom_table_simple"])
def test_no_alarm_without_a_leak(name):
    export = request_export(reference(name).deployment, ExportOptions("yes", "open", "none"), here=True)
    run_here(export)
    assert export.archives.get().report["clean"]


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_withheld_words_that_leave_elsewhere_are_found():
    """The order of blocks leaves; here it holds what someone wrote."""
    words = "the blue house behind the old mill"
    snapshot = written_down(
        {
            "response": [["id", "participant_id", "question", "answer", "vars"], ["1", "1", "q", f'"{words}"', "{}"]],
            "module_state": [["id", "block_order", "vars"], ["1", json.dumps([words]), "{}"]],
        }
    )
    export = request_export(snapshot.deployment, ExportOptions("yes", "open"), here=True)
    with pytest.raises(LeakFound, match="withheld_text"):
        run_here(export)
    assert not ExportArchive.objects.exists()


def test_a_part_of_an_answer_that_is_withheld():
    came, left = json.dumps({"a": "what I really think", "b": "what may leave here"}), None
    left = json.dumps({"a": None, "b": "what may leave here"})
    assert gathered(("1", came, None), left=left) == ["what I really think"]


def test_what_leaves_in_another_answer_is_known():
    texts = WithheldTexts()
    assert texts.columns("response", describe("response", COLUMNS))
    said = '"a sentence of mine"'
    rows = [["1", "1", said, None], ["2", "1", said, None]]
    left = [["1", "1", None, None], ["2", "1", said, None]]
    texts.add_block("response", list(map(without_null, rows)), list(map(without_null, left)))
    assert texts.texts == []


def test_what_a_row_of_the_experiment_s_own_holds_is_known_and_what_people_made_is_not():
    nodes = ["id", "definition", "parent_id", "participant_id"]
    for owner, texts_left in ((["", ""], []), (["1", ""], ["a sentence of mine"]), (["", "1"], ["a sentence of mine"])):
        texts, more = WithheldTexts(), WithheldTexts()
        assert texts.columns("response", describe("response", COLUMNS))
        assert more.columns("node", describe("node", nodes))
        answer = ["1", "1", '"a sentence of mine"', ""]
        texts.add_block("response", [answer], [["1", "1", "", ""]])
        node = ["4", json.dumps({"text": "a sentence of mine"}), *owner]
        more.add_block("node", [node], [node])
        texts.add(more)
        assert texts.texts == texts_left


def test_a_page_that_quotes_it_to_somebody_else_does_not_make_it_a_choice():
    page = json.dumps({"prompt": {"text": "a sentence of mine"}})
    assert gathered(("1", '"a sentence of mine"', None), ("2", '"something else again"', page)) == [
        "a sentence of mine",
        "something else again",
    ]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(withheld_texts, "MOST", 3)
    monkeypatch.setattr(withheld_texts, "MOST_KNOWN", 3)
    assert len(gathered(*((str(n), f'"a sentence of number {n}"', None) for n in range(9)))) == 3
    kept = [(str(n), f'"a sentence of number {n}"', None) for n in range(9)]
    assert gathered(*kept, left='"a sentence of number 1"') != []


def test_a_log_of_what_someone_typed_is_not_an_offer():
    log = {"event_log": [{"info": "a sentence of mine"}], "control": {"choices": ["é, the second choice"]}}
    for escaped in (True, False):
        page = json.dumps(log, ensure_ascii=escaped)
        assert gathered(("1", '"a sentence of mine"', page)) == ["a sentence of mine"]
        assert gathered(("1", '"é, the second choice"', page)) == []
