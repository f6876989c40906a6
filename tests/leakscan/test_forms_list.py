"""The list of forms, psynetdata/psynet/forms.csv: the scrub replaces each, the scan finds each, and neither knows the
other."""

import base64
import csv
import gzip
import json
from pathlib import Path

import pytest

import psynetdata.psynet
from exports.leakscan.search.location import HitLocation
from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.stream import BlockSearch
from exports.leakscan.search.views import search
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import Scrubber
from tests.anonymize.conftest import KEY
from tests.forms import WRITE, WRITE_NUMBER

from .samples import ENGINES, needles

LIST = list(csv.DictReader((Path(psynetdata.psynet.__file__).parent / "forms.csv").open(newline="", encoding="utf-8")))
VALUES = (
    *("anna-lena 4711", "5f3e9a1b2c4d5e6f7a8b9c0d", "0c115439-2337-324e-74c1-dcad3761dcd9", "k3j9x2", "zoltan"),
    *("zoë.k+x@mail.example.org", "李雷_zhang-17 x", "Иван-Петров 77", "josé-maría", "203.0.113.10"),
    'p@ss"w%rd\\7&<x>',
)
DIGITS = ("482913", "1234567", "1234567890")
# Where a text may be: alone, in a sentence, in JSON as value and as key, in JSON that is inside JSON.
PLACES = (
    lambda text: text,
    lambda text: f"said {text} and left",
    lambda text: json.dumps({"a": [text]}),
    lambda text: json.dumps({text: 1}, ensure_ascii=False),
    lambda text: json.dumps({"a": json.dumps({"b": [text]}, ensure_ascii=False)}),
)
# Where a number may be.
NUMBER_PLACES = (
    lambda number: f'{{"matrikelnummer": {number}}}',
    lambda number: f"[{number}]",
    lambda number: f"[1, {number}, 5]",
    lambda number: f'{{"a": {{"b": [1, {number}]}}}}',
    lambda number: json.dumps({"in": json.dumps({"n": float(number)})}),
)


class Sides:
    """The scrub and the scan for one identifier."""

    def __init__(self, value: str, engine: str = "hyperscan"):
        self._scrubber = Scrubber(Identifiers({value: "worker_id"}), Pseudonyms(KEY))
        self._matcher = Matcher(needles(worker_id=value), engine)

    def fault(self, cell: str) -> str:
        """What is wrong with the two sides' opinion of a cell that holds the identifier; "" if nothing is."""
        clean = self._scrubber.cell(cell)
        if not self._hits(cell):
            return "not found"
        if clean == cell:
            return "not replaced"
        return "found after it was replaced" if self._hits(clean) else ""

    def _hits(self, cell: str) -> bool:
        return bool(list(search(cell.encode(), self._matcher)))


def test_the_list_is_what_the_tests_write():
    written = dict.fromkeys(WRITE, "text") | dict.fromkeys(WRITE_NUMBER, "number")
    assert {line["name"]: line["of"] for line in LIST} == written
    for line in LIST:
        assert not Sides(line["value"]).fault(f"see {line['example']} here"), line["name"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_form_is_replaced_and_found(engine):
    faults = []
    for value in VALUES:
        sides = Sides(value, engine)
        for name, write in WRITE.items():
            faults += [(value, name, fault) for place in PLACES if (fault := sides.fault(place(write(value))))]
    assert faults == []


def test_every_number_is_replaced_and_found():
    faults = []
    for value in DIGITS:
        sides = Sides(value)
        for name, write in WRITE_NUMBER.items():
            cells = [place(write(value)) for place in (*PLACES[2:3], lambda text: f"my number {text}!")]
            if name in ("number", "decimal"):
                cells += [place(write(value)) for place in NUMBER_PLACES]
            faults += [(value, name, cell, fault) for cell in cells if (fault := sides.fault(cell))]
    assert faults == []


@pytest.mark.parametrize("text", ["482.913 ms", "48291", "482913.5", "1482913", "0.482913", "482913.05", "12482,913"])
def test_other_numbers_stay(text):
    scrubber = Scrubber(Identifiers({"482913": "worker_id"}), Pseudonyms(KEY))
    numbers = json.dumps({"n": [482913.5, 1482913, 48291, 0.482913], "id": 7})
    assert scrubber.cell(numbers) == numbers
    if text != "482.913 ms":
        assert scrubber.cell(f"so {text} it is") == f"so {text} it is"


@pytest.mark.parametrize(
    "text", ["U3RhdGljVHJpYWw=", "f" * 40, "2026-11-22T08:12:49", "H4sIAAAA", "eJyr", "=41=42", "ﬁne"]
)
def test_what_only_looks_encoded_stays(text):
    scrubber = Scrubber(Identifiers({"anna-lena 4711": "worker_id"}), Pseudonyms(KEY))
    assert scrubber.cell(json.dumps({"a": text})) == json.dumps({"a": text})


def test_a_packed_text_across_blocks_is_found_once():
    text = " ".join(f"{number * 7919 % 10007}" for number in range(3000)) + " anna-lena 4711"
    data = b"x " * 3000 + base64.b64encode(gzip.compress(text.encode(), mtime=0)) + b" y" * 3000
    found = []
    blocks = BlockSearch(
        Matcher(needles(worker_id="anna-lena 4711")), HitLocation(str), lambda hit, place: found.append(hit.form)
    )
    for start in range(0, len(data), 4096):
        blocks.feed(data[start : start + 4096])
    blocks.close()
    assert found == ["base64+packed"]
