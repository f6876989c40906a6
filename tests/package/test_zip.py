"""Pieces that are packed apart and the zip that is made of them, read by Python's zipfile and by unzip."""

import io
import random
import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime

import pytest

from exports.package.zip.deflate import END, Packer, combined_crc32, pack
from exports.package.zip.zip_writer import ZipWriter

MOMENT = datetime(2026, 11, 22, 9, 30, 2, tzinfo=UTC)


def contents(*sizes):
    chance = random.Random(7)
    return [bytes(chance.choices(b'abc",\n', k=size)) for size in sizes]


def test_pieces_one_behind_the_other_are_one_stream(tmp_path):
    added = contents(0, 1, 17, 2_500_000, 300, 1_800_000, 4)  # more than a block when packed: pieces are cut
    packer = Packer(tmp_path / "packed")
    for number, data in enumerate(added):
        packer.add(number % 2, data, rows=number)
    made = packer.close()
    for key in (0, 1):
        pieces, whole = [piece for of, piece in made if of == key], b"".join(added[key::2])
        assert zlib.decompress(b"".join(b"".join(piece.read()) for piece in pieces) + END, -15) == whole
        assert b"".join(block for piece in pieces for block in piece.unpacked()) == whole
        assert combined_crc32(pieces) == zlib.crc32(whole)
        assert sum(piece.rows for piece in pieces) == sum(range(len(added))[key::2])
    assert len(made) > 2


def test_equal_bytes_give_equal_pieces(tmp_path):
    (one,), (other,) = (pack(tmp_path / name, contents(5_000)) for name in ("a", "b"))
    assert list(one.read()) == list(other.read())


@pytest.fixture
def archive(tmp_path):
    """(the path of a zip, {name: content}, {name: content} of the zip within it)"""
    first, second = contents(100_000, 7)
    held = {"b/é 日本.csv": first, "a": b"", "z": b"xyz", "deep.zip": None}
    inner = {"data/x.csv": second, "experiment_id.md": b"app"}
    path = tmp_path / "made.zip"
    with path.open("wb") as file:
        writer = ZipWriter(file, MOMENT)
        writer.deflated("b/é 日本.csv", pack(tmp_path / "first", [first]))
        with writer.nested("deep.zip") as within:
            within.deflated("data/x.csv", pack(tmp_path / "second", [second]))
            within.whole("experiment_id.md", b"app")
        writer.stored("z", [b"x", b"yz"])
        writer.whole("a", b"")
        writer.close()
    return path, held, inner


def test_a_stranger_reads_the_zip(archive):
    path, held, inner = archive
    with zipfile.ZipFile(path) as read:
        assert read.namelist() == sorted(held)
        assert read.testzip() is None
        assert {name: read.read(name) for name in held if name != "deep.zip"} == {
            name: content for name, content in held.items() if name != "deep.zip"
        }
        assert {info.date_time for info in read.infolist()} == {(2026, 11, 22, 9, 30, 2)}
        with zipfile.ZipFile(io.BytesIO(read.read("deep.zip"))) as within:
            assert {name: within.read(name) for name in within.namelist()} == inner
    if shutil.which("unzip"):
        assert subprocess.run(["unzip", "-tq", path], capture_output=True, check=False).returncode == 0


def test_a_zip_that_was_not_closed_is_none(tmp_path):
    path = tmp_path / "half.zip"
    with path.open("wb") as file:
        ZipWriter(file, MOMENT).whole("a", b"content")
    assert not zipfile.is_zipfile(path)


def test_members_beyond_four_gigabytes_have_their_sizes(tmp_path):
    """The sizes alone: a piece that says it is so large, read back from the directory."""
    (piece,) = pack(tmp_path / "x", [b"x"])
    huge = type(piece)(piece.path, piece.start, piece.packed, 5 << 30, piece.crc32)
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        writer = ZipWriter(file, MOMENT)
        writer.deflated("huge", [huge])
        writer.close()
    assert zipfile.ZipFile(path).getinfo("huge").file_size == 5 << 30
