"""Exactly what is replaced in the reference databases at level shared, and that nothing else is."""

import difflib
import re
from collections import Counter

import pytest

from psynetdata.anonymize.text.pseudonyms import Pseudonyms

from .conftest import DATABASES, KEY

# Cells that change as a whole, in the rows of each reference: by rule, told column by column.
IDS = ("participant.worker_id", "participant.assignment_id", "participant.unique_id", "request.unique_id")
IDS += ("participant.hit_id", "participant.fingerprint_hash", "notification.assignment_id")
GONE = ("participant.client_ip_address", "response.client_ip_address", "participant.page_uuid", "asset.secret")
GONE += ("asset.storage", "asset.input_path")
# Configuration (members are withheld by key), request parameters, and files, which tests of their own look at.
OTHERS = ("experiment.vars", "experiment_status.extra_info", "request.params")
# What stands in the middle of text: {reference: {(column, what went, what came): cells}}, PsyNet's event times aside.
IN_TEXT = {
    "static": {},
    "timeline": {
        ("response.answer", "149d439536b3216fdaeeb975", "p_vww654ty6bfegh33bbza"): 1,
        ("response.answer", "jane.doe5@example.org", "[email]"): 1,
    },
    "custom_table_simple": {},
}
_TOKEN = re.compile(r"[\w@.:/+-]+|\W")
_EVENT_TIME = re.compile(r'"\d{4}-\d\d-\d\dT[\d:.]+Z"')


def pieces(old: str, new: str):
    """(what went, what came) of each place in which two texts differ."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    for what, i, j, k, n in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            yield "".join(before[i:j]), "".join(after[k:n])


def text_changes(found) -> Counter:
    changed: Counter = Counter()
    for table in found.before:
        for column, old, new in found.changes(table):
            place = f"{table}.{column}"
            if place in IDS:
                assert new == Pseudonyms(KEY).pseudonym(old), place
            elif place in GONE:
                assert new in (None, "", "{}"), place
            elif place not in OTHERS and table != "asset":
                changed.update((place, *piece) for piece in pieces(old, new))
    return changed


@pytest.mark.parametrize("name", IN_TEXT)
def test_what_is_replaced_and_nothing_else(references, name):
    changed = text_changes(references[name, "shared"])
    times = {piece for piece in changed if _EVENT_TIME.fullmatch(piece[1])}
    assert {place for place, _, _ in times} <= {"response.answer", "response.metadata_"}
    assert all(re.fullmatch(r"\d+\.\d{1,3}", new) for _, _, new in times)
    assert {piece: count for piece, count in changed.items() if piece not in times} == IN_TEXT[name]


def test_recordings_lose_their_addresses_and_texts_their_ids(references):
    found = references["static_audio", "shared"]
    changed = text_changes(found)
    secrets = {row["secret"] for row in found.before["asset"]} - {None}
    removed = {piece for piece in changed if piece[2] == "[removed]"}
    assert {place for place, _, _ in removed} == {"info.answer", "response.answer", "response.metadata_"}
    assert [old for _, old, _ in removed if not (re.search(r"imitation__.*\.wav$", old) or old in secrets)] == []
    others = {(place, old) for place, old, _ in changed.keys() - removed}
    ids = {row["worker_id"] for row in found.before["participant"]}
    assert {old for _, old in others} <= ids | {"jane.doe3@example.org", "jane.doe4@example.org"}
    assert {place for place, _ in others} == {"response.answer", "participant.vars"}


def test_numbers_that_are_data_survive(references):
    number = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
    for name in DATABASES:
        found = references[name, "shared"]
        for table, columns in {"info": ("definition", "score", "vars"), "node": ("definition", "seed")}.items():
            for old, new in zip(found.before[table], found.after[table], strict=True):
                for column in columns:
                    assert number.findall(old[column] or "") == number.findall(new[column] or "")
