"""`manage.py export`: what is typed, what is printed, and the folder on disk."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from exports.models import Export, ExportArchive
from exports.package import unpack
from exports.package.verify import verify_path
from psynetdata.psynet.problems import Conflict, Damaged, NotFound, Problem, UsageError

from .making import written_down

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
    with pytest.raises(Conflict, match="already holds"):
        export("--path", str(there))
    with pytest.raises(Conflict, match="not a folder"):
        export("--path", str(there / "kept"))
    assert tree(there) == ["kept"]
    assert not Export.objects.exists()
    (tmp_path / "empty").mkdir()
    export("--path", str(tmp_path / "empty"), "--type", "database")
    assert "regular/database.zip" in tree(tmp_path / "empty")


LATER = [
    ["ssh"], ["heroku"], ["--server", "x"], ["--format", "parquet"], ["--excel"], ["--n_parallel", "4"], ["--legacy"],
    ["--package", "bids"],
]  # fmt: skip


@pytest.mark.parametrize("words", LATER, ids=" ".join)
def test_what_comes_later_says_so(words):
    with pytest.raises(UsageError, match="not work yet") as raised:
        export(*words)
    assert raised.value.exit_code == 2


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
        unpack.unpack(archives, tmp_path / "second")
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be written"):
        unpack.unpack(archives[:1], blocked / "below")
    assert sorted(os.listdir(tmp_path)) == ["file", "first", "storage"]


def test_ctrl_c_while_unpacking_leaves_nothing(loaded, tmp_path, monkeypatch):
    loaded("static")
    real = unpack.check

    def interrupted(tree):
        real(tree)
        raise KeyboardInterrupt

    monkeypatch.setattr(unpack, "check", interrupted)
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


def test_the_process_exits_with_a_sentence_and_a_status(tmp_path):
    def run(*words):
        command = [sys.executable, "manage.py", *words]
        environment = os.environ | {"DATA_DIR": str(tmp_path / "data")}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.strip()

    assert run("migrate", "--verbosity", "0")[0] == 0
    assert run("export") == (1, "There is no deployment here yet; load one first with `manage.py load PATH`.")
    assert run("export", "ssh")[0] == 2
    code, said = run("verify", str(tmp_path / "none"))
    assert (code, said.count("\n")) == (1, 0)
