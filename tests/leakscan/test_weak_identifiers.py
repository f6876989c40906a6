"""Short ids: found where they mean someone, silent where they are figures or words."""

import json
import random

import pytest

from exports.leakscan.scan import scan
from psynetdata.psynet import csvtext

from .samples import ENGINES, archive, needles

SHORT = ["1", "30", "P01", "123456", "k3j9x2", "debug", "127.0.0.1", "unknown"]


def table(header: list[str], rows: list[list[str | None]]) -> bytes:
    return b"\n".join(csvtext.format_row(row) for row in [header, *rows]) + b"\n"


@pytest.mark.parametrize("engine", ENGINES)
def test_no_alarm_among_figures_hashes_and_times(tmp_path, engine):
    rng = random.Random(3)
    rows = [
        [
            str(n),
            repr(rng.random()),
            f"2026-11-22 07:58:54.{rng.randrange(10**6):06d}",
            rng.randbytes(16).hex(),
            str(rng.randrange(1000)) if n % 7 else "none of it",
            json.dumps({"rating": str(n % 31), "score": n, "ids": list(range(9)), "time": f"07:58:54.{123456}"}),
            f"tmp/node_{n}__trial_123456__P01x.wav",
            "debug",
            "p",
        ]
        for n in range(1, 1001)
    ]
    rows.append(["123456", "0.123456", "1.5e-123456", "d41d8cd98f00b204e9800998ecf8427e", *[None] * 5])
    header = ["id", "score", "time", "content_id", "answer", "vars", "path", "mode", "worker_id"]
    members = {
        "data/Trial.csv": table(header, rows),
        "basic_data.json": json.dumps(
            [{**dict(zip(header, row, strict=True)), "id": int(row[0])} for row in rows]
        ).encode(),
        "noise.wav": rng.randbytes(300_000),
        "notes.md": b"There were 30 people, 1 of them unknown. In debug mode the server is 127.0.0.1.",
    }
    wanted = needles(worker_id=SHORT, personal_asset="d41d8cd98f00b204e9800998ecf8427e")
    assert scan(archive(tmp_path, members), wanted, engine=engine).findings == []


@pytest.mark.parametrize("value", SHORT)
@pytest.mark.parametrize(
    "member",
    [
        {"a.csv": lambda v: table(["id", "worker_id"], [["9", v], ["10", "x"]])},
        {"a.csv": lambda v: table(["id", "vars"], [["9", json.dumps({"PROLIFIC_PID": v})]])},
        {"a.json": lambda v: json.dumps([{"deep": {"workerId": v}}]).encode()},
        {"a.ndjson": lambda v: b'{"x": 1}\n' + json.dumps({"unique_id": v}).encode()},
        {"a.json": lambda v: json.dumps({"inner": json.dumps({"client_ip_address": v})}).encode()},
        {"a.txt": lambda v: f"GET /ad?workerId={v}&x=2".encode()},
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_short_id_is_found_under_a_name_of_identity(tmp_path, member, value, engine):
    members = {name: make(value) for name, make in member.items()}
    report = scan(archive(tmp_path, members), needles(worker_id=value), engine=engine)
    assert {finding.kind for finding in report.findings} == {"worker_id"}


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("P01", b'{"note": "P01"}'),
        ("P01", table(["id", "note"], [["1", "p01"]])),
        ("P01", table(["id", "note"], [["1", json.dumps({"a": json.dumps(["P01"])})]])),
        ("k3j9x2", b"rec_k3j9x2.wav"),
        ("k3j9x2", b'{"a": "x\\nK3J9X2\\ty"}'),
        ("123456", b"my id is 123456, thanks"),
        ("123456", b'{"note": "123456"}'),
        ("123456", table(["id", "note"], [["1", "hello"], ["2", "123456"]])),
        ("1234567890", b"abc1234567890def"),
        ("482913", b"[1,482913,2]"),
        ("482913", b'{"a": {"b": [null,\n  -482913.0,\n  "x"]}}'),
        ("482913", b'{"a":[[7],482913]}'),
        ("482913", table(["id", "note"], [["1", "[1,482913,2]"]])),
    ],
)
def test_short_ids_are_found_where_they_stand_alone(tmp_path, value, content):
    name = "a.csv" if content.startswith(b"id,") else "a.json"
    assert not scan(archive(tmp_path, {name: content}), needles(worker_id=value)).clean


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("P01", b"P012, XP01, P01-3"),
        ("k3j9x2", b"ak3j9x2 k3j9x23"),
        ("203.0.113.1", b"203.0.113.12 1203.0.113.1"),
        ("123456", table(["id", "score"], [["1", "7"], ["2", "123456"]])),
        ("3099056020", b"0.30990560200007167"),
        ("482913", b"1,482913,2"),
    ],
)
def test_a_part_of_something_longer_is_not_it(tmp_path, value, content):
    name = "a.csv" if content.startswith(b"id,") else "a.txt"
    assert scan(archive(tmp_path, {name: content}), needles(worker_id=value)).findings == []


@pytest.mark.parametrize("content", [b"[1,482913.5,2]", b"[1,1482913,2]", b'{"score": 482913}', b"[1,4829130,2]"])
def test_other_numbers_of_a_json_file_are_not_it(tmp_path, content):
    assert scan(archive(tmp_path, {"a.json": content}), needles(worker_id="482913")).clean


def test_short_ids_in_names_of_files(tmp_path):
    report = scan(archive(tmp_path, {"rec/P01.csv": b"", "P01/x.csv": b""}), needles(worker_id="P01"))
    assert [(f.member, f.column_or_place, f.count) for f in report.findings] == [
        ("archive/(hidden)/x.csv", "name", 1),
        ("archive/rec/(hidden)", "name", 1),
    ]


def test_a_table_of_another_dialect_fails_only_where_it_names_people(tmp_path):
    broken = b'worker_id,x\n"a"b,1\n'
    assert not scan(archive(tmp_path, {"a.csv": broken}), needles(worker_id="7")).clean
    assert scan(archive(tmp_path, {"a.csv": broken.replace(b"worker_id", b"colour")}), needles(worker_id="7")).clean


@pytest.mark.parametrize(
    "text", ['""""""""""""""', "&quot;&quot;&quot;", "%22%22%22%22%22", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\"]
)
def test_a_text_of_nothing_but_escapes_is_found_as_it_stands_only(tmp_path, text):
    members = {"a.csv": table(["id", "note"], [["1", 'say "x"'], ["2", "\\"]]), "a.json": b'{"a": "\\\\"}'}
    assert scan(archive(tmp_path, members), needles(withheld_text=text)).clean
    assert not scan(archive(tmp_path, {"a.txt": f"<{text}>".encode()}), needles(withheld_text=text)).clean
