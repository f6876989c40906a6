"""The same of every place: a file whole and checked, a folder whole, and nothing that lies outside of it."""

import os
import pwd
from pathlib import Path

import pytest

from exports.assets.fetch import _PartialFile
from exports.assets.locations.base import TransferFailed
from psynetdata.psynet.problems import UsageError

from .conftest import contents, planned
from .servers import need, ssh, swift

FILES = {
    "large": bytes(range(251)) * 12_000,
    "a.wav": b"sound" * 100, "empty": b"", "set/b.txt": b"b", "set/more/c ü.txt": b"c", "with space/ü?#%41.wav": b"odd",
}  # fmt: skip
MD5_OF_SET = "349218545b379dab1d5f54355fbeb52c"  # psynet.utils.md5_directory
KINDS = ("file", "sftp", "s3", "https")


@pytest.fixture(params=KINDS)
def settings_of(request, tmp_path) -> dict:
    """Settings of a deployment whose assets, FILES, live in a place of each kind in turn."""
    return _PLACES[request.param](request, tmp_path)


@pytest.fixture
def folder(tmp_path) -> Path:
    return _fill(tmp_path / "assets")


def _fill(root: Path) -> Path:
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root.parent / "secret").write_bytes(b"secret")
    (root / "inner").symlink_to(root / "a.wav")
    (root / "out").symlink_to(root.parent / "secret")
    (root / "up").symlink_to(root.parent)
    (root / "loop").symlink_to(root / "loop")
    (root / "set" / "out").symlink_to(root.parent / "secret")
    os.mkfifo(root / "pipe")
    return root


def _sftp(request, tmp_path) -> dict:
    server = request.getfixturevalue("ssh_server")
    request.getfixturevalue("monkeypatch").setenv("ASSETS_KEY", server.key)
    url = server.url(_fill(tmp_path / "assets"))
    return {"assets_url": url, "assets_secret": "env:ASSETS_KEY", "assets_known_hosts": server.known_hosts}


def _s3(request, tmp_path) -> dict:
    server, bucket = request.getfixturevalue("swift_server"), request.getfixturevalue("bucket")
    for name, data in FILES.items():
        server.client().put_object(Bucket=bucket, Key=f"lab/{name}", Body=data)
    return {"assets_url": server.url(bucket, "lab")}


def _web(request, tmp_path) -> dict:
    from urllib.parse import quote

    server = request.getfixturevalue("web")
    server.files = {f"/lab/{quote(name)}": data for name, data in FILES.items()}
    return {"assets_url": f"{server.url}/lab/"}


_PLACES = {
    "file": lambda request, tmp_path: {"assets_url": _fill(tmp_path / "assets").as_uri()},
    "sftp": _sftp, "s3": _s3, "https": _web,
}  # fmt: skip


def test_a_file_comes_whole_and_checked(settings_of, fetched):
    for name in ("a.wav", "empty", "large", "with space/ü?#%41.wav"):
        found = fetched(planned(name, FILES[name]), **settings_of)
        assert (found.missing, found.differs) == ("", "")
        assert contents(found) == {"": FILES[name]}
    assert fetched.pauses == []


def test_what_broke_off_goes_on_from_there(settings_of, fetched, monkeypatch):
    begins, breaks = [], [True, False, True]
    take = _PartialFile.take

    def noted(part, stream, look):
        begins.append(stream.start)
        take(part, stream, look)

    def look():
        if breaks and breaks.pop():
            raise TransferFailed("the line was cut")

    monkeypatch.setattr(_PartialFile, "take", noted)
    found = fetched(planned("large", FILES["large"]), check_cancelled=look, **settings_of)
    assert (contents(found), found.differs) == ({"": FILES["large"]}, "")
    assert begins[0] == 0
    assert begins[-1] > 0


def test_a_folder_comes_whole_without_links_that_lead_out(settings_of, fetched):
    found = fetched(planned("set", size=2, md5=MD5_OF_SET, is_folder=True), **settings_of)
    if settings_of["assets_url"].startswith("http"):
        assert found.missing == "it is a folder, and a web server does not list a folder's files"
    else:
        assert (found.missing, found.differs) == ("", "")
        assert contents(found) == {"b.txt": b"b", "more/c ü.txt": b"c"}
        other = fetched(planned("set", size=2, md5="0" * 32, is_folder=True), **settings_of)
        assert other.differs == "its MD5 is not the one in its row"


OUTSIDE = ["../secret", "/etc/hostname", "a\0.wav", "set/../../secret", "..\\secret", "set/../a.wav", ".", "//a"]


def test_a_path_that_climbs_is_absolute_or_holds_a_nul_is_refused(settings_of, fetched):
    for path in OUTSIDE:
        found = fetched(planned(path), **settings_of)
        assert (found.files, found.missing) == ((), "its path leads out of the assets' folder"), path


def test_missing_files_are_reasons_without_a_path(settings_of, fetched):
    for path in ("none.wav", "x" * 5000, "a.wav/b"):
        found = fetched(planned(path), **settings_of)
        assert found.files == ()
        assert found.missing
        assert path not in found.missing
    assert fetched.pauses == []


def test_what_is_not_as_its_row_says_comes_and_is_told(settings_of, fetched):
    wrong_hash = fetched(planned("a.wav", md5="0" * 32, size=500), **settings_of)
    wrong_size = fetched(planned("a.wav", md5=None, size=7), **settings_of)
    assert (wrong_hash.differs, wrong_hash.files[0].bytes) == ("its MD5 is not the one in its row", 500)
    assert (wrong_size.differs, wrong_size.files[0].bytes) == ("its size is not the one in its row", 500)


def test_a_version_that_is_known_is_not_fetched_again(settings_of, fetched):
    version = fetched(planned("a.wav"), **settings_of).files[0].version
    assert version
    assert fetched(planned("a.wav"), known=version, **settings_of).unchanged


@pytest.mark.parametrize("kind", ["file", "sftp"])
def test_links_and_what_is_no_file(kind, request, tmp_path, fetched):
    settings_of = _PLACES[kind](request, tmp_path)
    assert contents(fetched(planned("inner"), **settings_of)) == {"": FILES["a.wav"]}
    for path in ("out", "up/secret"):
        assert fetched(planned(path), **settings_of).missing == "its path leads out of the assets' folder"
    assert fetched(planned("pipe"), **settings_of).missing == "it is not an ordinary file"
    assert fetched(planned("loop"), **settings_of).missing


@pytest.mark.parametrize("kind", ["file", "sftp"])
def test_a_file_that_grows_is_read_again_and_given_up_while_it_does(kind, request, tmp_path, fetched):
    settings_of = _PLACES[kind](request, tmp_path)
    growing, left = tmp_path / "assets" / "a.wav", [2]

    def write():
        if left[0]:
            left[0] -= 1
            with growing.open("ab") as file:
                file.write(b"more")

    found = fetched(planned("a.wav"), check_cancelled=write, **settings_of)
    assert contents(found) == {"": growing.read_bytes()}
    left[0] = 100
    found = fetched(planned("a.wav"), check_cancelled=write, **settings_of)
    assert found.files == ()
    assert "while it was read" in found.missing
    assert "tried 4 times" in found.missing


def test_permission_that_is_denied(folder, fetched, web):
    web.files["/a.wav"], web.moods["/a.wav"] = b"x", ["denied"]
    assert fetched(planned(), assets_url=web.url).missing == "permission to read it was denied"
    (folder / "a.wav").chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(pwd.getpwnam("nobody").pw_uid)
        denied = fetched(planned(), assets_url=folder.as_uri()).missing
    finally:
        if root:
            os.seteuid(0)
    assert denied in ("permission to read it was denied", "the folder of the assets does not exist")


def test_an_sftp_server_that_denies(folder, fetched, monkeypatch):
    need(*ssh.PACKAGES, programs=ssh.PROGRAMS)
    monkeypatch.setattr(ssh, "SFTP_SERVER", f"{ssh.SFTP_SERVER} -P open")
    server = ssh.SSHServer()
    try:
        monkeypatch.setenv("ASSETS_KEY", server.key)
        settings = {"assets_secret": "env:ASSETS_KEY", "assets_known_hosts": server.known_hosts}
        found = fetched(planned(), assets_url=server.url(folder), **settings)
    finally:
        server.close()
    assert found.missing == "permission to read it was denied"


# --- places that cannot be had -----------------------------------------------------------


def test_a_host_key_that_is_not_known_or_has_changed(ssh_server, folder, fetched, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSETS_KEY", ssh_server.key)
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = {"assets_url": ssh_server.url(folder), "assets_secret": "env:ASSETS_KEY"}
    assert "is not known; add it" in fetched(planned(), **settings).missing
    known = ssh_server.known_hosts
    # The user's own file is as good.
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(known)
    fetched.close()
    assert fetched(planned(), **settings).files
    ssh_server.change_host_key()
    fetched.close()
    for more in ({}, {"assets_known_hosts": known}):
        found = fetched(planned(), **settings, **more)
        assert "another host key than the known one" in found.missing
    assert fetched.pauses == []


def test_credentials_that_are_wrong(ssh_server, folder, swift_server, bucket, fetched, monkeypatch):
    place = {"assets_url": ssh_server.url(folder), "assets_known_hosts": ssh_server.known_hosts}
    monkeypatch.setenv("WRONG", "password")
    assert "refused our credentials" in fetched(planned(), assets_secret="env:WRONG", **place).missing
    monkeypatch.setenv("WRONG", "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n")
    assert "private key" in fetched(planned(), assets_secret="env:WRONG", **place).missing
    monkeypatch.setenv("WRONG", f"{swift.KEY}:nonsense")
    found = fetched(planned(), assets_url=swift_server.url(bucket), assets_secret="env:WRONG")
    assert "refused our credentials" in found.missing


def test_nothing_to_offer_is_not_a_broken_connection(ssh_server, folder, fetched, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    place = {"assets_url": ssh_server.url(folder), "assets_known_hosts": ssh_server.known_hosts}
    assert "there is no key or password for the assets' server; give one" in fetched(planned(), **place).missing
    assert fetched.pauses == []  # trying again would not help


def test_a_server_with_other_methods_is_not_a_broken_connection(ssh_server, folder, fetched, monkeypatch):
    monkeypatch.setenv("ASSETS_KEY", ssh_server.key)
    ssh_server.stop()
    ssh_server.more = "Ciphers chacha20-poly1305@openssh.com\n"  # which paramiko does not know
    ssh_server.start()
    place = {"assets_url": ssh_server.url(folder), "assets_known_hosts": ssh_server.known_hosts}
    assert "no SSH method in common" in fetched(planned(), assets_secret="env:ASSETS_KEY", **place).missing


def test_places_that_are_gone(folder, fetched, swift_server, bucket, ssh_server, monkeypatch):
    assert fetched(planned(), assets_url=f"{folder.as_uri()}-gone").missing == "the folder of the assets does not exist"
    assert fetched(planned(), assets_url=swift_server.url("nobodys-bucket")).missing == (
        "the bucket of the assets does not exist"
    )
    monkeypatch.setenv("ASSETS_KEY", ssh_server.key)
    settings = {"assets_secret": "env:ASSETS_KEY", "assets_known_hosts": ssh_server.known_hosts}
    found = fetched(planned(), assets_url=ssh_server.url(folder / "gone"), **settings)
    assert found.missing == "the folder of the assets does not exist"
    assert fetched(planned(), assets_url="").missing == "the location of this deployment's assets is not known"
    assert fetched.pauses == []


def test_a_server_that_is_not_there_is_tried_again(fetched):
    found = fetched(planned(), assets_url="http://127.0.0.1:1/", timeout=1)
    assert found.missing == "its server cannot be reached; it was tried 4 times"
    assert fetched.pauses == [1.0, 4.0, 15.0]


@pytest.mark.parametrize("url", [
    "ssh://host/x", "file:relative", "file://host/x", "ftp://host/x", "https://", "s3://", "sftp://user:pw@host/x",
    "s3://bucket/x?sign=no", "https://host/x?token=1", "sftp://host:port/x", "file://[/x", "https://host/a b", "folder",
])  # fmt: skip
def test_addresses_that_are_no_places(url, fetched):
    with pytest.raises(UsageError, match="address cannot be used"):
        fetched(planned(), assets_url=url)
