"""What free text loses and what it keeps: personal_data.csv has a line for each written form, found or not."""

import csv
import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from psynetdata.anonymize.forms import patterns
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import Scrubber

from .conftest import DATABASES, KEY, reference

LINES = list(csv.DictReader(Path(__file__).with_name("personal_data.csv").open(newline="", encoding="utf-8")))
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "anonymization.md"
# The kind of data that stays.
DATA = "data"
# As `kind` of a line in the list, and in the documentation.
NAMES = {
    "phone": "phone numbers",
    "email": "e-mail addresses",
    "account": "accounts and cards",
    "birth_date": "birth dates",
    "address": "postal addresses",
    "uuid": "UUIDs under names of identity",
}
SENTENCES = ("{}", "so {}, thanks", "({})", "yes\n{}\nno")


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    return Scrubber(Identifiers({"nobody-4711": "worker_id"}), Pseudonyms(KEY))


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_line_of_the_list(scrubber, sentence):
    wrong = []
    for line in LINES:
        text, left = sentence.format(line["text"]), sentence.format(line["left"])
        cells = {json.dumps({"a": [text]}): json.dumps({"a": [left]})}
        cells |= {} if text.isdigit() else {text: left}  # a number in JSON stays
        wrong += [
            (line["kind"], cell, made)
            for cell, expected in cells.items()
            if (made := scrubber.cell(cell, free_text=True)) != expected or scrubber.cell(cell) != cell
        ]
    assert wrong == []


def test_the_documentation_says_how_many_are_found():
    found = Counter(line["kind"] for line in LINES if line["left"] != line["text"])
    listed = Counter(line["kind"] for line in LINES)
    documentation = DOCUMENTATION.read_text()
    for kind, name in NAMES.items():
        assert f"| {name} | {found[kind]} of {listed[kind]} |" in documentation
    assert f"{found[DATA]} of {listed[DATA]} texts that look similar" in documentation


def test_no_false_alarm_in_the_reference_databases(scrubber):
    """All text is taken for free text here, though the policy says so of few columns."""
    false_alarms = []
    for name in DATABASES:
        source = reference(name)
        cells = {cell for table in source.tables() for row in source.rows(table) for cell in row if cell}
        for cell in cells:
            clean = scrubber.cell(cell, free_text=True)
            contact = re.search(r"@|\d\.\d+\.\d+\.\d|[0-9a-f]{24}", cell)
            if clean != cell and (re.search(r"\[(?:phone|account|date)\]", clean) or not contact):
                false_alarms.append(cell)
    assert false_alarms == []


def test_a_uuid_under_a_name_of_identity_goes_from_json(scrubber):
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    cell = json.dumps({"workerId": uuid, "item": uuid})
    assert scrubber.cell(cell, free_text=True) == json.dumps({"workerId": "[removed]", "item": uuid})
    assert scrubber.cell(cell) == cell


@pytest.mark.parametrize(
    "text",
    ["0 ", "born 1.1.90 ", "a at b ", "12 a b c street ", "a.", "via ", "de89 ", "ü1", "a@", "worker id ", ", a"],
)
def test_long_texts_take_little_time(text):
    """Seconds of the processor; with a pattern that looks back at each place, minutes."""
    began = time.process_time()
    patterns.replace(text * (40_000 // len(text)) + "12")
    assert time.process_time() - began < 5
