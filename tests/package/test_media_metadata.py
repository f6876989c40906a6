"""Files that people made leave without what their machines wrote beside picture and sound."""

import io
import json
import struct
import wave
import zipfile
import zlib

import pytest
from django.core.files.storage import default_storage

from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.package.tree.media_metadata import strip
from psynetdata.anonymize.face.policy_decisions import decide
from psynetdata.anonymize.policy.rules import Rule
from psynetdata.psynet.problems import Damaged
from tests.store.snapshot_factory import written_down

HIDDEN = b"Ann Example, 48.137154 11.576124"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(b"\0\7")) + chunk(b"IEND", b"")


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def exif(orientation: int) -> bytes:
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack("<HHII", 0x010F, 2, len(HIDDEN), 50)
    return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(4) + bytes(12) + HIDDEN)


SCANS = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\0\x34\xff\xd0\x56" + segment(0xC4, b"table")
SCANS += segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x78\xff\0"
FRAME = segment(0xE0, b"JFIF\0\1\1") + segment(0xE2, b"ICC_PROFILE\0\1\1colours") + segment(0xDB, b"quantizing")


def jpeg(*more: bytes, after: bytes = b"") -> bytes:
    return b"\xff\xd8" + FRAME + b"".join(more) + SCANS + b"\xff\xd9" + after


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


FORMAT = riff(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8))
SOUND = riff(b"data", b"abcdefg")
FRAMES = b"\xff\xfb\x90\x00" + bytes(range(200))


def id3(content: bytes) -> bytes:
    size = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + content


@pytest.mark.parametrize(
    ("name", "with_metadata", "without"),
    [
        ("PNG", png(chunk(b"tEXt", b"Author\0" + HIDDEN), chunk(b"eXIf", HIDDEN), chunk(b"gAMA", b"1234")) + HIDDEN,
         png(chunk(b"gAMA", b"1234"))),
        ("JPEG", jpeg(exif(1), segment(0xFE, HIDDEN), segment(0xED, HIDDEN), after=HIDDEN), jpeg()),
        ("JPEG", jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HIDDEN)), jpeg()),
        ("WAV", wav(FORMAT, riff(b"LIST", b"INFOIART" + HIDDEN), SOUND, riff(b"id3 ", HIDDEN)), wav(FORMAT, SOUND)),
        ("WAV", wav(riff(b"bext", HIDDEN), FORMAT, b"data\xff\xff\xff\xffabcdefgh"),
         wav(FORMAT, b"data\xff\xff\xff\xffabcdefgh")),
        ("MP3", id3(HIDDEN * 9) + FRAMES + b"TAG" + HIDDEN.ljust(125), FRAMES),
        ("MP3", FRAMES + HIDDEN + b"APETAGEX" + struct.pack("<IIII", 2000, len(HIDDEN) + 32, 1, 0) + bytes(8), FRAMES),
    ],
)  # fmt: skip
def test_metadata_goes_and_the_rest_stays_byte_for_byte(tmp_path, name, with_metadata, without):
    (tmp_path / "a").write_bytes(with_metadata)
    assert HIDDEN in with_metadata
    assert strip(tmp_path / "a", tmp_path / "b") == name
    assert (tmp_path / "b").read_bytes() == without
    # Without metadata it is what it was.
    assert strip(tmp_path / "b", tmp_path / "c") == name
    assert (tmp_path / "c").read_bytes() == without


def test_a_picture_still_says_which_side_is_up(tmp_path):
    (tmp_path / "a").write_bytes(jpeg(exif(6)))
    strip(tmp_path / "a", tmp_path / "b")
    left = (tmp_path / "b").read_bytes()
    assert HIDDEN not in left
    at = left.index(b"Exif\0\0") + 6
    order, _, offset, count, tag, kind, number, value = struct.unpack(">2sHIHHHIH", left[at : at + 20])
    assert (order, offset, count, tag, kind, number, value) == (b"MM", 8, 1, 0x0112, 3, 1, 6)
    assert left.replace(left[left.index(b"\xff\xe1") : at + 26], b"") == jpeg()


def test_a_wav_can_still_be_played(tmp_path):
    (tmp_path / "a").write_bytes(wav(FORMAT, riff(b"LIST", b"INFO" + HIDDEN), SOUND))
    strip(tmp_path / "a", tmp_path / "b")
    with wave.open(str(tmp_path / "b")) as sound:
        assert sound.readframes(9) == b"abcdefg"


@pytest.mark.parametrize("other", [b"", b"\x1a\x45\xdf\xa3webm", b"RIFF....AVI ", b"text"])
def test_other_files_are_left_to_those_who_decide(tmp_path, other):
    (tmp_path / "a").write_bytes(other)
    assert strip(tmp_path / "a", tmp_path / "b") == ""
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("whole", [png(), jpeg(), wav(FORMAT, riff(b"LIST", HIDDEN))])
def test_a_file_that_breaks_off_is_damaged(tmp_path, whole):
    (tmp_path / "a").write_bytes(whole[:-12])
    with pytest.raises(Damaged, match="damaged"):
        strip(tmp_path / "a", tmp_path / "b")


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_a_drawing_that_may_leave_leaves_without(tmp_path):
    header = ["id", "type", "module_id", "local_key", "trial_id", "participant_id", "host_path", "export_path"]
    rows = [
        ["1", "x.Drawing", "m", "drawing", "4", "2", "d/1.png", "drawings/1.png"],
        ["2", "x.Drawing", "m", "drawing", "5", "2", "d/2.png", "drawings/2.png"],
        ["3", "x.Stimulus", "m", "stimulus", None, None, "d/3.png", "stimuli/3.png"],
    ]
    snapshot = written_down({"asset": [header, *rows]}, assets_url=tmp_path.as_uri())
    (tmp_path / "d").mkdir()
    whole = png(chunk(b"tEXt", HIDDEN))
    for name, content in (("1", whole), ("2", whole[:-12]), ("3", whole)):
        (tmp_path / "d" / f"{name}.png").write_bytes(content)
    decide(snapshot.deployment, [Rule("asset", "*", "Drawing/m/drawing", "keep", "drop", "asset", "drawn on request")])
    export = request_export(snapshot.deployment, ExportOptions(assets="all"), here=True)
    run_here(export)
    for archive in export.archives.all():
        with default_storage.open(archive.file) as file, zipfile.ZipFile(io.BytesIO(file.read())) as found:
            told = json.loads(found.read("manifest.json"))["assets"]
            files = {name.partition("/assets/")[2]: found.read(name) for name in found.namelist() if "/assets/" in name}
        if archive.mode == "regular":
            assert files["drawings/1.png"] == files["stimuli/3.png"] == whole
        else:
            assert files == {"drawings/1.png": png(), "stimuli/3.png": whole}
            assert [each["reason"] for each in told["differing"]] == ["metadata was removed (PNG)"]
            (missing,) = told["missing"]
            assert "cannot be removed" in missing["reason"]
