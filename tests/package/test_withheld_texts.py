"""The search for what people wrote and what was withheld."""

import json

import pytest

from exports.models import ExportArchive
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.package.tree.withheld_texts import WithheldTexts
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
    assert not WithheldTexts().columns("node", describe("node", ["id", "definition"]))


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
