"""The check without exemptions: what it sees, why that is allowed, and that no exemption of the first reaches it."""

import gzip
import json
from pathlib import Path

import pytest

from exports.leakscan.needles.needle import Needles
from exports.leakscan.report import ScanReport
from exports.leakscan.scan import scan
from exports.leakscan.second_check import shapes, sightings
from exports.leakscan.second_check.people_ids import is_strong
from exports.leakscan.second_check.sightings import NOT_A_PERSON, OWN, WORD, SecondCheck

from .samples import Rows, archive

HEX, TURK, UUID = "149d439536b3216fdaeeb975", "A3N0QZ8LCV7PT2", "833fc197-32a4-721b-6a34-9ace4df4eda4"
OTHER_UUID, OWN_UUID = "0c115439-2337-324e-74c1-dcad3761dcd9", "11111111-2337-324e-74c1-dcad3761dcd9"
MAIL, PHONE = "zoe.k+x@mail.example.org", "+49 30 1234567"
PEOPLE = [
    {"id": "1", "worker_id": HEX, "assignment_id": UUID, "unique_id": f"{HEX}:{UUID}"},
    {"id": "2", "worker_id": TURK, "assignment_id": "lab-participant-07", "unique_id": f"{TURK}:lab-participant-07"},
    {"id": "3", "worker_id": "dogs", "assignment_id": "P01", "unique_id": "dogs:P01"},
    {"id": "4", "worker_id": "30", "assignment_id": MAIL, "unique_id": f"30:{MAIL}"},
]
SOURCE = Rows(participant=PEOPLE, asset=[{"id": "1", "participant_id": None, "content_id": OWN_UUID}])


def check() -> SecondCheck:
    return SecondCheck(SOURCE, [("5f3e9a1b2c4d5e6f7a8b9c0d", "worker_id"), ("p4ssw0rd-of-it", "secret")])


def checked(folder: Path, members: dict[str, bytes], *, processes: int = 1) -> ScanReport:
    """The report of a scan whose first check looks for nothing."""
    return scan(archive(folder, members), Needles(), second=check(), processes=processes)


def seen(report: ScanReport) -> dict[tuple[str, str, str], tuple[int, str]]:
    return {
        (row["member"].removeprefix("archive/"), row["column_or_place"], row["shape"]): (
            row["count"],
            row["why_allowed"],
        )
        for row in report.second_check["seen"]
    }


@pytest.mark.parametrize(
    "value", [HEX, HEX.upper(), TURK, UUID, MAIL, "lab-participant-07", "5f3e9a1b2c4d5e6f7a8b9c0d"]
)
def test_an_id_that_leaves_is_a_finding_whatever_the_first_scan_makes_of_it(tmp_path, value):
    rows = "id,group\n" + "".join(f'{number},"so ""{value}"", yes"\n' for number in range(3))
    report = checked(tmp_path, {"data/info.csv": rows.encode()})
    ((finding),) = report.findings
    assert (finding.member, finding.column_or_place, finding.form) == (
        "archive/data/info.csv", "column group", "second check",
    )  # fmt: skip
    assert finding.count == 3
    assert value not in json.dumps(report.to_json())


def test_what_is_no_persons_id_is_listed_with_the_reason(tmp_path):
    rows = (
        f"id,a,b\n1,{OTHER_UUID},{OWN_UUID}\n2,{OTHER_UUID},x\n3,me@b.example.org,{PHONE}\n4,030 12345678,{'ab' * 12}\n"
    )
    report = checked(tmp_path, {"data/info.csv": rows.encode(), "hashes.json": ("ab" * 16).encode()})
    assert report.findings == []
    assert seen(report) == {
        ("data/info.csv", "column a", "UUID"): (2, NOT_A_PERSON),
        ("data/info.csv", "column b", "UUID"): (1, OWN),
        ("data/info.csv", "column a", "e-mail address"): (1, NOT_A_PERSON),
        ("data/info.csv", "column b", "phone number"): (1, NOT_A_PERSON),
        ("data/info.csv", "column a", "phone number"): (1, NOT_A_PERSON),
        ("data/info.csv", "column b", "24 hexadecimal digits"): (1, NOT_A_PERSON),
    }


def test_short_ids_and_words_are_listed_only(tmp_path):
    rows = b"id,animal\n1,dogs\n2,Dogs\n3,hotdogs\n4,P01\n5,30\n"
    report = checked(tmp_path, {"data/info.csv": rows})
    assert report.findings == []
    assert seen(report) == {("data/info.csv", "column animal", "an id that is a word"): (3, WORD)}


def test_names_comments_and_packed_parts_are_looked_at_too(tmp_path):
    members = {f"{HEX}.csv": b"", "a.gz": gzip.compress(UUID.encode(), mtime=0), "b.bin": b"\0\1\2" + TURK.encode()}
    report = checked(tmp_path, members)
    assert {finding.kind for finding in report.findings} == {"worker_id", "assignment_id"}
    assert {finding.column_or_place for finding in report.findings} == {"name", "content", "zip headers"}


def test_parts_of_a_large_table_count_each_sighting_once(tmp_path):
    rows = "id,a,b\n" + f"1,{OTHER_UUID},{'x' * 2000}\n" * 5000
    report = checked(tmp_path, {"data/info.csv": rows.encode()}, processes=2)
    assert seen(report) == {("data/info.csv", "column a", "UUID"): (5000, NOT_A_PERSON)}


def test_very_many_sightings_are_counted_without_their_places(tmp_path, monkeypatch):
    monkeypatch.setattr(sightings, "_MOST_PLACED", 3)
    rows = "id,a\n" + f"1,{OTHER_UUID}\n" * 50 + f"2,{UUID}\n"
    report = checked(tmp_path, {"data/info.csv": rows.encode()})
    assert [(row["column_or_place"], row["count"]) for row in report.second_check["seen"]] == [
        ("(further ones)", 47), ("column a", 3), ("column a", 1),
    ]  # fmt: skip
    assert [(finding.column_or_place, finding.kind) for finding in report.findings] == [("column a", "assignment_id")]


def test_both_engines_see_the_same(monkeypatch):
    text = f"a {HEX}, {TURK};{UUID} <{MAIL}> tel. {PHONE} 06 12 34 56 78 (dogs) x{HEX} lab-participant-07".encode()
    words = [b"dogs", b"lab-participant-07"]
    first = {(m.shape, m.start, m.end, m.word) for m in shapes.Finder(words).matches(text)}
    monkeypatch.setattr(shapes.importlib.util, "find_spec", lambda name: None)
    assert {(m.shape, m.start, m.end, m.word) for m in shapes.Finder(words).matches(text)} == first
    assert len(first) == 8


@pytest.mark.parametrize(
    "text",
    ["2026-10-01 09:07:42.123456", "0.12345678901234", "1,01 02 3", "09:07", "p_abcdefghij234567klmn", "a@b", "+5"],
)
def test_ordinary_data_has_no_shape(text):
    assert list(shapes.Finder([]).matches(f"1,{text},x".encode())) == []


@pytest.mark.parametrize(
    ("text", "strong"),
    [("participant1", True), ("1234567890", True), ("a@b.c.de", True), ("123456789", False), ("elephants", False),
     ("p01", False), ("::1", False), ("10.0.0.1", False), ("fe80::1:2", False)],
)  # fmt: skip
def test_what_is_more_than_a_word(text, strong):
    assert is_strong(text) == strong
