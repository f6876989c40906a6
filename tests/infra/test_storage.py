"""What is written to disk before a stored file counts as stored."""

import os

from django.core.files.base import ContentFile

from psynetdata.infra.storage import AtomicFileSystemStorage


def test_folders_are_written_to_disk_as_files_are(tmp_path, monkeypatch):
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(str(tmp_path)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    storage = AtomicFileSystemStorage(location=tmp_path / "storage")
    storage.save("snapshots/ab/cd/x", ContentFile(b"x"))
    assert synced[0].startswith("/storage/snapshots/ab/cd/x.")
    assert synced[1:] == ["/storage/snapshots/ab/cd", "/storage/snapshots/ab", "/storage/snapshots", "/storage", ""]
    synced.clear()
    storage.save("snapshots/ab/cd/y", ContentFile(b"y"))
    assert synced[1:] == ["/storage/snapshots/ab/cd"]
