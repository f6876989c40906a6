"""Whatever a file's format: an identifier in it is found, or the file is refused, or it is listed as not searched."""

import gzip
import json
import random
import tracemalloc
import zlib

import pytest

from exports.leakscan.archive import members
from exports.leakscan.scan import scan

from .planted_formats import FOUND, ID, LEAK, NOT_SEARCHED, REFUSED
from .samples import archive, needles, zipped

WORKER = {"worker_id": ID}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, set[str]]:
    """{name: found, refused, listed} of all files, searched in one archive."""
    files = FOUND | REFUSED | NOT_SEARCHED
    path = tmp_path_factory.mktemp("formats") / "export.zip"
    path.write_bytes(zipped({f"{number}/{name}": content for number, (name, content) in enumerate(files.items())}))
    report = scan(path, needles(**WORKER), processes=1)
    seen: dict[str, set[str]] = {name: set() for name in files}
    names = list(files)
    for finding in report.findings:
        kind = "refused" if finding.kind == "unreadable" else "found"
        seen[names[int(finding.member.split("/")[1])]].add(kind)
    for entry in report.not_searched["files"]:
        seen[names[int(entry["member"].split("/")[1])]].add("listed")
    return seen


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found(outcomes, name):
    assert "found" in outcomes[name]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(outcomes, name):
    assert outcomes[name] == {"refused"}


@pytest.mark.parametrize("name", NOT_SEARCHED)
def test_it_is_listed(outcomes, name):
    assert outcomes[name] == {"listed"}


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_stops_nothing(tmp_path, seed):
    """Whatever its bytes are, the scan ends, and what is next to it is searched."""
    rng, files = random.Random(seed), list((FOUND | REFUSED | NOT_SEARCHED).values())
    damaged = {}
    for number in range(40):
        content = bytearray(rng.choice(files)[:8000])
        for _ in range(5):
            place = rng.randrange(len(content) + 1)
            content[place : place + rng.choice((0, 1, 90))] = rng.choice((b"", b"\xff", rng.choice(files)[:2000]))
        damaged[f"{number}.bin"] = bytes(content)
    report = scan(archive(tmp_path, damaged | {"last.txt": LEAK}), needles(**WORKER), processes=1)
    assert "archive/last.txt" in {finding.member for finding in report.findings}


def bomb(depth: int) -> bytes:
    """Zeros that are packed several times; each time makes a thousandth of them."""
    content = zlib.compress(bytes(6 << 20))
    for _ in range(depth):
        content = zlib.compress(b"\xff" + content)
    return b"\xff\xfe" + content


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    """However it is packed: the limit counts everything that comes from one file."""
    monkeypatch.setattr(members, "_UNPACKED", 4 << 20)
    monkeypatch.setattr(members, "_TIMES", 2)
    bombs = {
        "a.bin": bomb(0),
        "b.bin": bomb(2),
        "c.gz": gzip.compress(bytes(6 << 20), mtime=0),
        "d.gz": gzip.compress(zipped({"a": bytes(6 << 20)}), mtime=0),
        "e.zip": zipped({"b.zip": zipped({"c.zip": zipped({"a": bytes(6 << 20)})})}),
    }
    for name, content in bombs.items():
        report = scan(archive(tmp_path, {name: content, "clean.txt": b"yes"}), needles(**WORKER), processes=1)
        assert {(finding.kind, finding.form) for finding in report.findings} == {
            ("unreadable", "unpacks to more than a real file would")
        }, name
        assert report.bytes_scanned < 12 << 20, name


def test_parts_inside_parts_end_at_a_depth(tmp_path):
    content = b"\xff\xfe clean"
    for _ in range(12):
        content = b"\xff\xfe" + gzip.compress(content, mtime=0)
    report = scan(archive(tmp_path, {"a.bin": content}), needles(**WORKER), processes=1)
    assert {(finding.kind, finding.form) for finding in report.findings} == {("unreadable", "nested more than 8 deep")}


def test_memory_is_bounded(tmp_path):
    """A large part of a file is kept on disk while it is read."""
    content = b"\xff\xfe" + zlib.compress(b"some words that say nothing, and more of them\n" * 400_000, 1)
    path = archive(tmp_path, {"a.bin": content})
    assert scan(path, needles(**WORKER), processes=1).clean
    tracemalloc.start()
    scan(path, needles(**WORKER), processes=1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 24 << 20


def test_an_id_in_the_manifest_is_found_although_small_numbers_there_are_counts(tmp_path):
    manifest = json.dumps({"worker_id": 7, "notes": [f"left out {ID}"]}).encode()
    path = archive(tmp_path, {"manifest.json": manifest})
    report = scan(path, needles(worker_id=[ID, "7"]), accounts=["manifest.json"], processes=1)
    assert [(finding.member, finding.column_or_place) for finding in report.findings] == [
        ("archive/manifest.json", "key notes")
    ]


@pytest.mark.parametrize("cut", range(-40, 41, 8))
def test_a_part_at_a_border_of_blocks_is_found(tmp_path, cut):
    block = bytes(range(256)) * (members.BLOCK // 256)
    content = block[: members.BLOCK + cut - 30] + zlib.compress(LEAK) + block[:3000]
    report = scan(archive(tmp_path, {"a.npy": b"\x93NUMPY" + content}), needles(**WORKER), processes=1)
    assert [finding.kind for finding in report.findings] == ["worker_id"]
