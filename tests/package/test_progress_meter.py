"""What an export tells on its way: a bar that never goes back, and the rows, bytes and files that were gone through."""

import zipfile
from io import BytesIO
from itertools import groupby

import pytest
from django.core.files.storage import default_storage

from exports.package.database_zip import download
from exports.package.options import ExportOptions
from exports.package.request import request_export
from exports.store.reader import SnapshotReader
from psynetdata import jobs

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
_ACCOUNTS = ("manifest.json", "anonymous/manifest.json", "anonymous/anonymization.json")


@pytest.fixture
def told(monkeypatch):
    """Each state of a job's progress, as [(phase, per cent, counts)]; nothing is left out to spare the database."""
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0)
    return []


def listen(told):
    return lambda job: told.append((job.phase, job.percent, dict(job.counts or {})))


def parts(told) -> list[tuple[str, dict]]:
    """(phase, its last counts), in the order in which they came"""
    return [(phase, list(states)[-1][2]) for phase, states in groupby(told, key=lambda state: state[0])]


def written(archive: zipfile.ZipFile) -> int:
    """Bytes of an archive's members, unpacked: database.zip as it stands and its tables too, without the accounts."""
    sizes = 0
    for member in archive.infolist():
        sizes += 0 if member.filename in _ACCOUNTS else member.file_size
        if member.filename.endswith("database.zip"):
            with zipfile.ZipFile(BytesIO(archive.read(member))) as inner:
                sizes += written(inner)
    return sizes


def test_the_counts_are_those_of_what_was_read(loaded, told):
    export = request_export(loaded("static"), ExportOptions(anonymize="both", assets="none"), here=True)
    jobs.run(export.job_id, on_progress=listen(told), raise_problems=True)

    reader = SnapshotReader(export.snapshot)
    segments = [segment for table in reader.tables() for segment in reader.segments(table)]
    read, rows = sum(reader.store.check(segment.blob) for segment in segments), export.snapshot.rows
    found, archives = parts(told), {archive.mode: archive for archive in export.archives.all()}
    assert [counts for phase, counts in found if phase == "writing tables"] == 2 * [
        {"rows": [rows, rows], "bytes": [read, read]}
    ]
    checked = [counts["bytes"] for phase, counts in found if phase == "checking"]
    for mode, counts in zip(("regular", "anonymous"), checked, strict=True):
        with default_storage.open(archives[mode].file) as file, zipfile.ZipFile(file) as archive:
            assert counts == 2 * [written(archive)]
    (scanned,) = [counts["bytes"] for phase, counts in found if phase == "scanning"]
    assert scanned == 2 * [archives["anonymous"].report["bytes_scanned"]]


def test_the_bar_never_goes_back_and_has_come_far_where_the_last_part_begins(loaded, told):
    export = request_export(loaded("static"), ExportOptions(anonymize="both"), here=True)
    jobs.run(export.job_id, on_progress=listen(told), raise_problems=True)
    shares = [share for _, share, _ in told if share is not None]
    assert shares == sorted(shares)
    assert shares[0] < 5
    assert next(share for phase, share, _ in told if phase == "scanning") > 60
    assert shares[-1] == 99  # 100 is for a job that is done


def test_a_download_tells_rows_and_bytes(loaded, told, tmp_path):
    snapshot = loaded("static").snapshots.get()
    running = jobs.Running(jobs.prepare("snapshot"), listen(told))
    download(snapshot, tmp_path / "database.zip", running=running)
    (part,) = parts(told)
    assert part == ("writing tables", {"rows": 2 * [snapshot.rows], "bytes": 2 * [snapshot.bytes]})
