"""The format: what was sealed comes back, and nothing that was changed does."""

import base64
import io
import os

import pytest
from django.core.files import File

from psynetdata.infra.sealed.files import opened_file, sealing_file
from psynetdata.infra.sealed.keys import StorageKey
from psynetdata.infra.sealed.stream import (
    CHUNK,
    SEALED_CHUNK,
    header_length,
    open_stream,
    opened,
    plain_size,
    read_header,
    seal_stream,
    sealed_size,
)
from psynetdata.psynet.problems import Damaged

KEY, OTHER = (StorageKey(base64.urlsafe_b64encode(byte * 32).decode()) for byte in (b"k", b"o"))
NAME = "logs/1/part.gz"
HEAD = header_length(NAME)
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]


class Trickle(io.BytesIO):
    """Gives less than it is asked for, as a pipe does."""

    def read(self, size=-1):
        return super().read(min(size, 1000) if size > 0 else size)


def sealed(content: bytes, name: str = NAME) -> bytes:
    out = io.BytesIO()
    seal_stream(Trickle(content), out, KEY, name)
    return out.getvalue()


def content_of(data: bytes, *keys: StorageKey) -> bytes:
    out = io.BytesIO()
    assert open_stream(io.BytesIO(data), out, keys or [KEY]) == NAME
    return out.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_comes_back_and_its_size_is_known(size):
    content = os.urandom(size)
    data = sealed(content)
    assert content_of(data, OTHER, KEY) == content
    assert (len(data), plain_size(len(data), NAME)) == (sealed_size(size, NAME), size)
    assert size < 100 or content[:100] not in data
    assert NAME.encode() not in data


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_storages_read_is_a_sealed_stream(size):
    content = os.urandom(size)
    file = sealing_file(File(io.BytesIO(content), NAME), KEY, NAME)
    data = b"".join(file.chunks())
    assert (file.size, content_of(data)) == (len(data), content)
    # A storage that repeats a part of an upload gets the bytes that it got before.
    for at in (len(data) - 1, HEAD + SEALED_CHUNK - 3, HEAD - 2, 0):
        file.seek(at)
        assert file.read(50) == data[at : at + 50]


def test_equal_content_is_never_encrypted_alike():
    assert sealed(b"x" * 1000)[HEAD:] != sealed(b"x" * 1000)[HEAD:]


def pieces(data: bytes) -> list[bytes]:
    return [data[:HEAD], *(data[at : at + SEALED_CHUNK] for at in range(HEAD, len(data), SEALED_CHUNK))]


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[:-1],  # ends at a chunk's end
        lambda parts: [*parts[:-1], parts[-1][:-1]],
        lambda parts: parts[:1],
        lambda parts: [parts[0], parts[2], parts[1], *parts[3:]],
        lambda parts: [*parts[:2], *parts[1:]],
        lambda parts: [*parts[:1], *parts[2:]],
        lambda parts: [*parts, parts[-1]],
        lambda parts: [*parts, b"more"],
        lambda parts: [pieces(sealed(b"another" * 30_000))[0], *parts[1:]],
        lambda parts: [*parts[:2], pieces(sealed(b"y" * 200_000))[2], *parts[3:]],
        lambda parts: [parts[0][:60], *parts[1:]],
        lambda parts: [parts[0][:10]],
        lambda parts: [b""],
        lambda parts: [b"clear text"],
    ],
)
@pytest.mark.parametrize("size", [200_000, 3 * CHUNK])
def test_every_change_is_noticed(change, size):
    data = b"".join(change(pieces(sealed(b"x" * size))))
    with pytest.raises(Damaged):
        content_of(data)


def test_every_flipped_bit_of_a_short_file_is_noticed():
    data = sealed(b"short")
    for at in range(len(data)):
        with pytest.raises(Damaged):
            content_of(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_a_key_that_is_not_there_is_named():
    with pytest.raises(Damaged, match=f"with the key {KEY.id}, which STORAGE_KEY does not hold"):
        content_of(sealed(b"x"), OTHER)


def test_chunks_that_were_asked_for_and_are_missing():
    data = sealed(b"x" * 3 * CHUNK)
    cipher = read_header(data, {KEY.id: KEY}, "it").cipher
    two = data[HEAD : HEAD + 2 * SEALED_CHUNK]
    assert b"".join(opened(cipher, [two], "it", count=2)) == b"x" * 2 * CHUNK
    with pytest.raises(Damaged):
        list(opened(cipher, [two], "it", count=3))
    with pytest.raises(Damaged):
        list(opened(cipher, [two[SEALED_CHUNK:]], "it", first=2, count=1))


def test_a_failure_is_not_taken_for_the_end():
    def broken(start):
        yield b"x" * 10
        raise Damaged("it is damaged")

    raw = opened_file(broken, lambda: 20, "it").file.raw
    for _ in range(2):
        with pytest.raises(Damaged):
            raw.readinto(bytearray(20))


def test_names_hide_hashes_and_keep_the_rest():
    sha256 = "ab12" + "0" * 60
    name = KEY.stored_name(f"snapshots/ab/12/{sha256}.csv.gz")
    folder, first, second, hidden = name.removesuffix(".csv.gz").split("/")
    assert (folder, first + second, len(hidden)) == ("snapshots", hidden[:4], 64)
    assert hidden != sha256
    assert KEY.stored_name(f"snapshots/ab/12/{sha256}.csv.gz") == name
    assert OTHER.stored_name(f"snapshots/ab/12/{sha256}.csv.gz") != name
    assert KEY.stored_name(f"assets/ab/12/{sha256}").rpartition("/")[2] != hidden
    code = KEY.stored_name(f"source_code/12/{sha256}.zip")
    assert (code.startswith("source_code/12/"), code.endswith(".zip"), sha256 in code) == (True, True, False)
    for unchanged in ("exports/1/regular.zip", f"snapshots/ab/ab/{'ab' * 16}.pack", f"x/{'a' * 65}", "logs/1/0-ab.gz"):
        assert KEY.stored_name(unchanged) == unchanged


def test_a_key_does_not_show_itself():
    text = base64.urlsafe_b64encode(b"k" * 32).decode()
    assert repr(KEY) == f"StorageKey {KEY.id}"
    assert len(KEY.id) == 16
    assert text not in repr(vars(StorageKey)) + repr(KEY) + str(KEY)
