"""The source code that comes with an export: kept, in regular exports again, and never run."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from exports.load.load import load
from exports.models import SourceCode
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.sources import source_code_zip
from psynetdata.models import Job
from psynetdata.psynet.problems import BadInput, Damaged
from tests.load.uploads import reference, to_folder, to_zip, with_cell, zipped
from tests.operations.aged_snapshots import age, prune

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

TABLES = reference()
SCRIPT = b"raise SystemExit('run')\nclass Exp:\n    def get_basic_data(cls):\n        return 1\n"
OTHER = {"packages/inner/experiment.py": b"class Exp:\n    def get_basic_data(cls):\n        return 2\n"}
LATER = (2026, 11, 22, 9, 30, 0)
OLDER = (2026, 11, 22, 8, 30, 0)


def code(script: bytes = SCRIPT, **options) -> bytes:
    return zipped({}, more={"experiment.py": script, "config.txt": b"x = 1\n", **OTHER}, **options)


def handed_in(path: Path, source: bytes, tables=TABLES, **options) -> Path:
    """A PsyNet export."""
    return to_zip(path, tables, prefix="regular/data/", more={"source_code.zip": source}, **options)


def archive(deployment, mode="regular", **options) -> zipfile.ZipFile:
    export = request_export(deployment, ExportOptions(**options), here=True)
    run_here(export)
    return zipfile.ZipFile(default_storage.open(export.archives.get(mode=mode).file))


def whole(archive: zipfile.ZipFile) -> bytes:
    archive.fp.seek(0)
    return archive.fp.read()


def kept_files() -> list[str]:
    folder = Path(default_storage.path("source_code"))
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", ["zip", "folder", "in a folder of the zip", "beside a zip within"])
def test_it_is_kept_with_the_deployment(way, tmp_path):
    if way == "zip":
        path = handed_in(tmp_path / "export.zip", code())
    elif way == "folder":
        path = to_folder(tmp_path / "export" / "regular", TABLES).parent
        (path / "source_code.zip").write_bytes(code())
    elif way == "in a folder of the zip":
        more = {
            "mine/source_code.zip": code(),
            "mine/packages/source_code.zip": code(b""),
            "source_code.zip": b"no zip",
        }
        path = to_zip(tmp_path / "export.zip", TABLES, prefix="mine/regular/data/", more=more)
    else:
        more = {"regular/data/app-data.zip": zipped(TABLES), "source_code.zip": code()}
        path = to_zip(tmp_path / "export.zip", {}, more=more)
    done = load(path)
    assert done.warnings == load(path).warnings  # and again, which adds nothing
    row = SourceCode.objects.get()
    sha256 = hashlib.sha256(code()).hexdigest()
    assert (row.deployment, row.sha256, row.bytes) == (done.deployment, sha256, len(code()))
    assert row.basic_data == "    def get_basic_data(cls):\n        return 1"
    age()
    prune()
    assert kept_files() == [f"{done.deployment.pk}/{sha256}.zip"]
    assert default_storage.open(row.file).read() == code()


def test_an_export_has_it_at_the_top_again(tmp_path):
    deployment = load(handed_in(tmp_path / "export.zip", code())).deployment
    regular = archive(deployment)
    assert regular.read("source_code.zip") == code()
    (entry,) = [one for one in json.loads(regular.read("manifest.json"))["files"] if one["path"] == "source_code.zip"]
    assert entry == {
        "path": "source_code.zip",
        "bytes": len(code()),
        "sha256": hashlib.sha256(code()).hexdigest(),
    }
    again = archive(deployment, anonymize="no", n_parallel=1)
    assert whole(again) == whole(regular)
    without = [
        archive(deployment, "anonymous"),
        archive(deployment, no_source=True),
        archive(deployment, "anonymous", anonymize="yes"),
        archive(deployment, type="database"),
    ]
    assert [names for one in without if "source_code.zip" in (names := one.namelist())] == []
    Path(default_storage.path(SourceCode.objects.get().file)).write_bytes(b"spoilt")
    with pytest.raises(Damaged, match="--no-source"):
        archive(deployment)


def test_the_last_one_counts_but_not_that_of_an_older_snapshot(tmp_path, typed):
    deployment = load(handed_in(tmp_path / "1.zip", code(b""))).deployment
    assert SourceCode.objects.get().basic_data == ""
    changed = with_cell(TABLES, "participant", "progress", "0.125")
    load(handed_in(tmp_path / "2.zip", code(), changed, date=LATER))
    load(handed_in(tmp_path / "3.zip", code(b"# old"), with_cell(TABLES, "participant", "progress", "0.5"), date=OLDER))
    newer = hashlib.sha256(code()).hexdigest()
    assert kept_files() == [f"{deployment.pk}/{newer}.zip"]
    path = tmp_path / "mine.zip"
    path.write_bytes(code(b"# by hand"))
    status, out, _ = typed("load", tmp_path / "1.zip", "--source", path)
    assert (status, f"source code {len(path.read_bytes())} bytes, without a get_basic_data" in out) == (0, True)
    assert kept_files() == [f"{deployment.pk}/{hashlib.sha256(path.read_bytes()).hexdigest()}.zip"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"no zip at all", "is not a zip archive"),
        (zipped({}, more={"readme.md": b""}), "holds no experiment.py"),
        (code(bytes(source_code_zip.LARGEST // 8)), "larger than"),
    ],
)
def test_what_is_no_source_code_costs_a_line_and_not_the_database(source, sentence, tmp_path, monkeypatch, typed):
    monkeypatch.setattr(source_code_zip, "LARGEST", 20_000)
    done = load(handed_in(tmp_path / "export.zip", source))
    assert done.created
    (told,) = [warning for warning in done.warnings if "source code was not stored" in warning]
    assert sentence in told
    assert not SourceCode.objects.exists()
    path = tmp_path / "mine.zip"
    path.write_bytes(source)
    with pytest.raises(BadInput, match=sentence):
        load(tmp_path / "export.zip", source=path)
    status, _, err = typed("load", tmp_path / "export.zip", "--source", tmp_path / "nothing.zip")
    assert (status, "is not a file" in err) == (1, True)
    assert Job.objects.latest("pk").state == "failed"


def test_a_script_that_would_unpack_without_end_is_not_unpacked(tmp_path):
    """64 MiB of comment: a million bytes of it are looked at, and there is nothing to show."""
    deployment = load(handed_in(tmp_path / "export.zip", code(SCRIPT + b"#" * (64 << 20)))).deployment
    assert SourceCode.objects.get(deployment=deployment).basic_data == ""
