"""Everything that can be changed in a stored or unpacked export, or in a snapshot, is found and named."""

import contextlib
import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from exports.models import Snapshot
from exports.operations.storage_check import verify_export, verify_snapshot
from exports.package import export_folder
from exports.package.archive_check import verify_path
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.store.blobs import file_of, pack
from exports.store.reader import SnapshotReader
from psynetdata.psynet.problems import BadInput, Damaged, NotFound, UsageError
from tests.store.snapshot_factory import reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def export():
    made = request_export(reference("static").deployment, ExportOptions(), here=True)
    run_here(made)
    return made


@pytest.fixture
def folder(export, tmp_path):
    export_folder.unpack(list(export.archives.all()), tmp_path / "export")
    return tmp_path / "export"


def test_a_whole_folder_is_whole(folder, export):
    checked = verify_path(folder)
    assert checked.problems == []
    assert checked.rows == 2 * export.snapshot.rows
    assert checked.files == sum(1 for path in folder.rglob("*") if path.is_file()) - 1


def test_a_changed_byte(folder):
    path = folder / "regular" / "data" / "Participant.csv"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"debug", b"debuh", 1))
    assert verify_path(folder).problems == ["regular/data/Participant.csv has changed: its SHA-256 is different."]


def test_a_missing_an_extra_and_an_empty_file(folder):
    (folder / "regular" / "data" / "Bot.csv").unlink()
    (folder / "regular" / "extra.txt").write_text("x", encoding="utf-8")
    (folder / "anonymous" / "data" / "Bot.csv").write_bytes(b"")
    problems = verify_path(folder).problems
    assert "regular/data/Bot.csv is missing." in problems
    assert "regular/extra.txt is not in the manifest." in problems
    assert "anonymous/data/Bot.csv has changed: its SHA-256 is different." in problems


def test_a_link_in_place_of_a_file(folder, tmp_path):
    path = folder / "regular" / "data" / "Bot.csv"
    path.rename(tmp_path / "Bot.csv")
    path.symlink_to(tmp_path / "Bot.csv")
    assert verify_path(folder).problems == ["regular/data/Bot.csv cannot be read to its end."]


def test_rows_that_do_not_agree_though_the_manifest_was_made_to(folder):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["tables"]["participant"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    problems = verify_path(folder).problems
    assert len(problems) == 4
    assert all("15 rows of table participant, the snapshot 16" in problem for problem in problems)


def test_no_manifest_or_no_export(folder, tmp_path):
    (folder / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be read"):
        verify_path(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(BadInput, match=r"no manifest\.json"):
        verify_path(folder)
    (tmp_path / "x.zip").write_bytes(b"PK nonsense")
    with pytest.raises(BadInput, match="not a zip"):
        verify_path(tmp_path / "x.zip")
    with pytest.raises(NotFound):
        verify_path(tmp_path / "none")


def test_a_zip_by_its_manifest(export, tmp_path):
    path = tmp_path / "x.zip"
    with default_storage.open(export.archives.get(mode="anonymous").file) as stored:
        path.write_bytes(stored.read())
    assert verify_path(path).problems == []
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.txt", b"more")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("anonymous/database.zip", b"other")
    problems = verify_path(path).problems
    assert "anonymous/database.zip is in the archive more than once." in problems
    assert "more.txt is not in the manifest." in problems


def test_every_damaged_byte_of_a_stored_archive_is_found(export):
    archive = export.archives.get(mode="regular")
    place = Path(default_storage.path(archive.file))
    whole = place.read_bytes()
    for at in (40, len(whole) // 2, len(whole) - 30):
        changed = bytearray(whole)
        changed[at] ^= 1
        place.write_bytes(changed)
        assert verify_export(export).problems == ["regular: its file has changed: its SHA-256 is different."]
    place.write_bytes(whole)
    assert verify_export(export).problems == []
    default_storage.delete(archive.file)
    assert verify_export(export).problems == ["regular: its file is missing from the storage."]


def test_damage_inside_a_zip_on_disk_never_ends_in_a_traceback(export, tmp_path):
    with default_storage.open(export.archives.get(mode="regular").file) as stored:
        whole = stored.read()
    path = tmp_path / "x.zip"
    for at in range(0, len(whole), len(whole) // 60):
        changed = bytearray(whole)
        changed[at] ^= 255
        path.write_bytes(changed)
        with contextlib.suppress(BadInput):
            verify_path(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput):
        verify_path(path)


def test_a_whole_snapshot_is_whole():
    snapshot = reference("static_audio")
    checked = verify_snapshot(snapshot)
    assert (checked.problems, checked.rows) == ([], snapshot.rows)
    assert checked.files == 2 * len(snapshot.tables) - sum(1 for entry in snapshot.tables.values() if not entry["rows"])


@pytest.fixture
def no_packs(monkeypatch):
    """Every blob in a file of its own."""
    monkeypatch.setattr("exports.store.writer.SMALL", 0)


def segment_file(snapshot, table):
    blob = SnapshotReader(snapshot).table_state(table).segments[0].blob
    return Path(default_storage.path(file_of(blob, "csv")))


def test_every_damaged_byte_of_a_pack_is_found(loaded):
    snapshot = loaded("static").snapshots.get()
    path = segment_file(snapshot, "info")
    whole = path.read_bytes()
    blobs = [snapshot.tables["info"]["state"], SnapshotReader(snapshot).table_state("info").segments[0].blob]
    for blob in blobs:
        offset, length = map(int, blob.partition("+")[2].split("+"))
        for at in (offset + 3, offset + 20, offset + length - 1):
            changed = bytearray(whole)
            changed[at] ^= 255
            path.write_bytes(changed)
            assert len(verify_snapshot(snapshot).problems) >= (at > offset + 3), at
    path.write_bytes(whole[:100])
    assert len(verify_snapshot(snapshot).problems) > 1
    path.unlink()
    assert len(verify_snapshot(snapshot).problems) == len(snapshot.tables)


def test_a_changed_a_cut_and_a_lost_segment(no_packs):
    snapshot = reference("static")
    for table, content in (("info", pack(b"other\n")), ("response", b"\x1f\x8b"), ("participant", None)):
        path = segment_file(snapshot, table)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    problems = verify_snapshot(snapshot).problems
    assert [problem.split(":")[0] for problem in problems] == ["Table info", "Table participant", "Table response"]
    assert ["damaged" in problem for problem in problems] == [True, False, True]
    assert "missing" in problems[1]


def test_counts_that_do_not_agree():
    snapshot = reference("static")
    snapshot.tables["info"]["rows"] += 1
    assert verify_snapshot(snapshot).problems == ["Table info: its segments hold 130 rows, the snapshot says 131."]
    snapshot.tables["info"]["rows"] -= 1
    snapshot.rows += 1
    assert len(verify_snapshot(snapshot).problems) == 1


def test_damage_is_found_in_every_snapshot_that_shares_it(no_packs):
    first, second = reference("static"), reference("static")
    path = segment_file(first, "info")
    path.write_bytes(pack(b"other\n"))
    seen = {}
    assert all(verify_snapshot(snapshot, seen).problems for snapshot in (first, second))


def verify(*words):
    out = StringIO()
    try:
        call_command("verify", *words, stdout=out)
    except Damaged as problem:
        return out.getvalue().splitlines(), problem.sentence
    return out.getvalue().splitlines(), None


def test_the_command(export, folder):
    snapshot = Snapshot.objects.get()
    assert verify(str(folder))[0][0].startswith(f"{folder}: ok, ")
    assert verify("--snapshot", str(snapshot.pk))[0][0].startswith(f"snapshot {snapshot.pk}: ok, ")
    assert verify("--export", str(export.pk))[0][0].startswith(f"export {export.pk}: ok, ")
    lines, failure = verify("--all")
    assert (len(lines), failure) == (3, None)  # a snapshot, an export, and a ledger
    default_storage.delete(export.archives.get(mode="regular").file)
    lines, failure = verify("--all")
    assert lines[1] == f"export {export.pk}: regular: its file is missing from the storage."
    assert failure == "1 of 3 verified things are not as they should be."


def test_the_command_says_what_it_needs():
    with pytest.raises(UsageError, match="Say what to verify"):
        verify()
    for words in (["--snapshot", "99"], ["--export", "99"]):
        with pytest.raises(NotFound):
            verify(*words)
