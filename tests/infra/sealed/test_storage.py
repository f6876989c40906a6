"""An encrypted storage over a local folder, a bucket and a folder behind SSH, through Django's own methods."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from exports.store.installation import FILE
from exports.store.storage_listing import names
from psynetdata.env import local_storage, sealed, storage
from psynetdata.infra.sealed.storage import CLEAR, SealedStorage, backend_of, stored_names
from psynetdata.infra.sealed.stream import CHUNK, SEALED_CHUNK
from psynetdata.infra.storage import blocks
from psynetdata.psynet.problems import Damaged

KEY, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
HASHED = f"assets/ab/cd/abcd{'0' * 60}"
PLAIN = "exports/1/regular.zip"
MARK = b"a text that nobody else may read"


def over(backend: dict, *keys: str, clear: bool = False) -> SealedStorage:
    """An encrypted storage; with `clear` some of its files may not be encrypted yet."""
    made = storages.create_storage(sealed(backend, list(keys or [KEY])))
    made.accepts_clear = lambda: clear
    return made


@pytest.fixture
def folder(tmp_path):
    return local_storage(tmp_path / "sealed")


@pytest.fixture
def bucket_storage(swift_server, bucket):
    return storage(swift_server.url(bucket, "desk"))


@pytest.fixture
def ssh_storage(known_ssh_server, tmp_path):
    (tmp_path / "behind").mkdir()
    return storage(known_ssh_server.url(tmp_path / "behind"))


def put(kept, name: str, content: bytes) -> bytes:
    assert kept.save(name, ContentFile(content)) == name
    return content


def whole(kept, name: str) -> bytes:
    with kept.open(name) as file:
        return file.read()


def stored_path(kept: SealedStorage, name: str) -> Path:
    return Path(kept.backend.path(kept.keys[0].stored_name(name)))


@pytest.mark.parametrize("kind", ["folder", "bucket_storage", "ssh_storage"])
def test_every_method_over_every_backend(kind, request):
    kept = over(request.getfixturevalue(kind))
    content = put(kept, HASHED, MARK + os.urandom(6_000_000) + MARK)
    put(kept, PLAIN, b"")
    size = len(content)
    assert (kept.size(HASHED), kept.size(PLAIN), kept.exists(HASHED), kept.exists("exports/2")) == (
        size,
        0,
        True,
        False,
    )
    assert (whole(kept, HASHED) == content, whole(kept, PLAIN)) == (True, b"")
    ranges = [(0, 1), (0, CHUNK), (CHUNK - 1, CHUNK + 1), (CHUNK, 2 * CHUNK), (70_000, 400_000), (size - 1, size)]
    for start, stop in ranges:
        assert b"".join(blocks(kept, HASHED, start, stop)) == content[start:stop], (start, stop)
    with kept.open(HASHED) as file:
        assert file.seek(-40, os.SEEK_END) == size - 40
        assert file.read() == content[-40:]
        file.seek(5_000_000)
        assert file.read(10) == content[5_000_000:5_000_010]
    assert set(names(kept, "assets")) == stored_names(kept, [HASHED])
    (stored,) = stored_names(kept, [HASHED])
    backend = backend_of(kept)
    data = b"".join(blocks(backend, stored, 0, backend.size(stored)))
    assert MARK not in data
    assert "abcd0000" not in stored
    # Equal content is found under its name again; it is replaced in one step.
    assert put(kept, HASHED, content[:100]) == whole(kept, HASHED)
    kept.delete(HASHED)
    kept.delete(HASHED)
    assert not kept.exists(HASHED)
    for read in (kept.open, kept.size, lambda name: list(blocks(kept, name, 0, 5))):
        with pytest.raises(FileNotFoundError):
            read(HASHED)


def test_a_range_reads_only_its_chunks(folder, monkeypatch):
    kept = over(folder)
    put(kept, PLAIN, os.urandom(100 * CHUNK))
    read = []
    original = kept._stored_blocks
    kept._stored_blocks = lambda stored, start, stop: read.append(stop - start) or original(stored, start, stop)
    assert len(b"".join(kept.blocks(PLAIN, 50 * CHUNK + 5, 51 * CHUNK + 5))) == CHUNK
    assert sum(read) < 2 * SEALED_CHUNK + 200


def test_the_mark_of_the_installation_stays_readable(folder):
    kept = over(folder)
    assert {FILE} == CLEAR
    put(kept, FILE, b"{}")
    assert Path(kept.backend.path(FILE)).read_bytes() == b"{}" == whole(kept, FILE)
    assert (kept.size(FILE), list(kept.blocks(FILE, 0, 2))) == (2, [b"{}"])


def test_files_may_not_be_exchanged(folder):
    kept = over(folder)
    other = HASHED.replace("0", "1")
    for name in (HASHED, other, PLAIN):
        put(kept, name, name.encode())
    swapped = stored_path(kept, other)
    swapped.write_bytes(stored_path(kept, HASHED).read_bytes())
    for read in (whole, lambda kept, name: list(kept.blocks(name, 0, 5))):
        with pytest.raises(Damaged, match="is damaged or was changed; restore it from a backup"):
            read(kept, other)
    with pytest.raises(Damaged):
        kept.header(kept.keys[0].stored_name(other))
    assert "1" * 30 not in _message(kept, other)
    stored_path(kept, PLAIN).write_bytes(b"PK clear")
    assert "is not encrypted, though every file of this storage is" in _message(kept, PLAIN)
    stored_path(kept, PLAIN).write_bytes(b"")
    assert kept.size(PLAIN) == 0
    _message(kept, PLAIN)


def _message(kept, name: str) -> str:
    with pytest.raises(Damaged) as problem:
        whole(kept, name)
    return problem.value.sentence


def test_a_truncated_archive_is_noticed_in_a_range(folder):
    kept = over(folder)
    put(kept, PLAIN, bytes(3 * CHUNK))
    path = stored_path(kept, PLAIN)
    path.write_bytes(path.read_bytes()[:-SEALED_CHUNK])
    assert len(b"".join(kept.blocks(PLAIN, 0, 2 * CHUNK))) == 2 * CHUNK
    with pytest.raises(Damaged):
        list(kept.blocks(PLAIN, CHUNK, 3 * CHUNK))


def test_clear_files_are_read_until_all_are_encrypted(folder):
    clear = storages.create_storage(folder)
    for name in (HASHED, PLAIN):
        put(clear, name, MARK)
    kept = over(folder, clear=True)
    for name in (HASHED, PLAIN):
        assert (whole(kept, name), kept.size(name), list(kept.blocks(name, 2, 6))) == (MARK, len(MARK), [MARK[2:6]])
        assert kept.exists(name)
        stored = kept.rewrite(name, lambda name: True)
        assert stored == kept.keys[0].stored_name(name)
        assert kept.rewrite(stored, lambda name: True) is None
        assert whole(kept, name) == MARK
    assert not clear.exists(HASHED)
    assert all(MARK not in path.read_bytes() for path in Path(clear.location).rglob("*") if path.is_file())
    strict = over(folder)
    put(clear, HASHED, b"planted")
    put(clear, "exports/2/regular.zip", b"planted")
    assert whole(strict, HASHED) == MARK
    for name in (HASHED, "exports/2/regular.zip"):
        with pytest.raises(Damaged, match="is not encrypted"):
            strict.rewrite(name, lambda name: True)
    with pytest.raises(Damaged, match="is not encrypted"):
        whole(strict, "exports/2/regular.zip")


def test_a_file_that_is_encrypted_while_it_is_read(folder):
    clear = storages.create_storage(folder)
    kept = over(folder, clear=True)
    content = put(clear, PLAIN, MARK * 100_000)
    reading = kept.blocks(PLAIN, 5, len(content))
    begun = next(reading)
    with kept.open(PLAIN) as file:
        kept.rewrite(PLAIN, lambda name: True)
        assert file.read() == content
    with pytest.raises(Damaged, match="was encrypted while it was being read; try again"):
        list(reading)
    assert begun == content[5 : 5 + len(begun)]
    kept._is_clear = lambda name, stored: True  # as it was a moment ago
    assert whole(kept, PLAIN) == content


def test_another_key(folder):
    old, both, new = over(folder), over(folder, NEW, KEY), over(folder, NEW)
    for name in (HASHED, PLAIN):
        put(old, name, MARK)
        assert (whole(both, name), both.size(name)) == (MARK, len(MARK))
        stored = old.keys[0].stored_name(name)
        assert both.rewrite(stored, lambda name: True) == new.keys[0].stored_name(name)
        assert (whole(new, name), whole(both, name)) == (MARK, MARK)
    assert not old.exists(HASHED)
    assert f"the key {new.keys[0].id}, which STORAGE_KEY does not hold" in _message(old, PLAIN)


def test_what_is_deleted_during_a_rewrite_stays_deleted(folder):
    clear = storages.create_storage(folder)
    kept = over(folder, clear=True)
    for name in (HASHED, PLAIN):
        put(clear, name, MARK)
    save = kept._save
    # Somebody else's delete() has removed the older file and not yet the newer one.
    kept._save = lambda name, file: (save(name, file), clear.delete(name))
    assert kept.rewrite(HASHED, lambda name: True) is None
    kept._save = save
    # Row and file went before the new one came.
    answers = iter([True, False])
    assert kept.rewrite(PLAIN, lambda name: next(answers)) is None
    assert not any(kept.exists(name) for name in (HASHED, PLAIN))
    # No row ever named this one: it stays, whatever happens.
    put(clear, PLAIN, MARK)
    assert kept.rewrite(PLAIN, lambda name: False) == PLAIN
    assert whole(kept, PLAIN) == MARK


def test_an_interrupted_save_leaves_nothing(folder):
    kept = over(folder)

    class Breaks(ContentFile):
        def read(self, *size):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        kept.save(PLAIN, Breaks(b"x" * 1000))
    assert list(names(kept, "exports")) == []
    with pytest.raises(ValueError, match="written as a whole"):
        kept.open(PLAIN, "wb")
    with pytest.raises(NotImplementedError):
        kept.path(PLAIN)
