"""Values at the borders of blocks are found, once; memory follows a block."""

import base64
import json
import random
import tracemalloc
import zipfile

import pytest

from exports.leakscan.scan import scan
from exports.leakscan.search.location import CsvLocation, HitLocation
from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.stream import BLOCK, BlockSearch
from psynetdata.psynet import csvtext

from .samples import needles

VALUE = "zoë:149d4395/36b3216f"
WRITTEN = {
    "plain": VALUE.encode(),
    "json": json.dumps(VALUE).replace("/", "\\/").encode(),
    "percent": b"zo%C3%AB%3A149d4395%2F36b3216f",
    "utf-16": VALUE.encode("utf-16-le"),
    "base64": base64.b64encode(b"xy" + VALUE.encode() + b"z"),
}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(needles(unique_id=VALUE, worker_id="k3j9x2"))


def fed(matcher: Matcher, data: bytes, sizes: list[int]) -> list[str]:
    found: list[str] = []
    blocks = BlockSearch(matcher, HitLocation(str), lambda hit, place: found.append(matcher.needles[hit.needle].kind))
    place = 0
    for size in sizes:
        blocks.feed(data[place : place + size])
        place += size
    blocks.feed(data[place:])
    blocks.close()
    return found


@pytest.mark.parametrize("form", WRITTEN)
def test_a_value_across_blocks_is_found_once(matcher, form):
    rng = random.Random(form)
    for _ in range(60):
        before = rng.randrange(3000)
        filler = b"lorem ipsum, \n" * 900
        data = filler[:before] + b" " + WRITTEN[form] + b" " + filler[: rng.randrange(3000)]
        sizes = [rng.randrange(1, 1500) for _ in range(3)] + [max(1, before - rng.randrange(60))]
        assert fed(matcher, data, sizes) == ["unique_id"]


def test_every_border_of_real_blocks(matcher):
    rng = random.Random(5)
    for _ in range(8):
        start = BLOCK - rng.randrange(len(WRITTEN["percent"]) + 40)
        data = b"." * start + b" " + rng.choice(list(WRITTEN.values())) + b" " + b"." * BLOCK
        assert fed(matcher, data, [BLOCK, BLOCK]) == ["unique_id"]


def test_a_token_cut_by_a_block_is_still_whole_or_not(matcher):
    for cut in range(1, 12):
        assert fed(matcher, b"." * 5000 + b" k3j9x2 " + b"." * 500, [5000 + cut]) == ["worker_id"]
        assert fed(matcher, b"." * 5000 + b" k3j9x23" + b"." * 500, [5000 + cut]) == []


def test_columns_are_right_whatever_the_blocks(matcher):
    rng = random.Random(6)
    header = [f"c{n}" for n in range(9)]
    rows, expected = [header], []
    for _ in range(200):
        row = [rng.choice(["", "a,b", 'say "x"', "two\nlines", "7", None, "é" * 30]) for _ in header]
        column = rng.randrange(len(header))
        row[column] = rng.choice([VALUE, f'"{VALUE}",', f"x\n{VALUE}\n"])
        expected.append(f"column c{column}")
        rows.append(row)
    data = b"\n".join(csvtext.format_row(row) for row in rows)
    for _ in range(20):
        found: list[str] = []
        blocks = BlockSearch(matcher, CsvLocation(str), lambda hit, place, found=found: found.append(place))
        place = 0
        while place < len(data):
            size = rng.randrange(1, 4000)
            blocks.feed(data[place : place + size])
            place += size
        blocks.close()
        assert found == expected


def test_memory_follows_a_block(tmp_path):
    path = tmp_path / "big.zip"
    line = b"7,0.5,lorem ipsum dolor sit amet,,f\n" * 29_000
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("data/a.csv", "w") as member,
    ):
        for _ in range(40):
            member.write(line)
    wanted = needles(worker_id="149d439536b3216fdaeeb975")
    tracemalloc.start()
    report = scan(path, wanted)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.bytes_scanned > 40 * len(line)
    assert report.clean
    assert peak < 16 * BLOCK
