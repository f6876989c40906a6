"""An export of some participants: their rows and those of nobody, with every promise of an export of all."""

import csv
import io
import json
import zipfile

import pytest
from django.core.files.storage import default_storage

from exports.models import Export
from exports.operations.storage_check import verify_export
from exports.package import participant_list
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.store.participant_filter import filter_snapshot
from exports.store.reader import SnapshotReader
from psynetdata.models import Audit
from psynetdata.psynet.ownership.selection import Ownership
from psynetdata.psynet.problems import Damaged, NotFound, UsageError
from tests.psynet.ownership.test_selection import BASE
from tests.store.snapshot_factory import written_down
from tools.simulator import dangling_in

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
CHOSEN = (2, 3)


def exported(deployment, **options) -> tuple[Export, dict[str, zipfile.ZipFile]]:
    export = request_export(deployment, ExportOptions(**options), here=True)
    run_here(export)
    return export, {one.mode: zipfile.ZipFile(default_storage.open(one.file)) for one in export.archives.all()}


def tables_of(archive: zipfile.ZipFile, mode: str) -> dict[str, list[tuple]]:
    """{table: its rows} of database.zip."""
    inner = zipfile.ZipFile(io.BytesIO(archive.read(f"{mode}/database.zip")))
    names = [name for name in inner.namelist() if name.endswith(".csv")]
    return {
        name.removeprefix("data/").removesuffix(".csv"): [
            tuple(sorted(row.items())) for row in csv.DictReader(io.StringIO(inner.read(name).decode()))
        ]
        for name in names
    }


def manifest_of(archive: zipfile.ZipFile) -> dict:
    return json.loads(archive.read("manifest.json"))


@pytest.mark.parametrize("name", ["static_audio", "custom_table_simple"])
def test_their_rows_as_they_are_in_an_export_of_all(loaded, name):
    deployment = loaded(name)
    _, whole = exported(deployment, assets="none")
    export, chosen = exported(deployment, assets="none", participants=CHOSEN)
    for mode in ("regular", "anonymous"):
        before, after = tables_of(whole[mode], mode), tables_of(chosen[mode], mode)
        assert before.keys() == after.keys()
        for table, rows in after.items():
            assert [row for row in before[table] if row in set(rows)] == rows
            others = [dict(row) for row in before[table] if row not in set(rows)]
            assert not {row.get("participant_id") for row in others} & {"2", "3"}
        assert {dict(row)["id"] for row in after["participant"]} == {"2", "3"}
        for table in ("info", "response", "module_state", "coin", "pet"):
            named = {dict(row)["participant_id"] for row in after.get(table, ())}
            assert named <= {"2", "3"}
        # What belongs to nobody is there whole.
        assert after["node"] == before["node"]
        found = manifest_of(chosen[mode])
        assert found["selection"]["participants"] == [2, 3]
        left_out = {table: n - len(after[table]) for table, n in manifest_of(whole[mode])["tables"].items()}
        assert found["selection"]["rows_left_out"] == {table: n for table, n in left_out.items() if n}
        assert found["tables"] == {table: len(rows) for table, rows in after.items()}
    assert not verify_export(export).problems
    assert Audit.objects.filter(verb="export", target=str(export)).get().details["participants"] == [2, 3]


def test_class_files_and_basic_data_hold_them_alone(loaded, monkeypatch):
    deployment = loaded("static")
    _, chosen = exported(deployment, assets="none", anonymize="no", participants=(1,))
    names = {name: chosen["regular"].read(name).decode() for name in chosen["regular"].namelist() if "/data/" in name}
    trials = list(csv.DictReader(io.StringIO(names["regular/data/AnimalTrial.csv"])))
    assert trials
    assert {row["participant_id"] for row in trials} == {"1"}
    assert [row["id"] for row in csv.DictReader(io.StringIO(names["regular/data/Participant.csv"]))] == ["1"]


def test_two_of_them_are_byte_identical_and_no_file_stays(loaded, settings):
    deployment = loaded("static_audio")
    hashes = [
        list(exported(deployment, assets="none", participants=asked)[0].archives.values_list("mode", "bytes", "sha256"))
        for asked in (CHOSEN, [3, 2, 3])
    ]
    assert hashes[0] == hashes[1]
    assert not list(settings.TEMP_DIR.glob("export-*"))


def test_asset_files_of_others_stay(loaded):
    deployment = loaded("static_audio")
    _, all_of_them = exported(deployment, anonymize="no")
    _, chosen = exported(deployment, anonymize="no", participants=CHOSEN)
    listed = [
        {(one["id"]) for one in manifest_of(found["regular"])["assets"]["missing"]} for found in (all_of_them, chosen)
    ]
    of_them = {int(dict(row)["id"]) for row in tables_of(chosen["regular"], "regular")["asset"]}
    assert listed[1] == listed[0] & of_them
    assert listed[1] < listed[0]


def test_ids_of_those_left_out_are_still_looked_for(transactional_db):
    """Ann's answer names bob, who is not exported: his id is no less an identifier."""
    people = [["id", "worker_id", "unique_id", "assignment_id"],
              ["1", "ann-77f2a1", "ann-77f2a1:x8", "x8"], ["2", "bob-93c4d5", "bob-93c4d5:y9", "y9"]]  # fmt: skip
    answers = [["id", "participant_id", "answer", "question"], ["1", "1", '"with bob-93c4d5 I sang"', "about"]]
    snapshot = written_down(BASE | {"participant": people, "response": answers})
    export, chosen = exported(snapshot.deployment, assets="none", anonymize="yes", participants=(1,))
    text = b"".join(chosen["anonymous"].read(name) for name in chosen["anonymous"].namelist())
    inner = zipfile.ZipFile(io.BytesIO(chosen["anonymous"].read("anonymous/database.zip")))
    text += b"".join(inner.read(name) for name in inner.namelist())
    assert b"bob-93c4d5" not in text
    assert b"I sang" in text
    assert sum(export.archives.get().report["looked_for"]["worker_id"].values()) == 2


def test_no_reference_leads_nowhere_that_did_not_before(loaded, tmp_path):
    for name in ("static_audio", "timeline"):
        snapshot = loaded(name).snapshots.get()
        found = filter_snapshot(snapshot, Ownership((1, 2)), tmp_path)
        assert dangling_in(SnapshotReader(found.snapshot, found.store)) == dangling_in(SnapshotReader(snapshot))


def test_what_loses_nothing_is_not_copied(transactional_db, tmp_path):
    snapshot, folder = written_down(BASE), tmp_path / "selection"
    folder.mkdir()
    found = filter_snapshot(snapshot, Ownership((1, 2)), folder)
    assert found.left_out == {}
    assert found.snapshot.tables == snapshot.tables
    assert not [path for path in folder.rglob("*") if path.is_file()]
    one = filter_snapshot(snapshot, Ownership((1,)), folder)
    assert one.left_out == {"info": 2, "network": 1, "node": 1, "participant": 1}
    assert one.snapshot.tables["experiment"] == snapshot.tables["experiment"]
    snapshot.refresh_from_db()
    assert snapshot.rows_of("info") == 3


def test_stored_data_that_is_damaged_is_no_selection(transactional_db, tmp_path, own_storage):
    snapshot = written_down(BASE)
    state = SnapshotReader(snapshot).table_state("info")
    for path in own_storage.rglob("*.pack"):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Damaged):
        filter_snapshot(snapshot, Ownership((1,)), tmp_path)
    assert state.rows == 3


def test_participants_who_are_not_there(loaded):
    deployment = loaded("static")
    export = request_export(deployment, ExportOptions(participants=(1, *range(100, 120))), here=True)
    with pytest.raises(NotFound) as raised:
        run_here(export)
    assert raised.value.sentence == (
        f"Snapshot {export.snapshot_id} has no participant 100, 101, 102, 103, 104, 105, 106, 107, 108, 109 and 10 "
        "more; nothing was made."
    )
    assert not export.archives.exists()


@pytest.mark.parametrize(("text", "ids"), [
    ("", None), ("  ", None), ("3", (3,)), ("5, 3,8-10", (3, 5, 8, 9, 10)), ("1 2\n3", (1, 2, 3)),
    ("1 - 3,2", (1, 2, 3)),
])  # fmt: skip
def test_ids_as_people_write_them(text, ids):
    assert participant_list.parse(text) == ids
    if ids:
        assert participant_list.parse(participant_list.id_ranges(ids)) == ids


@pytest.mark.parametrize("text", ["x", "0", "-3", "5-3", "1-2-3", "1-99999999", "2147483648", "٣", "1.5"])
def test_what_names_nobody(text):
    with pytest.raises(UsageError, match=r"like 3, 5, 8-12|whole numbers"):
        participant_list.parse(text)


@pytest.mark.parametrize("asked", [[], "3", [True], ["3"], [0], [1 << 31], {"3": 1}, list(range(1, 10_002))])
def test_options_that_name_nobody(asked):
    with pytest.raises(UsageError, match="participants"):
        ExportOptions.from_json({"participants": asked})


def test_at_the_command_line(loaded, typed, tmp_path):
    loaded("static")
    status, _, _ = typed("export", "--participants", "1,2", "--assets", "none", "--path", tmp_path / "made")
    assert status == 0
    found = json.loads((tmp_path / "made" / "manifest.json").read_text())
    assert found["selection"]["participants"] == [1, 2]
    assert typed("verify", tmp_path / "made")[0] == 0
    status, _, told = typed("export", "--participants", "seven", "--path", tmp_path / "no")
    assert (status, told) == (2, "'seven' does not name participants; write their ids, like 3, 5, 8-12.\n")
