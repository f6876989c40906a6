"""Which asset files are taken, and that none from outside their folder is."""

import hashlib
import os

import pytest

from exports.assets.fetch import check_assets_url, fetch, root_of
from exports.assets.plan import PlannedAsset, export_path, plan
from exports.package import assets as packaged
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.source import ZipSource

EMPTY_MD5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def row(number="1", **told):
    return {"id": number, "type": "psynet.asset.ExperimentAsset", "host_path": "a.wav", "export_path": "m/a.wav"} | told


def planned(which, *rows):
    return [asset.id for asset in plan(rows, which)]


def test_experiment_means_what_the_experiment_made():
    rows = [
        row("1"),
        row("2", type="psynet.trial.record.Recording"),
        row("3", type="psynet.asset.CachedAsset"),
        row("4", type="psynet.asset.CachedFunctionAsset"),
        row("5", type="psynet.asset.ExternalAsset", host_path=None),
        row("6", type="psynet.asset.OnDemandAsset", host_path=None),
        row("7", type="lab.MyAsset", host_path="cached/x.wav"),
        row("8", type="lab.MyAsset", host_path=None),
        row("9", type="lab.MyAsset", host_path="experiments/x.wav"),
        row("10", type="lab.Mine", host_path=None, url="https://example.org/x"),
        row("11", host_path=None, deposited="f"),
    ]
    assert planned("none", *rows) == []
    assert planned("experiment", *rows) == [1, 2, 9, 11]
    assert planned("all", *rows) == list(range(1, 12))


def test_the_reference_database(database_zip):
    rows = list(packaged.rows_of(ZipSource(database_zip("static_audio"))))
    assert len(planned("experiment", *rows)) == 72
    assert len(planned("all", *rows)) == 82


def test_export_path_is_the_row_s_or_the_id():
    assert export_path(row()) == "m/a.wav"
    assert export_path({"id": "7", "export_path": None, "extension": ".wav"}) == "asset-7.wav"
    assert export_path({"id": "7", "export_path": None, "extension": "/../x"}) == "asset-7"


@pytest.fixture
def place(tmp_path):
    root = tmp_path / "assets"
    (root / "sub").mkdir(parents=True)
    (root / "a.wav").write_bytes(b"sound")
    (root / "sub" / "b.txt").write_bytes(b"b")
    (root / "sub" / "c.txt").write_bytes(b"c")
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "inner").symlink_to(root / "a.wav")
    (root / "sub" / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    return root


def got(place, host_path, *, md5=None, root=True):
    asset = PlannedAsset(1, host_path, "x", md5, why_none="because")
    return fetch(asset, place if root else None, place.parent / "copies")


def test_a_file_is_copied_with_its_hash(place):
    found = got(place, "a.wav")
    assert (found.missing, found.differs) == ("", "")
    assert [(file.path.read_bytes(), file.bytes) for file in found.files] == [(b"sound", 5)]
    assert found.files[0].sha256 == hashlib.sha256(b"sound").hexdigest()


def test_a_link_inside_the_root_is_followed(place):
    assert got(place, "inner").files[0].bytes == 5


def test_a_folder_gives_its_files_without_links_that_lead_out(place):
    assert [(file.inside, file.path.read_bytes()) for file in got(place, "sub").files] == [
        ("b.txt", b"b"),
        ("c.txt", b"c"),
    ]


OUTSIDE = ["../secret", "/etc/hostname", "a\0.wav", "link", "sub/../../secret", "..\\secret", "sub/../a.wav"]


@pytest.mark.parametrize("path", [*OUTSIDE, "none.wav", "loop", "pipe", ".", "x" * 5000])
def test_what_is_not_below_the_root_is_missing(place, path):
    found = got(place, path)
    assert found.files == ()
    assert found.missing
    assert str(place) not in found.missing


def test_no_path_no_root_and_no_folder_are_reasons(place):
    assert got(place, None).missing == "because"
    assert "nobody said" in got(place, "a.wav", root=False).missing
    assert "not there" in fetch(PlannedAsset(1, "a", "a", None), place / "gone", place).missing


def test_another_md5_is_told_and_loses_nothing(place):
    found = got(place, "a.wav", md5=EMPTY_MD5)
    assert "MD5" in found.differs
    assert found.files[0].bytes == 5
    assert got(place, "a.wav", md5=hashlib.md5(b"sound", usedforsecurity=False).hexdigest()).differs == ""


def test_only_local_folders_for_now():
    assert root_of("") is None
    assert str(root_of("file:///a%20b/c")) == "/a b/c"
    for url in ("s3://bucket/x", "ssh://host/x", "file:relative", "https://example.org"):
        with pytest.raises(UsageError, match="not work yet"):
            check_assets_url(url)


def test_members_are_named_by_the_rows_that_leave(place):
    fetched = packaged.Assets(
        {1: got(place, "a.wav"), 2: got(place, "a.wav"), 3: got(place, "none"), 4: got(place, "a.wav")}
    )
    rows = [
        row("1"),
        row("2", export_path="M/A.wav"),
        row("3", export_path="../up"),
        row("4", export_path="gone"),
        row("5"),
    ]
    members, told = packaged.members(fetched, rows, "anonymous/", frozenset({4}))
    assert [member.name for member in members] == ["anonymous/assets/m/a.wav", "anonymous/assets/asset-2/A.wav"]
    assert told["included"] == 2
    assert [(each["id"], each["export_path"]) for each in told["missing"]] == [(3, "../up")]
