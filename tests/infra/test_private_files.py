"""Nobody else on the machine reads our files; what earlier versions left open is closed."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from psynetdata.infra.private_files import make_private


def open_to_others(folder: Path) -> list[str]:
    found = []
    for path in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):  # a running desk removes files
            if path.lstat().st_mode & 0o077 and not path.is_symlink():
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


@pytest.fixture
def old(tmp_path) -> Path:
    """A data folder as an earlier version wrote it, with the usual umask."""
    data = tmp_path / "data"
    for name in ("site.sqlite3", "site.sqlite3-wal", "identified.sqlite3-shm", "master_key"):
        (data / "tmp").mkdir(parents=True, exist_ok=True)
        (data / name).touch()
        (data / name).chmod(0o644)
    for folder in ("snapshots/ab", "exports", "elsewhere"):
        (tmp_path / "storage" / folder).mkdir(parents=True)
        (tmp_path / "storage" / folder).chmod(0o755)
    (tmp_path / "storage").chmod(0o755)
    for folder in (data, data / "tmp"):
        folder.chmod(0o755)
    return data


def test_what_an_earlier_version_left_open(old):
    storage = old.parent / "storage"
    assert make_private(old, storage) == []
    assert open_to_others(old) == []
    # What is below a private folder needs nothing, and other folders may be somebody else's.
    assert open_to_others(storage) == [".", "elsewhere", "snapshots/ab"]
    assert old.stat().st_mode & 0o700 == 0o700
    assert (old / "site.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_folder_for_everybody_stays_one(old):
    old.chmod(0o777 | stat.S_ISVTX)
    assert make_private(old, None) == []
    assert open_to_others(old) == ["."]


def test_what_cannot_be_changed_is_named(old, monkeypatch):
    """As for files of another user; the tests' user may be allowed everything."""

    def refuse(path, mode):
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "chmod", refuse)
    assert old / "site.sqlite3" in make_private(old, None)


def test_stored_files_are_private(own_storage):
    default_storage.save("snapshots/ab/cd", ContentFile(b"x"))
    assert open_to_others(own_storage) == []
