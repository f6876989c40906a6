"""Asset files are fetched once, kept here, and taken from here; static_audio end to end from each kind of place."""

import json
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages

from exports.assets import asset_files
from exports.assets.plan import plan, rows_of
from exports.assets.retrieval import obtain
from exports.models import Snapshot, StoredAsset
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.store.reader import SnapshotReader
from psynetdata.env import storage
from psynetdata.infra.sftp.folder_storage import StorageGone
from psynetdata.infra.storage import blocks
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Cancelled
from tests.assets.conftest import planned

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
SAMPLE = Path(__file__).parents[2] / "psynetdata" / "sample" / "assets"
FILES = 79


@pytest.fixture
def own(tmp_path) -> Deployment:
    return Deployment.objects.create(deployment_id="own", assets_url=(tmp_path / "place").as_uri())


def fill(folder: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def had(deployment, *assets, folder, **how) -> dict[int, tuple[bytes, ...] | str]:
    """{asset: what its files hold, or why there are none}; no time is spent waiting."""
    found = obtain(deployment, assets, folder / "out", n=2, pause=lambda seconds: None, **how)
    return {
        asset.id: tuple(file.path.read_bytes() for file in got.files) if got.files else got.missing
        for asset, got in found
    }


def exported(deployment, **options) -> dict[str, ZipFile]:
    export = request_export(deployment, ExportOptions(assets="all", **options), here=True)
    run_here(export)
    return {archive.mode: ZipFile(default_storage.path(archive.file)) for archive in export.archives.all()}


def manifest_of(archive: ZipFile) -> dict:
    return json.loads(archive.read("manifest.json"))["assets"]


# --- end to end ----------------------------------------------------------------------------


@pytest.fixture(params=["file", "sftp", "s3", "https"])
def at_its_place(request, loaded, web):
    """static_audio, its files in a place of each kind, the experiment itself up for what is made on demand."""
    deployment = loaded("static_audio")
    for name, value in _PLACES[request.param](request).items():
        setattr(deployment, name, value)
    rows = rows_of(SnapshotReader(Snapshot.objects.newest(deployment)))
    for row in rows:
        if row["secret"]:
            web.files[f"/on-demand-asset?id={row['id']}&secret={row['secret']}"] = b"made of " + row["id"].encode()
    deployment.experiment_url = web.url
    deployment.save()
    return deployment


def _sftp(request) -> dict:
    server = request.getfixturevalue("ssh_server")
    request.getfixturevalue("monkeypatch").setenv("ASSETS_KEY", server.key)
    known = {"assets_secret": "env:ASSETS_KEY", "assets_known_hosts": server.known_hosts}
    return {"assets_url": server.url(SAMPLE), **known}


def _s3(request) -> dict:
    server, name = request.getfixturevalue("swift_server"), request.getfixturevalue("bucket")
    client = server.client()
    for path in SAMPLE.rglob("*.wav"):
        client.put_object(Bucket=name, Key=f"lab/{path.relative_to(SAMPLE)}", Body=path.read_bytes())
    return {"assets_url": server.url(name, "lab")}


def _https(request) -> dict:
    server = request.getfixturevalue("web")
    server.files = {f"/lab/{quote(str(path.relative_to(SAMPLE)))}": path.read_bytes() for path in SAMPLE.rglob("*.wav")}
    return {"assets_url": f"{server.url}/lab"}


_PLACES = {"file": lambda request: {"assets_url": SAMPLE.as_uri()}, "sftp": _sftp, "s3": _s3, "https": _https}


def test_static_audio_from_its_place_once_and_then_from_here(at_its_place, web):
    first = exported(at_its_place)
    told = manifest_of(first["regular"])
    assert (told["included"], told["missing"], told["differing"]) == (82, [], [])
    sample = {path.read_bytes() for path in SAMPLE.rglob("*.wav")}
    inside = [name for name in first["regular"].namelist() if "/assets/" in name]
    assert len(inside) == 82
    assert {first["regular"].read(name) for name in inside} >= sample
    # Nobody's recording leaves in the anonymous archive; the ten stimuli do.
    assert manifest_of(first["anonymous"])["included"] == 10
    assert StoredAsset.objects.count() == 82
    web.close()
    at_its_place.refresh_from_db()
    at_its_place.state = Deployment.State.ARCHIVED
    at_its_place.assets_url = "sftp://nobody@127.0.0.1:1/gone" if at_its_place.assets_url else ""
    at_its_place.save()
    again = exported(at_its_place)
    for mode, archive in first.items():
        members = [name for name in archive.namelist() if "/assets/" in name]
        assert [archive.read(name) for name in members] == [again[mode].read(name) for name in members]


# --- once ----------------------------------------------------------------------------------


def test_what_is_as_its_row_says_is_not_asked_for_again(web, own, tmp_path):
    own.assets_url = web.url
    web.files |= {"/a.wav": b"one", "/b": b"two"}
    sound, other = planned(content=b"one"), planned("b", id=2)
    assert had(own, sound, other, folder=tmp_path) == {1: (b"one",), 2: (b"two",)}
    sent, asked = web.sent, len(web.asked)
    assert had(own, sound, other, folder=tmp_path) == {1: (b"one",), 2: (b"two",)}
    # The row of the second says nothing of its content, so the server is asked whether it has another by now.
    assert (web.sent - sent, [path for path, _ in web.asked[asked:]]) == (0, ["/b"])
    web.files["/b"] = b"three"
    assert had(own, other, folder=tmp_path) == {2: (b"three",)}
    del web.files["/b"]
    assert had(own, sound, other, folder=tmp_path) == {1: (b"one",), 2: (b"three",)}


def test_deleted_at_the_source_stays_here(own, tmp_path):
    fill(tmp_path / "place", a=b"a", set__x=b"x", set__y=b"y")
    wanted = (planned("a"), planned("set", id=2, is_folder=True))
    everything = {1: (b"a",), 2: (b"x", b"y")}
    assert had(own, *wanted, folder=tmp_path) == everything
    for path in (tmp_path / "place").rglob("*"):
        if path.is_file():
            path.unlink()
    assert had(own, *wanted, folder=tmp_path) == everything
    (tmp_path / "place").rename(tmp_path / "elsewhere")
    assert had(own, *wanted, folder=tmp_path) == everything


def test_another_claim_or_source_is_another_file(own, tmp_path):
    fill(tmp_path / "place", a=b"old", b=b"other")
    assert had(own, planned("a", content=b"old"), folder=tmp_path) == {1: (b"old",)}
    fill(tmp_path / "place", a=b"new")
    assert had(own, planned("a", content=b"new"), folder=tmp_path) == {1: (b"new",)}
    assert had(own, planned("b"), folder=tmp_path) == {1: (b"other",)}
    assert StoredAsset.objects.count() == 1


def test_equal_contents_are_stored_once(own, tmp_path, own_storage):
    fill(tmp_path / "place", a=b"same", b=b"same")
    had(own, planned("a"), planned("b", id=2), folder=tmp_path)
    assert StoredAsset.objects.count() == 2
    assert len([path for path in (own_storage / "assets").rglob("*") if path.is_file()]) == 1


def test_a_blob_that_is_gone_or_cut_is_fetched_again(own, tmp_path, own_storage):
    fill(tmp_path / "place", a=b"content")
    had(own, planned("a"), folder=tmp_path)
    blob = own_storage / StoredAsset.objects.get().file
    for spoil in (lambda: blob.unlink(), lambda: blob.write_bytes(b"cont")):
        spoil()
        own.state = Deployment.State.ARCHIVED
        assert had(own, planned("a"), folder=tmp_path) == {1: (b"content",)}
        assert blob.read_bytes() == b"content"


def test_a_launch_that_continues_another_has_its_files(own, tmp_path):
    fill(tmp_path / "place", a=b"a")
    had(own, planned("a"), folder=tmp_path)
    later = Deployment.objects.create(deployment_id="later", continues=own)
    assert had(later, planned("a"), folder=tmp_path) == {1: (b"a",)}


def test_a_withdrawal_takes_the_file_unless_others_have_the_same(own, tmp_path, own_storage):
    fill(tmp_path / "place", a=b"same", b=b"same", c=b"own")
    had(own, planned("a"), planned("b", id=2), planned("c", id=3), folder=tmp_path)
    assert asset_files.forget(own, [1, 3]) == 2
    assert [row.asset_id for row in StoredAsset.objects.all()] == [2]
    assert [path.read_bytes() for path in (own_storage / "assets").rglob("*") if path.is_file()] == [b"same"]


def test_cancelled_half_way_what_was_fetched_stays_and_is_not_fetched_again(web, own, tmp_path):
    own.assets_url = web.url
    web.files = {f"/{n}": str(n).encode() for n in range(40)}
    assets = [planned(str(n), str(n).encode(), id=n + 1) for n in range(40)]
    found = obtain(own, assets, tmp_path / "out", n=2)
    for _ in range(10):
        next(found)
    found.close()
    kept = StoredAsset.objects.count()
    assert 10 <= kept < 40
    asked = len(web.asked)
    assert len(had(own, *assets, folder=tmp_path)) == 40
    assert len(web.asked) - asked == 40 - kept
    assert StoredAsset.objects.count() == 40


def test_one_bad_file_costs_nothing_else_and_threads_end(own, tmp_path):
    fill(tmp_path / "place", **{f"f{n}": b"x" * n for n in range(20)})
    before = threading.active_count()
    found = had(own, *(planned(f"f{n}", id=n + 1) for n in range(21)), folder=tmp_path)
    assert found[21] == "there is no such file"
    assert sum(isinstance(got, tuple) for got in found.values()) == 20
    assert threading.active_count() == before

    def stop():
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        had(own, planned("f1"), folder=tmp_path, check_cancelled=stop)
    assert threading.active_count() == before


def test_a_place_that_cannot_be_reached_is_given_up_after_some(own, tmp_path):
    own.assets_url = "http://127.0.0.1:1/"
    pauses = []
    found = list(obtain(own, [planned(str(n), id=n) for n in range(1, 60)], tmp_path, n=2, pause=pauses.append))
    assert len(found) == 59
    assert all(got.missing for _, got in found)
    assert len(pauses) < 59


def test_a_server_of_external_assets_that_is_away_does_not_cost_the_place(own, tmp_path):
    own.assets_hosts = "127.0.0.1"
    fill(tmp_path / "place", a=b"a")
    away = [planned(None, id=n, url=f"http://127.0.0.1:1/{n}") for n in range(1, 40)]
    found = had(own, *away, planned("a", id=99), folder=tmp_path)
    assert found[99] == (b"a",)
    assert all(isinstance(found[n], str) for n in range(1, 40))


def test_what_is_not_to_be_kept_is_not(own, tmp_path, own_storage):
    fill(tmp_path / "place", a=b"a")
    found = list(obtain(own, [planned("a")], tmp_path / "out", keep=False))
    assert found[0][1].files[0].path.is_relative_to(tmp_path / "out")
    assert not StoredAsset.objects.exists()
    assert not (own_storage / "assets").exists()


def test_the_reference_rows_are_planned_for_all_they_claim(loaded):
    rows = list(rows_of(SnapshotReader(Snapshot.objects.newest(loaded("static_audio")))))
    assert sum(bool(asset.claim) for asset in plan(rows, "all")) == FILES


# --- our own storage elsewhere than in a folder ------------------------------------------------


def test_kept_in_s3_and_taken_from_there(own, tmp_path, settings, swift_server, bucket):
    settings.STORAGES = {**settings.STORAGES, "default": storage(swift_server.url(bucket, "desk"))}
    content = bytes(range(256)) * 9000  # over a block
    fill(tmp_path / "place", a=content, b=b"b")
    assert had(own, planned("a"), planned("b", id=2), folder=tmp_path) == {1: (content,), 2: (b"b",)}
    row = StoredAsset.objects.get(asset_id=1)
    client = swift_server.client()
    assert client.get_object(Bucket=bucket, Key=f"desk/{row.file}")["Body"].read() == content
    (tmp_path / "place").rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "out")
    assert had(own, planned("a"), planned("b", id=2), folder=tmp_path) == {1: (content,), 2: (b"b",)}
    # What was spoilt there is seen, and told as missing where its source is gone too.
    client.put_object(Bucket=bucket, Key=f"desk/{row.file}", Body=content[::-1])
    assert had(own, planned("a"), folder=tmp_path) == {1: "the folder of the assets does not exist"}
    assert asset_files.forget(own, [1, 2]) == 2
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_a_folder_behind_ssh_is_a_storage(known_ssh_server, tmp_path):
    root = tmp_path / "desk"
    root.mkdir()
    kept = storages.create_storage(storage(known_ssh_server.url(root)))
    content = os.urandom(3_000_000)
    for data in (b"first", content):
        assert kept.save("a/b/x", ContentFile(data)) == "a/b/x"
    assert [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()] == ["a/b/x"]
    assert (kept.size("a/b/x"), kept.exists("a/b/y"), kept.listdir("a")) == (len(content), False, (["b"], []))
    assert [(root / folder).stat().st_mode & 0o777 for folder in ("a", "a/b")] == [0o700, 0o700]
    with kept.open("a/b/x", "rb") as file:
        assert file.read(5) == content[:5]
        file.seek(2_999_990)
        assert (file.read(), file.read()) == (content[-10:], b"")
    assert b"".join(blocks(kept, "a/b/x", 7, 1_500_000)) == content[7:1_500_000]
    with pytest.raises(FileNotFoundError):
        kept.open("a/b/y", "rb")
    found = []
    threads = [threading.Thread(target=lambda: found.append(kept.open("a/b/x").read())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [content] * 4
    known_ssh_server.stop()
    known_ssh_server.start()
    assert kept.size("a/b/x") == len(content)
    (Path.home() / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(StorageGone, match="not known; add it to known_hosts"):
        storages.create_storage(storage(known_ssh_server.url(root))).exists("a")


def test_a_storage_without_a_key(known_ssh_server, tmp_path, settings, monkeypatch):
    settings.SSH_KEY = ""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for key in (Path.home() / ".ssh").glob("id_*"):
        key.unlink()
    with pytest.raises(StorageGone, match="There is no key to offer to the storage's server"):
        storages.create_storage(storage(known_ssh_server.url(tmp_path))).exists("a")


def test_snapshots_and_exports_behind_ssh(known_ssh_server, loaded, settings, tmp_path, typed):
    (tmp_path / "desk").mkdir()
    settings.STORAGES = {**settings.STORAGES, "default": storage(known_ssh_server.url(tmp_path / "desk"))}
    deployment = loaded("static_audio")
    deployment.assets_url = SAMPLE.as_uri()
    deployment.save()
    for number in ("1", "2"):  # the second finds all files here already
        status, _, told = typed("export", "--path", tmp_path / number, "--assets", "experiment", "--n_parallel", "2")
        assert status == 0, told
    made = [{path.name: path.read_bytes() for path in (tmp_path / n).rglob("*") if path.is_file()} for n in "12"]
    assert made[0] == made[1]
    status, out, _ = typed("verify", "--all")
    assert (status, out.count(": ok")) == (0, 5)
    assert typed("prune")[0] == 0
    known_ssh_server.stop()
    status, _, told = typed("verify", "--all")
    known_ssh_server.start()
    assert (status, told.count("\n"), "(STORAGE_URL) cannot be reached, or the connection broke" in told) == (
        1,
        1,
        True,
    ), told


def test_snapshots_and_exports_in_s3(loaded, settings, tmp_path, swift_server, bucket, typed, monkeypatch):
    """A worker opens the storage for itself: what it shares with its parent is no connection."""
    settings.STORAGES = {**settings.STORAGES, "default": storage(swift_server.url(bucket, "desk"))}
    deployment = loaded("static")
    made = []
    for number in ("1", "2"):
        path = tmp_path / number
        status, _, told = typed("export", "--path", path, "--assets", "none", "--n_parallel", number)
        assert status == 0, told
        made.append({found.name: found.read_bytes() for found in path.rglob("*") if found.is_file()})
    assert made[0] == made[1]
    stored = {item["Key"] for item in swift_server.client().list_objects_v2(Bucket=bucket)["Contents"]}
    assert {
        f"desk/exports/{export.pk}/{mode}.zip" for export in deployment.exports.all() for mode in made_of(export)
    } < stored
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    settings.STORAGES = {**settings.STORAGES, "default": storage(swift_server.url(bucket, "desk"))}
    status, _, told = typed("verify", "--all")
    assert (status, "refused a request (" in told) == (1, True), told


def made_of(export) -> set[str]:
    return set(export.archives.values_list("mode", flat=True))


def test_verify_hashes_what_is_kept_and_what_is_damaged_is_fetched_anew(own, tmp_path, typed):
    fill(tmp_path / "place", a=b"one", b=b"two")
    assets = [planned("a", id=1), planned("b", id=2)]
    had(own, *assets, folder=tmp_path)
    assert "asset files of own: ok, 2 files, 0 rows, 6 bytes" in typed("verify", "--all")[1]
    kept = StoredAsset.objects.get(asset_id=1)
    Path(default_storage.path(kept.file)).write_bytes(b"eno")
    status, out, err = typed("verify", "--all")
    assert (status, "1 of 1 verified things" in err) == (1, True)
    assert "asset files of own: File 0 of asset 1 is missing or has changed; an export fetches it again." in out
    assert had(own, *assets, folder=tmp_path) == {1: (b"one",), 2: (b"two",)}
    assert typed("verify", "--all")[0] == 0
