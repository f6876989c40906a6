"""The proof, and its teeth: every kind in every form is found wherever a regular export holds it; in the anonymous
export of the same snapshot nothing is. And PsyNet's own anonymous exports do not pass."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from pyarrow import csv, parquet

from exports.leakscan import report
from exports.leakscan.needles.collection import collect
from exports.leakscan.needles.needle import Needles
from exports.leakscan.scan import ScanReport, scan
from exports.leakscan.second_check.sightings import SecondCheck
from exports.models import ExportArchive, Snapshot
from exports.operations.export import build
from exports.package import leak_check
from exports.package.options import ExportOptions
from exports.package.request import request_export
from exports.package.tree.members import Member
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.face.policy_decisions import decide
from psynetdata.anonymize.policy.rules import Rule
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import LeakFound
from psynetdata.psynet.table_source import ZipSource
from tests.references import REFERENCES
from tests.store.snapshot_factory import written_down

from . import planted_database
from .samples import DATA, Rows, archive

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

INSIDE = "archive/{mode}/database.zip/data/{table}.csv"


# Decided by someone who knew less than the tables hold.
KEPT = [
    Rule("coin", "note", "", "keep", "keep", "free_text", "seems harmless"),
    Rule("coin", "vars", "level_0", "keep", "keep", "choice", "seems harmless"),
    Rule("response", "answer", "*", "keep", "keep", "choice", "seems harmless"),
]


def exported(mode: str, folder: Path, tables: dict, rules: Iterable[Rule] = (), **options) -> tuple[Snapshot, Path]:
    """An export of these tables, as a file."""
    snapshot = written_down(tables)
    decide(snapshot.deployment, rules)
    options = ExportOptions(anonymize={"regular": "no", "anonymous": "yes"}[mode], assets="none", **options)
    (made,) = build(request_export(snapshot.deployment, options, here=True))
    path = folder / f"{mode}.zip"
    with default_storage.open(made.file) as stored:
        path.write_bytes(stored.read())
    return snapshot, path


def wanted() -> Needles:
    """Every planted value, of a kind that says its form too."""
    made = Needles()
    for kind, form in planted_database.pairs():
        made.add(planted_database.value(kind, form), f"{kind}/{form}")
    return made


def test_everything_is_found_in_a_regular_export(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_MOST", 1_000_000)  # a finding for each place
    tables = planted_database.tables()
    snapshot, path = exported("regular", tmp_path, tables, type="database")
    pairs = planted_database.pairs()
    known = {needle.value for needle in collect(SnapshotReader(snapshot)).items}
    assert [pair for pair in pairs if planted_database.value(*pair) not in known] == []

    found = places(scan(path, wanted()))
    expected = {
        (INSIDE.format(mode="regular", table=table), f"column {column}", f"{kind}/{form}"): (
            1 + len(planted_database.DEPTHS) if column in planted_database.deep_columns(table) else 1
        )
        for table in tables
        for column in planted_database.text_columns(table)
        for kind, form in pairs
    }
    assert len(expected) > 50_000
    assert [(place, found[place]) for place, least in expected.items() if found[place] < least] == []
    parquet_too = places(scan(archive(tmp_path, as_parquet(path)), wanted()))
    assert {kind for _, _, kind in parquet_too} == {f"{kind}/{form}" for kind, form in pairs}


def test_names_of_classes_are_searched(tmp_path):
    header, *rows = planted_database.tables()["info"]
    place = header.index("type")
    rows = [[row[0] if at == 0 else row[at] if at == place else None for at in range(len(header))] for row in rows]
    _, path = exported("regular", tmp_path, {"info": [header, *rows]})
    found = {kind for _, place, kind in places(scan(path, wanted())) if place == "name"}
    assert found == {f"worker_id/{form}" for form in planted_database.FORMS}


def test_nothing_is_left_in_the_anonymous_export(tmp_path):
    """Neither in columns that leave as they are, by the policy or because someone decided so."""
    tables = planted_database.tables()
    _, path = exported("anonymous", tmp_path, tables, KEPT)  # and it passed its own scan
    assert scan(path, wanted()).findings == []
    assert scan(archive(tmp_path, as_parquet(path)), wanted()).findings == []
    with ZipFile(path) as opened:
        told = json.loads(opened.read("anonymous/anonymization.json"))["tables"]
    assert told["error"]["columns"]["kind"] == {"action": "keep", "changed": len(planted_database.FORMS)}
    assert told["coin"]["columns"]["note"] == {"action": "keep", "changed": len(planted_database.FORMS)}
    assert {table: found["rows"] for table, found in told.items()} == {
        table: len(rows) - 1 for table, rows in tables.items()
    }


def test_an_id_in_a_column_of_numbers_is_refused():
    """A pseudonym cannot stand there."""
    person, trial = {"id": "1", "worker_id": "4155550123"}, {"id": "1", "score": "4155550123"}
    tables = {"participant": person, "info": trial}
    snapshot = written_down({name: [list(row), list(row.values())] for name, row in tables.items()})
    with pytest.raises(LeakFound) as raised:
        build(request_export(snapshot.deployment, ExportOptions(anonymize="yes", assets="none"), here=True))
    assert "info.csv" in str(raised.value)
    assert "4155550123" not in str(raised.value)
    assert not ExportArchive.objects.exists()


def test_labs_with_ids_that_are_numbers_or_short_can_export(tmp_path):
    """And what people answered survives."""
    people = [["id", "worker_id", "assignment_id"], ["1", "123456", "1"], ["2", "P01", "2"], ["3", "1", "3"]]
    trials = [["id", "participant_id", "answer", "score"]]
    trials += [[str(n), str(n % 3 + 1), json.dumps({"rating": n, "word": "fox"}), str(n / 7)] for n in range(1, 60)]
    trials += [["123456", "1", '"my id is 123456"', "123456"], ["123457", "2", '"P01"', "1"]]
    _, path = exported("anonymous", tmp_path, {"participant": people, "info": trials})
    with ZipFile(path) as opened, ZipFile(io.BytesIO(opened.read("anonymous/database.zip"))) as database:
        rows = list(csvtext.rows(csvtext.records(io.BytesIO(database.read("data/info.csv")))))[1:]
    assert [row[2:] for row in rows[:-2]] == [trial[2:] for trial in trials[1:-2]]
    assert ["p_" in row[2] for row in rows[-2:]] == [True, True]
    assert [row[3] for row in rows[-2:]] == ["123456", "1"]


def test_a_regular_export_says_where_a_password_stands(loaded, typed, tmp_path):
    loaded("timeline")
    status, out, err = typed("export", "--anonymize", "no", "--path", tmp_path / "out")
    assert status == 0
    (note,) = json.loads((tmp_path / "out" / "manifest.json").read_text())["notes"]
    assert note.startswith("Table experiment_status, column extra_info, basic_data_url: holds a password in clear")
    assert note in out + err
    with ZipFile(DATA / "timeline" / "database.zip") as opened:
        url = opened.read("data/experiment_status.csv").decode()
    password = re.search(r"dashboard_password=([^&\"\\]+)", url).group(1)
    assert password not in out + err + note


@pytest.mark.parametrize("name", REFERENCES)
def test_psynets_own_anonymous_export_does_not_pass(name):
    source = DATA / name
    told = scan(source / "psynet-export" / "anonymous", collect(ZipSource(source / "database.zip")))
    found = {(f.member.rpartition("/")[2], f.column_or_place, f.kind) for f in told.findings}
    assert found >= {
        ("participant.csv", "column assignment_id", "assignment_id"),
        ("participant.csv", "column fingerprint_hash", "fingerprint_hash"),
        ("Participant.csv", "column unique_id", "unique_id"),
        ("request.csv", "column params", "assignment_id"),
        ("response.csv", "column client_ip_address", "client_ip_address"),
        ("experiment_status.csv", "column extra_info", "secret"),
    }
    if name == "static_audio":
        assert "personal_asset" in {kind for _, _, kind in found}


def places(told: ScanReport) -> Counter[tuple[str, str, str]]:
    """How often: (member, column or place, kind/form)."""
    found: Counter[tuple[str, str, str]] = Counter()
    for finding in told.findings:
        found[finding.member, finding.column_or_place, finding.kind] += finding.count
    return found


def as_parquet(path) -> dict[str, bytes]:
    """Some tables of an export as Parquet."""
    made = {}
    with ZipFile(path) as opened:
        for name in opened.namelist():
            if name.endswith("/database.zip"):
                return as_parquet(io.BytesIO(opened.read(name)))
            if name in ("data/info.csv", "data/coin.csv", "data/participant.csv"):
                lines = csv.ParseOptions(newlines_in_values=True)
                table, target = csv.read_csv(io.BytesIO(opened.read(name)), parse_options=lines), io.BytesIO()
                parquet.write_table(table, target, compression="zstd")
                made[f"{name}.parquet"] = target.getvalue()
    return made


def test_anonymization_json_lists_files_that_are_not_searched(tmp_path):
    files = {
        "rec.wav": b"RIFF\0\0\0\0WAVEfmt ",
        "a.png": b"\x89PNG\r\n\x1a\n",
        "a.csv": b"id,a\n1,2\n",
        "b.bin": bytes(9),
    }
    members = [Member("anonymous/database.zip", None)]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        members.append(Member(f"anonymous/assets/{name}", tmp_path / name))
    told = leak_check.looked_for(Needles(), members, SecondCheck(Rows()))
    assert told["not_searched"]["files"] == [
        {"path": "assets/rec.wav", "kind": "wav"},
        {"path": "assets/a.png", "kind": "png"},
        {"path": "assets/b.bin", "kind": "unknown"},
    ]
    assert told["second_check"]["ids_of_people"] == 0
