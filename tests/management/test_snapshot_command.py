"""The command `snapshot`: take, list, show, diff, download, pin, accept."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from exports.models import Snapshot
from exports.operations.deployments import add
from exports.package import database_zip
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import BadInput, Cancelled, Conflict, NotFound, Problem
from tests.load.uploads import DATA
from tests.store.snapshot_factory import reference, written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def typed(capsys):
    """typed("list", …) → the lines of stdout, and stderr."""

    def run(*words):
        call_command("snapshot", *map(str, words))
        out, err = capsys.readouterr()
        return out.splitlines(), err

    return run


# --- take --------------------------------------------------------------------------------------------


def test_take_is_what_it_does_by_itself(typed, postgres):
    deployment = add(postgres.database("static")).deployment
    out, err = typed()
    snapshot = Snapshot.objects.get()
    assert (snapshot.deployment, err) == (deployment, "")
    assert out[0] == f"deployment  {deployment.deployment_id}"
    assert out[1].startswith(f"snapshot {snapshot.pk}, of ")
    assert f": {snapshot.rows} rows, {snapshot.new_bytes} new bytes, " in out[1]
    for words in (["take"], ["--deployment", deployment.deployment_id], ["take", "--deployment", deployment.number]):
        typed(*words)
    jobs = Job.objects.filter(kind="snapshot").order_by("pk")
    assert [(job.state, job.options["full"]) for job in jobs] == [("done", False)] * 4
    typed("--full", "take")
    typed("take", "--full")
    assert [job.options["full"] for job in jobs.all()[4:]] == [True, True]


def test_take_says_which_deployments_there_are_and_what_cannot_be_watched(typed):
    written_down({}, "one")
    with pytest.raises(Conflict, match="loaded from a file"):
        typed()
    written_down({}, "two")
    with pytest.raises(Problem, match="one__launch"):
        typed()
    with pytest.raises(NotFound):
        typed("--deployment", "none")


# --- list and show -----------------------------------------------------------------------------------


def test_list(typed):
    assert typed("list") == (["There are no snapshots yet."], "")
    old, new, other = written_down({}, "one"), written_down({"coin": [["id"], ["1"]]}, "one"), written_down({}, "two")
    now = timezone.now()
    for days, snapshot in enumerate((new, other, old)):
        Snapshot.objects.filter(pk=snapshot.pk).update(taken_at=now - timedelta(days=100 * days))
    Deployment.objects.update(source="local")
    lines, _ = typed("list")
    assert lines[0].split() == [
        "id",
        "deployment",
        "state",
        "taken",
        "(UTC)",
        "rows",
        "new",
        "bytes",
        "seconds",
        "kept",
        "because",
    ]
    assert [line.split()[0] for line in lines[1:]] == [str(one.pk) for one in (new, other, old)]
    assert lines[1].endswith("the newest good one")
    assert lines[3].endswith("goes")
    assert len(typed("list", "--limit", 1)[0]) == 2
    found = json.loads("\n".join(typed("list", "--deployment", "one__launch", "--json")[0]))
    assert [(one["id"], one["rows"], one["kept"]) for one in found] == [
        (new.pk, 1, "the newest good one"),
        (old.pk, 0, None),
    ]
    with pytest.raises(NotFound):
        typed("list", "--deployment", "three")


def test_show(typed):
    snapshot = written_down({"coin": [["id"], ["1"]]})
    Snapshot.objects.update(reason="There are fewer rows.", server={"version": 180004}, sequences={"coin_id_seq": 1})
    lines, _ = typed("show", snapshot.pk)
    assert f"snapshot    {snapshot.pk}" in lines
    assert "reason      There are fewer rows." in lines
    assert "server      version 180004" in lines
    assert ["coin", "1", snapshot.tables["coin"]["state"]] in [line.split() for line in lines]
    assert ["coin_id_seq", "1"] in [line.split() for line in lines]
    found = json.loads("\n".join(typed("show", snapshot.pk, "--json")[0]))
    assert found["tables"] == snapshot.tables
    assert found["sequences"] == {"coin_id_seq": 1}
    with pytest.raises(NotFound, match="snapshot 99"):
        typed("show", 99)


# --- diff --------------------------------------------------------------------------------------------


def test_diff(typed):
    old = written_down({"coin": [["id", "a"], ["1", "x"], ["2", "y"]], "gone": [["id"]]})
    new = written_down({"coin": [["id", "a", "b"], ["2", "z", None], ["3", "w", None]]})
    lines, err = typed("diff", old.pk, new.pk, "--rows")
    assert [line.split() for line in lines[:3]] == [
        ["table", "before", "after", "added", "changed", "removed"],
        ["coin", "2", "2", "1", "1", "1"],
        ["gone", "0", "-", "0", "0", "0"],
    ]
    assert lines[3:] == [
        "coin: new columns b",
        "coin: ids added 3",
        "coin: ids changed 2",
        "coin: ids removed 1",
        "gone: the table is gone",
        "6 tables are the same",
    ]
    assert err == ""
    found = json.loads("\n".join(typed("diff", old.pk, new.pk, "--json")[0]))
    assert (found["before"], found["after"], found["same"], found["same_deployment"]) == (old.pk, new.pk, 6, True)
    assert [(one["table"], one["added"], one["ids"]) for one in found["tables"]] == [("coin", 1, {}), ("gone", 0, {})]
    assert typed("diff", new.pk, new.pk)[0] == ["7 tables are the same"]


def test_diff_of_two_deployments_is_allowed_and_says_so(typed):
    lines, err = typed("diff", written_down({}, "one").pk, written_down({}, "two").pk)
    assert lines == ["6 tables are the same"]
    assert err.startswith("Warning: The two belong to different deployments")


# --- download ----------------------------------------------------------------------------------------


def test_download_is_the_very_file_of_a_regular_export(typed, tmp_path):
    snapshot = reference("static")
    Snapshot.objects.update(psynet_version="13.3.0", dallinger_version="12.4.0", python_version="3.11.7")
    lines, _ = typed("download", snapshot.pk, tmp_path / "mine.zip")
    assert lines[1:] == [
        "to be used with PsyNet 13.3.0, Dallinger 12.4.0, Python 3.11.7",
        str(tmp_path / "mine.zip"),
    ]
    export = request_export(snapshot.deployment, ExportOptions(anonymize="no", type="database"), here=True)
    run_here(export)
    with default_storage.open(export.archives.get().file) as file, zipfile.ZipFile(file) as archive:
        assert (tmp_path / "mine.zip").read_bytes() == archive.read("regular/database.zip")
    entry = Audit.objects.get(verb="download")
    assert (entry.target, entry.identified) == (str(snapshot), True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.zip"]


def test_what_is_downloaded_loads_as_the_same_snapshot(typed, tmp_path, monkeypatch):
    call_command("load", str(DATA / "static" / "database.zip"))
    snapshot = Snapshot.objects.get()
    monkeypatch.chdir(tmp_path)
    lines, _ = typed("download", snapshot.pk)
    name = f"{snapshot.deployment.deployment_id}__snapshot-{snapshot.pk}.zip"
    assert lines[-1] == str(tmp_path / name)
    call_command("load", name, stdout=io.StringIO())
    assert Snapshot.objects.get() == snapshot


def test_download_replaces_nothing_by_itself(typed, tmp_path):
    snapshot, path = written_down({}), tmp_path / "a.zip"
    path.write_bytes(b"mine")
    with pytest.raises(Conflict, match="--force"):
        typed("download", snapshot.pk, path)
    assert path.read_bytes() == b"mine"
    typed("download", snapshot.pk, path, "--force")
    assert zipfile.is_zipfile(path)
    with pytest.raises(Conflict, match="name a file"):
        typed("download", snapshot.pk, tmp_path, "--force")
    with pytest.raises(BadInput, match="no folder"):
        typed("download", snapshot.pk, tmp_path / "none" / "a.zip")


def test_download_leaves_what_came_meanwhile(typed, tmp_path, monkeypatch):
    path, write = tmp_path / "a.zip", database_zip.write_database

    def and_then_another(*args):
        path.write_bytes(b"theirs")
        return write(*args)

    monkeypatch.setattr(database_zip, "write_database", and_then_another)
    with pytest.raises(Conflict):
        typed("download", written_down({}).pk, path)
    assert path.read_bytes() == b"theirs"


def test_download_that_is_stopped_leaves_nothing(typed, tmp_path, monkeypatch):
    def stop(*args):
        (tmp_path / next(tmp_path.iterdir()).name / "a.zip").write_bytes(b"half")
        raise Cancelled("Enough.")

    monkeypatch.setattr(database_zip, "write_database", stop)
    with pytest.raises(Cancelled):
        typed("download", written_down({}).pk, tmp_path / "a.zip")
    assert list(tmp_path.glob("*.zip")) == list(tmp_path.glob(".psynetdata-*")) == []
    assert not Audit.objects.exists()


# --- pin and accept ----------------------------------------------------------------------------------


def test_pin_and_unpin(typed):
    snapshot = written_down({})
    for verb, pinned in (("pin", True), ("pin", True), ("unpin", False)):
        typed(verb, snapshot.pk)
        assert Snapshot.objects.get().pinned is pinned
    assert list(Audit.objects.order_by("pk").values_list("verb", flat=True)) == ["pin", "unpin"]


def test_accept(typed, loaded):
    deployment = loaded("static")
    snapshot = deployment.snapshots.get()
    with pytest.raises(Conflict, match="is not suspect"):
        typed("accept", snapshot.pk)
    Snapshot.objects.update(state="suspect")
    lines, _ = typed("accept", snapshot.pk)
    assert lines == [f"{snapshot}, of 2026-11-22T08:13:34Z, is now good."]
    assert Snapshot.objects.get().state == "good"
