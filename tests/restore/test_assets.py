"""Asset files back into a folder: all that the snapshot names, nothing outside of it, nothing by half."""

import errno
import os
from pathlib import Path

import pytest

from exports.restore import asset_restore as module
from exports.restore import restore as verb
from exports.restore.restore import restore
from psynetdata.psynet.problems import Conflict, Problem, UsageError

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

COLUMNS = ["id", "type", "host_path", "export_path", "is_folder"]
SQL = "CREATE TABLE asset (id int PRIMARY KEY, type varchar, host_path varchar, export_path varchar, is_folder bool)"


def row(number: int, host_path: str | None, kind: str = "Recording", folder: str = "f") -> list[str | None]:
    return [str(number), f"psynet.asset.{kind}", host_path, f"exported/{number}", folder]


@pytest.fixture
def source(tmp_path) -> Path:
    """Where the deployment's files live."""
    folder = tmp_path / "source"
    for name in ("one.wav", "deep/down/two.wav", "stimuli/a.png", "stimuli/more/b.png", "cached/c.wav"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
    (tmp_path / "outside.txt").write_text("outside")
    return folder


@pytest.fixture
def goal(tmp_path) -> Path:
    folder = tmp_path / "goal folder"
    folder.mkdir()
    return folder


@pytest.fixture
def restored(made, tables, source, goal):
    """restored(rows of asset) → (Restored, {path: bytes} below the goal)"""

    def run(*rows, kind: type[Problem] | None = None, replace: bool = False):
        taken = made({"asset": [COLUMNS, *rows]}, assets_url=source.as_uri())
        target = tables(SQL)
        if kind:
            with pytest.raises(kind) as caught:
                restore(taken, target.address, assets=goal.as_uri(), replace=replace)
            assert target.value("SELECT count(*) FROM asset") == 0
            return caught.value.sentence
        return restore(taken, target.address, assets=goal.as_uri(), replace=replace)

    return run


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_file_goes_to_its_host_path(restored, source, goal):
    done = restored(
        row(1, "one.wav"),
        row(2, "deep/down/two.wav"),
        row(3, "stimuli", folder="t"),
        row(4, "cached/c.wav", "CachedAsset"),
        row(5, None, "OnDemandAsset"),
        row(6, "one.wav"),
    )
    assert below(goal) == below(source)
    assert (done.assets, done.warnings) == (5, [])
    assert not [path for path in goal.iterdir() if path.name.startswith(".")]


def test_missing_files_are_listed(restored, goal):
    done = restored(row(1, "one.wav"), row(7, "nowhere.wav"))
    assert done.warnings == ["Asset 7: there is no such file; it was not put back."]
    assert list(below(goal)) == ["one.wav"]


def test_many_missing_files_are_counted(restored):
    done = restored(*(row(number, f"nowhere-{number}.wav") for number in range(1, 31)))
    assert len(done.warnings) == 21
    assert done.warnings[-1] == "10 more assets were not put back."


@pytest.mark.parametrize("path", ["../outside.txt", "deep/../../outside.txt", "/etc/hostname", "..", "."])
def test_no_way_out_of_the_folder(restored, goal, tmp_path, path):
    done = restored(row(1, path))
    assert len(done.warnings) == 1
    assert below(goal) == {}
    assert (tmp_path / "outside.txt").read_text() == "outside"


def test_no_way_out_by_a_link(restored, goal, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (goal / "deep").symlink_to(tmp_path / "elsewhere")
    done = restored(row(1, "one.wav"), row(2, "deep/down/two.wav"))
    assert done.warnings == ["Asset 2: its path leads out of the folder; it was not put back."]
    assert below(tmp_path / "elsewhere") == {}
    assert list(below(goal)) == ["one.wav"]


def test_what_stands_there_already_stays(restored, source, goal):
    (goal / "one.wav").write_bytes((source / "one.wav").read_bytes())
    before = (goal / "one.wav").stat().st_ino
    assert restored(row(1, "one.wav")).assets == 1
    assert (goal / "one.wav").stat().st_ino == before


def test_something_else_stands_there(restored, source, goal):
    (goal / "one.wav").write_text("mine")
    sentence = restored(row(2, "deep/down/two.wav"), row(1, "one.wav"), kind=Conflict)
    assert sentence.startswith("Another file is where the file of asset 1 belongs; nothing was changed.")
    assert below(goal) == {"one.wav": b"mine"}
    restored(row(1, "one.wav"), replace=True)
    assert below(goal) == {"one.wav": (source / "one.wav").read_bytes()}


@pytest.mark.parametrize("name", ["one.wav", "deep", "deep/down"])
def test_a_folder_for_a_file_or_the_other_way_round(restored, goal, name):
    (goal / name).mkdir(parents=True) if name == "one.wav" else (goal / name).parent.mkdir(exist_ok=True)
    if name != "one.wav":
        (goal / name).write_text("a file")
    for replace in (False, True):
        restored(row(1, "one.wav"), row(2, "deep/down/two.wav"), kind=Conflict, replace=replace)


def test_a_failure_behind_them_leaves_the_folder_as_it_was(monkeypatch, restored, goal):
    def fail(cursor, *rest):
        raise Problem("no")

    monkeypatch.setattr(verb, "prove", fail)
    restored(row(1, "one.wav"), kind=Problem)
    assert list(goal.iterdir()) == []


@pytest.mark.parametrize("name", ["TemporaryDirectory", "obtain"])
def test_a_disk_that_is_full(monkeypatch, restored, goal, name):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, name, full)
    sentence = restored(row(1, "one.wav"), kind=Problem)
    assert sentence == (
        "The folder that --assets names is not writable (No space left on device); nothing was changed."
    )
    assert list(goal.iterdir()) == []


# --- places that are none -------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["s3://bucket", "folder", "file:folder", "file://host/folder", "/folder", "file:///gone"]
)
def test_places_that_are_none(made, tables, source, url):
    taken = made({"asset": [COLUMNS, row(1, "one.wav")]}, assets_url=source.as_uri())
    target = tables(SQL)
    with pytest.raises(UsageError) as caught:
        restore(taken, target.address, assets=url)
    assert "--assets" in caught.value.sentence
    assert target.value("SELECT count(*) FROM asset") == 0


def test_nobody_knows_where_they_live(made, tables, goal):
    taken = made({"asset": [COLUMNS, row(1, "one.wav")]}, assets_url="")
    with pytest.raises(UsageError) as caught:
        restore(taken, tables(SQL).address, assets=goal.as_uri())
    assert "restore without --assets" in caught.value.sentence
