"""Settings from the environment: what is wrong is said with the variable's name and an example."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from psynetdata import env

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("DEBUG", "perhaps"),
        ("STORAGE_URL", "ftp://somewhere/else"),
        ("STORAGE_URL", "s3://key:topsecret@bucket/prefix"),
        ("STORAGE_MIRROR_URL", "file://FOLDER/storage"),  # that is the storage itself
        ("DATABASE_URL", "mysql://user@host/name"),
        ("MASTER_KEY", "topsecret"),
        ("STORAGE_KEY", "topsecret"),
        ("DATA_DIR", "/dev/null"),
        ("DATA_DIR", "/proc/nowhere"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(name, value, tmp_path):
    variables = os.environ | {"DATA_DIR": str(tmp_path)} | {name: value.replace("FOLDER", str(tmp_path))}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert name in done.stderr
    assert f"{name}=" in done.stderr
    assert "Traceback" not in done.stderr
    assert "topsecret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_kept_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "deep" / "secret"
    first = env.kept_secret(path)
    assert env.kept_secret(path) == first
    assert len(first) > 50
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_could_not_be_written_is_not_half_there(tmp_path):
    def full_disk() -> str:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        env.kept_secret(tmp_path / "secret", full_disk)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "secret").touch()
    with pytest.raises(ImproperlyConfigured, match=r"secret is empty; restore it from a backup\.$"):
        env.kept_secret(tmp_path / "secret")


def test_unset_and_empty_mean_the_default(monkeypatch):
    monkeypatch.setenv("PORT", "  ")
    assert env.read("PORT", 8000, env.port, example="1") == 8000
    monkeypatch.setenv("PORT", "80")
    assert env.read("PORT", 8000, env.port, example="1") == 80


def test_storage_urls():
    s3 = env.storage("s3://bucket/some/prefix?endpoint_url=http://localhost:1")
    assert s3["OPTIONS"] == {
        "bucket_name": "bucket",
        "location": "some/prefix",
        "file_overwrite": True,
        "endpoint_url": "http://localhost:1",
    }
    sftp = env.storage("sftp://me@host:2222/folder")
    assert sftp["OPTIONS"] == {"host": "host", "port": 2222, "user": "me", "root": "/folder"}
    assert env.storage("file:///srv/a%20b")["OPTIONS"] == {"location": "/srv/a b"}


def test_storage_keys_are_separated_by_commas_or_spaces():
    new, old = (Fernet.generate_key().decode() for _ in range(2))
    for text in (f"{new} {old}", f" {new},{old}", f"{new}, {old}"):
        assert env.storage_keys(text) == [new, old]
    with pytest.raises(ValueError, match="the same key twice") as error:
        env.storage_keys(f"{new} {new}")
    assert new not in str(error.value)
    local = env.local_storage(ROOT)
    assert env.unsealed(local) == env.unsealed(env.sealed(local, [new])) == local


def test_the_error_names_the_variable(monkeypatch):
    monkeypatch.setenv("SOME_NUMBER", "x")
    with pytest.raises(ImproperlyConfigured, match=r"SOME_NUMBER .* not a whole number.*SOME_NUMBER=5"):
        env.read("SOME_NUMBER", 1, env.whole_number, example="5")
