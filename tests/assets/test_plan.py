"""Which asset files are taken, what their rows say of them, and what they are called."""

import hashlib

import pytest

from exports.assets.fetch import FetchedAsset, FetchedFile
from exports.assets.folder_hash import md5_of_folder
from exports.assets.plan import export_path, plan, rows_of
from exports.package.tree import asset_folder as packaged
from psynetdata.psynet.asset_kinds import PARENTS, origin
from psynetdata.psynet.table_source import ZipSource

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
        row("12", type="lab.Mine", host_path="https://example.org/x", url="https://example.org/x"),
    ]
    assert planned("none", *rows) == []
    assert planned("experiment", *rows) == [1, 2, 9, 11]
    assert planned("all", *rows) == list(range(1, 13))


ORIGINS = {
    "Recording": "experiment", "RecordingAnalysisPlot": "experiment", "ExperimentAsset": "experiment",
    "CachedAsset": "cached", "CachedFunctionAsset": "cached",
    "ExternalAsset": "external", "ExternalS3Asset": "external",
    "OnDemandAsset": "on demand", "FastFunctionAsset": "on demand", "ManagedAsset": "experiment",
}  # fmt: skip


@pytest.mark.parametrize("name", PARENTS)
def test_every_class_of_psynet_has_its_origin(name):
    assert origin(row(type=f"psynet.asset.{name}")) == ORIGINS[name]


def test_the_reference_database(database_zip):
    rows = list(rows_of(ZipSource(database_zip("static_audio"))))
    assert len(planned("experiment", *rows)) == 72
    assert len(planned("all", *rows)) == 82
    found = {asset.id: asset for asset in plan(rows, "all")}
    # PsyNet hashed the stimulus before it was made; its size is right.
    assert (found[1].md5, found[1].size) == (None, 12524)
    assert found[11].md5 == "62b4958e51d5a80f27bec1d734b1df47"
    assert found[4].secret
    assert found[4].secret not in repr(found[4])


def test_what_a_row_claims():
    def of(**told):
        return next(plan([row(**told)], "all"))

    assert of(md5_contents=EMPTY_MD5, size_mb="0.0").md5 == EMPTY_MD5
    assert of(md5_contents=EMPTY_MD5, size_mb="1.5").claim == ":1572864"
    assert of(md5_contents="nonsense", size_mb="0.1").claim == ""
    assert of(size_mb="NaN").size is of(size_mb="inf").size is of(size_mb="-1").size is None
    assert of(md5_contents="a" * 32, is_folder="t").md5 == "a" * 32
    assert of().source != of(host_path="b.wav").source


def test_export_path_is_the_row_s_or_the_id():
    assert export_path(row()) == "m/a.wav"
    assert export_path({"id": "7", "export_path": None, "extension": ".wav"}) == "asset-7.wav"
    assert export_path({"id": "7", "export_path": None, "extension": "/../x"}) == "asset-7"


def test_members_are_named_by_the_rows_that_leave(tmp_path):
    one = FetchedAsset((FetchedFile(tmp_path / "a", "", 5, "f" * 64),))
    folder = FetchedAsset(
        (FetchedFile(tmp_path / "b", "x/1.txt", 1, "e" * 64), FetchedFile(tmp_path / "c", "2", 1, "d" * 64))
    )
    fetched = packaged.FetchedAssets({1: one, 2: one, 3: FetchedAsset(missing="gone"), 4: one, 6: folder})
    rows = [
        row("1"),
        row("2", export_path="M/A.wav"),
        row("3", export_path="../up"),
        row("4", export_path="gone"),
        row("5"),
        row("6", export_path="set"),
    ]
    members, told = packaged.members(fetched, rows, "anonymous/", frozenset({4}))
    assert [member.name.removeprefix("anonymous/assets/") for member in members] == [
        "m/a.wav", "asset-2/A.wav", "set/x/1.txt", "set/2",
    ]  # fmt: skip
    assert told["included"] == 3
    assert [(each["id"], each["export_path"]) for each in told["missing"]] == [(3, "../up")]


def test_a_folder_s_md5_is_psynet_s(tmp_path):
    files = {
        **{"b.txt": b"b", "A/two.wav": b"2", "A/.hidden": b"h", "a.txt": b"a"},
        **{"more/c ü.txt": b"c", ".x/y": b"y", "Zed": b"z" * 100_000},
    }
    found = []
    for number, (inside, data) in enumerate(reversed(files.items())):
        (tmp_path / str(number)).write_bytes(data)
        found.append((inside, tmp_path / str(number)))
    assert md5_of_folder(found) == "ff31c849d631212aee38e768cd2ea16c"  # what psynet.utils.md5_directory says
