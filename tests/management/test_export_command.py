"""`manage.py export`: what is typed, what is printed, and the folder on disk."""

import json
import os
import resource
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from pyarrow import parquet

from exports.models import Export, ExportArchive
from exports.operations import deployments
from exports.operations.export import build
from exports.package import export_folder
from exports.package.archive_check import verify_path
from exports.package.options import ExportOptions
from exports.package.request import request_export
from psynetdata.infra.outages import outage
from psynetdata.models import Deployment
from psynetdata.psynet import csvtext, times
from psynetdata.psynet.problems import Conflict, Damaged, NotFound, Problem, UsageError
from tests.store.snapshot_factory import written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def export(*words, **options):
    out = StringIO()
    call_command("export", *words, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def tree(path):
    return sorted(found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file())


def test_both_trees_in_one_folder(loaded, tmp_path):
    loaded("static")
    path = tmp_path / "new" / "folder"
    said = export("local", "--path", str(path))
    assert said.splitlines()[-1] == str(path)
    assert {name.split("/")[0] for name in tree(path)} == {"manifest.json", "regular", "anonymous"}
    assert {"regular/database.zip", "anonymous/database.zip", "anonymous/manifest.json"} < set(tree(path))
    assert {"regular/data/AnimalTrial.csv", "anonymous/anonymization.json"} < set(tree(path))
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    assert [file["path"] for file in manifest["files"]] == [name for name in tree(path) if name != "manifest.json"]
    assert verify_path(path).problems == []
    assert "searched for" in said
    assert "worker_id" in said
    assert f"{Export.objects.get().snapshot.rows} rows" in said
    assert [name for name in os.listdir(path.parent) if name != path.name] == []


@pytest.mark.parametrize(("words", "there"), [(["--anonymize"], "anonymous"), (["--anonymize", "no"], "regular")])
def test_one_tree(words, there, loaded, tmp_path):
    loaded("timeline")
    export("--path", str(tmp_path / "x"), *words)
    assert {name.split("/")[0] for name in tree(tmp_path / "x")} == {"manifest.json", there}
    assert verify_path(tmp_path / "x").problems == []
    if there == "anonymous":
        assert verify_path(tmp_path / "x" / "anonymous").problems == []


def test_the_default_path_is_psynet_s(loaded, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    deployment = loaded("static")
    path = Path(export("--type", "database").splitlines()[-1])
    assert path.parent == tmp_path / "psynet-data" / "export" / deployment.deployment_id
    assert path.name.startswith("static-experiment-demo__mode=debug__export=2")


def test_a_folder_that_holds_something_is_refused_before_any_work(loaded, tmp_path):
    loaded("static")
    there = tmp_path / "there"
    there.mkdir()
    (there / "kept").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict, match="is not empty"):
        export("--path", str(there))
    with pytest.raises(Conflict, match="not a folder"):
        export("--path", str(there / "kept"))
    with pytest.raises(Problem, match="cannot be written"):
        export("--path", str(there / "kept" / "below"))
    assert tree(there) == ["kept"]
    assert not Export.objects.exists()
    (tmp_path / "empty").mkdir()
    export("--path", str(tmp_path / "empty"), "--type", "database")
    assert "regular/database.zip" in tree(tmp_path / "empty")


@pytest.mark.parametrize("words", [["--package", "bids"]], ids=" ".join)
def test_what_comes_later_says_so(words):
    with pytest.raises(UsageError, match="not work yet") as raised:
        export(*words)
    assert raised.value.exit_code == 2


CONFLICTS = [
    (["--type", "database", "--format", "parquet"], "only database.zip"),
    (["--type", "database", "--excel"], "only database.zip"),
    (["--format", "parquet", "--excel"], "excel is for CSV"),
    (["--anonymize", "no", "--drop-text"], "is not anonymized"),
    (["--legacy", "--snapshot", "1"], "leave out --snapshot or --legacy"),
    (["--app", "x", "--deployment", "y"], "give one of them"),
    (["--app", "x", "--snapshot", "1"], "give one of them"),
    (["--n_parallel", "0"], "from 1 to 64"),
]


@pytest.mark.parametrize(("words", "sentence"), CONFLICTS, ids=lambda told: " ".join(told))
def test_options_that_contradict_each_other_are_a_usage_error(words, sentence, tmp_path):
    written_down({})
    with pytest.raises(UsageError, match=sentence) as raised:
        export("--path", str(tmp_path / "x"), *words)
    assert raised.value.exit_code == 2
    assert not Export.objects.exists()


def test_the_same_bytes_whatever_the_number_of_processes(loaded, tmp_path):
    loaded("static")
    for number in ("1", "3"):
        export("--path", str(tmp_path / number), "--n_parallel", number)
    one, three = (
        {name: (tmp_path / number / name).read_bytes() for name in tree(tmp_path / number)} for number in ("1", "3")
    )
    assert one == three


def test_excel_gets_a_mark_and_no_formulas_and_only_when_asked_for(tmp_path):
    rows = [["1", "=1+2", "-5.5"], ["2", "@sum", None], ["3", "-", ""], ["4", "\uff1d1+2", "7"]]
    written_down({"coin": [["id", "@note", "score"], *rows]})
    export("--path", str(tmp_path / "plain"), "--anonymize", "no")
    export("--path", str(tmp_path / "excel"), "--anonymize", "no", "--excel")
    plain, excel = ((tmp_path / name / "regular" / "data" / "Coin.csv").read_bytes() for name in ("plain", "excel"))
    assert plain == ('id,@note,score,class\n1,=1+2,-5.5,Coin\n2,@sum,,Coin\n3,-,"",Coin\n4,\uff1d1+2,7,Coin\n'.encode())
    guarded = plain.replace(b"=", b"'=").replace(b"@", b"'@").replace(b",-,", b",'-,")
    assert excel == b"\xef\xbb\xbf" + guarded.replace("\uff1d".encode(), "'\uff1d".encode())
    assert verify_path(tmp_path / "excel").problems == []


def test_parquet_has_types_and_what_the_csv_has(loaded, tmp_path):
    loaded("static")
    export("--path", str(tmp_path / "csv"), "--anonymize", "no")
    export("--path", str(tmp_path / "parquet"), "--format", "parquet")
    regular = tmp_path / "parquet" / "regular" / "data"
    assert sorted(path.stem for path in regular.iterdir()) == sorted(
        path.stem for path in (tmp_path / "csv" / "regular" / "data").iterdir()
    )
    trials = parquet.read_table(regular / "AnimalTrial.parquet")
    types = {field.name: str(field.type) for field in trials.schema}
    assert [types[name] for name in ("id", "failed", "creation_time", "score", "answer", "animal")] == [
        "int64", "bool", "timestamp[us, tz=UTC]", "double", "string", "string",
    ]  # fmt: skip
    with (tmp_path / "csv" / "regular" / "data" / "AnimalTrial.csv").open("rb") as file:
        header, *rows = csvtext.rows(csvtext.records(file))
    assert trials.column_names == header
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        found = trials.column(name).to_pylist()
        if types[name].startswith("timestamp"):
            found = [None if moment is None else times.to_iso(moment) for moment in found]
        elif types[name] == "double":
            cells = [None if cell is None else float(cell) for cell in cells]
        elif types[name] != "string":
            found = [None if value is None else str(value) for value in found]
        assert found == list(cells), name
    anonymous = parquet.read_table(tmp_path / "parquet" / "anonymous" / "data" / "AnimalTrial.parquet")
    assert anonymous.num_rows == trials.num_rows
    assert verify_path(tmp_path / "parquet").problems == []


def test_a_column_of_parquet_that_does_not_fit_its_type_is_text(tmp_path):
    header = ["id", "creation_time", "failed", "vars"]
    rows = [
        ["1", "2026-01-01 00:00:00", "t", '{"n": 1, "x": 1.5, "both": 1, "big": 1}'],
        ["2", "infinity", "t", '{"n": 2, "x": NaN, "both": "a"}'],
        ["9", None, "f", '{"n": null, "big": 123456789012345678901234567890, "flag": true}'],
    ]
    written_down({"participant": [header, *rows]})
    export("--path", str(tmp_path / "x"), "--anonymize", "no", "--format", "parquet")
    found = parquet.read_table(tmp_path / "x" / "regular" / "data" / "Participant.parquet")
    assert {field.name: str(field.type) for field in found.schema} == {
        "id": "int64", "creation_time": "string", "failed": "bool", "vars": "string", "class": "string",
        "object_type": "string", "n": "int64", "x": "double", "both": "string", "big": "string", "flag": "bool",
    }  # fmt: skip
    assert found.column("creation_time").to_pylist() == ["2026-01-01T00:00:00Z", "infinity", None]
    assert found.column("flag").to_pylist() == [None, None, True]


def test_legacy_takes_a_snapshot_and_keeps_no_archive(postgres, own_storage, tmp_path):
    url = postgres.database("static")
    call_command("deployment", "add", url, "--every", "0", stdout=StringIO())
    deployment = Deployment.objects.get()
    export("local", "--app", deployment.app, "--path", str(tmp_path / "x"), "--legacy")
    assert verify_path(tmp_path / "x").problems == []
    made = Export.objects.get()
    assert made.snapshot.deployment == deployment
    assert not made.archives.exists()
    assert not list((own_storage / "exports").rglob("*.zip"))
    deployments.pause(deployment)
    with pytest.raises(NotFound, match="whose source is ssh"):
        export("ssh", "--app", deployment.app)
    with pytest.raises(NotFound, match="an app called 'none'"):
        export("--app", "none")


def test_legacy_needs_a_source(loaded, tmp_path):
    loaded("timeline")
    with pytest.raises(Conflict):
        export("--path", str(tmp_path / "x"), "--legacy")
    assert not Export.objects.exists()
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(loaded, own_storage):
    """A limit on the size of files fails in a worker as a full disk does, with EFBIG."""
    asked = request_export(loaded("static"), ExportOptions(n_parallel=2), here=True)
    for connection in connections.all():  # SQLite's own files are larger than the limit when they are opened
        connection.ensure_connection()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
        with pytest.raises(OSError, match="File too large") as raised:
            build(asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "no space left" in outage(raised.value).sentence
    assert not (own_storage / "exports").exists()
    assert not list(Path(settings.TEMP_DIR).glob("export-*"))


@pytest.mark.parametrize("words", [["nowhere"], ["--anonymize", "maybe"], ["--assets", "some"], ["--strange"]])
def test_what_is_no_option_is_refused(words):
    with pytest.raises(CommandError):
        export(*words)


def test_naming(tmp_path):
    with pytest.raises(NotFound, match="no deployment here yet"):
        export()
    written_down({}, name="one")
    with pytest.raises(NotFound, match="--deployment"):
        export("local", "--app", "one")
    with pytest.raises(NotFound, match="whose source is heroku"):
        export("heroku")
    written_down({}, name="two")
    with pytest.raises(UsageError, match="two__launch, one__launch"):
        export()
    said = export("--deployment", "two__launch", "--path", str(tmp_path / "x"))
    assert "of two__launch" in said


def test_a_failure_on_the_way_to_disk_leaves_nothing(loaded, tmp_path):
    loaded("static")
    export("--path", str(tmp_path / "first"))
    archives = list(ExportArchive.objects.order_by("mode"))
    archives[1].file = "exports/gone.zip"
    with pytest.raises(Damaged, match="missing from the storage"):
        export_folder.unpack(archives, tmp_path / "second")
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be written"):
        export_folder.unpack(archives[:1], blocked / "below")
    assert sorted(os.listdir(tmp_path)) == ["file", "first", "storage"]


def test_ctrl_c_while_unpacking_leaves_nothing(loaded, tmp_path, monkeypatch):
    loaded("static")
    real = export_folder._extract

    def interrupted(*told):
        real(*told)
        raise KeyboardInterrupt

    monkeypatch.setattr(export_folder, "_extract", interrupted)
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyboardInterrupt):
        export("--path", str(tmp_path / "there" / "x"))
    assert os.listdir(tmp_path / "there") == []


def test_missing_assets_are_warned_of(loaded, tmp_path):
    loaded("static_audio")
    err = StringIO()
    call_command("export", "--path", str(tmp_path / "x"), stdout=StringIO(), stderr=err)
    assert "regular: 72 asset files are missing" in err.getvalue()
    with pytest.raises(Problem, match="72 of 72 asset files are missing"):
        export("--path", str(tmp_path / "y"), "--strict-assets")
    assert not (tmp_path / "y").exists()


def test_the_process_exits_with_a_sentence_and_a_status(data_dir, tmp_path):
    def run(*words):
        command = [sys.executable, "manage.py", *words]
        environment = os.environ | {"DATA_DIR": str(data_dir), "DATABASE_URL": ""}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.strip()

    assert run("export") == (1, "There is no deployment here yet; load one first with `manage.py load PATH`.")
    assert run("export", "ssh")[0] == 1
    code, said = run("verify", str(tmp_path / "none"))
    assert (code, said.count("\n")) == (1, 0)
