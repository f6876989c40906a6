"""Teeth: whatever is planted, in whatever form, is found; both engines agree."""

import base64
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import tarfile
from urllib.parse import quote

import pyarrow
import pytest
from pyarrow import parquet

from exports.leakscan.needles.collection import collect
from exports.leakscan.scan import scan
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import LeakFound, NotFound
from psynetdata.psynet.table_source import ZipSource

from .samples import DATA, ENGINES, archive, needles, zipped

VALUES = {
    "worker_id": "149d439536b3216fdaeeb975",
    "unique_id": "149d43:729fae/92 3d",
    "client_ip_address": "203.0.113.10",
    "page_uuid": "833fc197-32a4-721b-6a34-9ace4df4eda4",
    "email": "zoë.k+x@mail.example.org",
    "secret": 'p@ss"w%rd\\7&<x>',
    "personal_asset": "experiments/a=b/rec__2c51341e.wav",
    "withheld_text": 'Ich wohne "am Hafen",\nHaus 7 – 日本',
}


def as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def as_csv(text: str) -> bytes:
    return csvtext.format_row(["7", f"before {text} behind", "8"])


FORMS = {
    "plain": lambda v: v.encode(),
    "upper": lambda v: v.upper().encode(),
    "csv": as_csv,
    "percent": lambda v: quote(v, safe="").encode(),
    "percent_lower": lambda v: quote(v, safe="").lower().encode(),
    "double_percent": lambda v: quote(quote(v, safe=""), safe="").encode(),
    "html": lambda v: html.escape(v).encode(),
    "html_numbers": lambda v: "".join(f"&#{ord(c)};" if not c.isalnum() or ord(c) > 127 else c for c in v).encode(),
    "json": lambda v: json.dumps({"a": v}).encode(),
    "json_slash": lambda v: json.dumps({"a": v}).replace("/", "\\/").encode(),
    "json_unicode": lambda v: json.dumps({"a": v}, ensure_ascii=False).encode(),
    "json_in_json": lambda v: json.dumps({"a": json.dumps({"b": json.dumps([v])})}).encode(),
    "json_in_csv": lambda v: as_csv(json.dumps({"a": {"b": json.dumps({"c": v})}})),
    "json_percent": lambda v: json.dumps({"url": f"/x?y={quote(v, safe='')}"}).encode(),
    "key": lambda v: json.dumps({v: 1}).encode(),
    "utf-16-le": lambda v: f"text {v} text".encode("utf-16-le"),
    "utf-16-be": lambda v: f"text {v} text".encode("utf-16-be"),
    "utf-16-json": lambda v: json.dumps({"a": v}).encode("utf-16"),
    "base64": lambda v: base64.b64encode(v.encode()),
    "base64_url": lambda v: b"data:text/plain;base64," + base64.urlsafe_b64encode(v.encode()),
    "base64_unpadded": lambda v: base64.urlsafe_b64encode(v.encode()).rstrip(b"=") + b".sig",
    "base64_shifted_1": lambda v: base64.b64encode(b"x" + v.encode() + b"yz"),
    "base64_shifted_2": lambda v: base64.b64encode(b"user:" + v.encode() + b"\0"),
    "base64_in_word": lambda v: b"abc" + base64.b64encode(b"\xff\xfe" + v.encode()),
    "base64_lines": lambda v: base64.encodebytes(b"x" * 40 + v.encode() + b"y" * 90),
    "base64_upper": lambda v: base64.b64encode(v.upper().encode()),
    "base64_json": lambda v: base64.b64encode(json.dumps({"id": v}).encode()),
    "base64_twice": lambda v: base64.b64encode(base64.b64encode(v.encode())),
    "base64_utf16": lambda v: base64.b64encode(v.encode("utf-16-le")),
    "md5": lambda v: hashlib.md5(v.encode()).hexdigest().encode(),
    "sha1": lambda v: b"h=" + hashlib.sha1(v.encode()).hexdigest().upper().encode(),
    "sha256": lambda v: b"deadbeef" + hashlib.sha256(v.encode()).hexdigest().encode() + b"00",
    "md5_lower": lambda v: hashlib.md5(v.lower().encode()).hexdigest().encode(),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_in_every_form(tmp_path, engine):
    members = {f"{form}/{kind}.txt": make(value) for form, make in FORMS.items() for kind, value in VALUES.items()}
    members["clean.txt"] = b"nothing here"
    report = scan(archive(tmp_path, members), needles(**VALUES), engine=engine)
    found = {(finding.member.removeprefix("archive/"), finding.kind) for finding in report.findings}
    assert {(f"{form}/{kind}.txt", kind) for form in FORMS for kind in VALUES} - found == set()
    assert {member for member, _ in found} == set(members) - {"clean.txt"}
    assert report.method == engine


WORKER = {"worker_id": VALUES["worker_id"]}
LEAK = VALUES["worker_id"].encode()


def packed_tar(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive_:
        info = tarfile.TarInfo("notes.txt")
        info.size = len(content)
        archive_.addfile(info, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        {"database.zip": zipped({"data/participant.csv": LEAK})},
        {"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({"d.json": b'{"a": "' + LEAK + b'"}'})})})},
        {"a.csv.gz": gzip.compress(LEAK, mtime=0)},
        {"two-parts.gz": gzip.compress(b"first", mtime=0) + gzip.compress(LEAK, mtime=0)},
        {"a.bz2": bz2.compress(b"x" * 3_000_000 + LEAK)},
        {"a.xz": lzma.compress(LEAK)},
        {"a.tar.gz": packed_tar(LEAK)},
        {"unnamed": gzip.compress(zipped({"x": LEAK}))},
        {"rec.wav": b"RIFF\0\0\0\0WAVE" + bytes(range(256)) * 9 + LEAK + bytes(99)},
        {"data/" + WORKER["worker_id"] + ".csv": b""},
        {"participants/" + WORKER["worker_id"] + "/rec.wav": b"x"},
        {"a.gz": gzip.compress(zipped({WORKER["worker_id"]: b""}))},
    ],
    ids=lambda member: next(iter(member))[:12],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_members_within_members_and_names(tmp_path, member, engine):
    report = scan(archive(tmp_path, member), needles(**WORKER), engine=engine)
    assert {finding.kind for finding in report.findings} == {"worker_id"}


@pytest.mark.parametrize("depth", range(1, 6))
def test_any_depth_of_json(tmp_path, depth):
    value: object = VALUES["email"]
    for _ in range(depth):
        value = {"k": [value]}
    report = scan(archive(tmp_path, {"a.json": json.dumps(value).encode()}), needles(email=VALUES["email"]))
    assert [(f.column_or_place, f.kind, f.form) for f in report.findings] == [("key k", "email", "json")]


def test_comments_and_extra_fields_of_a_zip(tmp_path):
    import zipfile

    for place in ("comment", "extra", "member comment", "before"):
        path = tmp_path / f"{place}.zip"
        with zipfile.ZipFile(path, "w") as made:
            info = zipfile.ZipInfo("a.txt")
            if place == "extra":
                info.extra = b"\x99\x99" + len(LEAK).to_bytes(2, "little") + LEAK
            if place == "member comment":
                info.comment = LEAK
            if place == "comment":
                made.comment = LEAK
            made.writestr(info, b"clean")
        if place == "before":
            path.write_bytes(b"PK\x03\x04" + LEAK + b"\0" * 40 + path.read_bytes())
        report = scan(path, needles(**WORKER))
        assert {finding.column_or_place for finding in report.findings} == {"zip headers"}, place


def encrypted() -> bytes:
    data = bytearray(zipped({"a.txt": b"clean"}))
    data[6] |= 1  # general purpose flag of the local header and of the central directory
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def nested(depth: int) -> bytes:
    content = b"clean"
    for _ in range(depth):
        content = zipped({"a": content})
    return content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(40)),
        ("a.rar", b"Rar!\x1a\x07\x00" + bytes(40)),
        ("a.bin", b"\x28\xb5\x2f\xfd" + bytes(40)),
        ("a.zip", b"no zip at all"),
        ("a.gz", gzip.compress(b"clean", mtime=0)[:-9]),
        ("a.gz", gzip.compress(b"clean", mtime=0) + b"something behind it"),
        ("a.bz2", bz2.compress(b"clean") + b"something behind it"),
        ("a.parquet", b"PAR1" + bytes(40) + b"PAR1"),
        ("a.zip", encrypted()),
        ("a.zip", nested(9)),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50) + zipped({"a": b"clean"})),
        ("a.dump", b"PGDMP" + bytes(40)),
    ],
)
def test_what_cannot_be_looked_into_fails(tmp_path, name, content):
    report = scan(archive(tmp_path, {name: content}), needles(**WORKER))
    assert {finding.kind for finding in report.findings} == {"unreadable"}
    with pytest.raises(LeakFound):
        report.check()


def test_eight_deep_can_be_looked_into(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(nested(8))
    assert scan(path, needles(**WORKER)).clean


def test_a_folder_its_names_and_its_links(tmp_path):
    (tmp_path / "in" / WORKER["worker_id"]).mkdir(parents=True)
    (tmp_path / "in" / "a.json").write_bytes(b'{"id": "' + LEAK + b'"}')
    (tmp_path / "in" / "link").symlink_to(tmp_path / "in" / "a.json")
    report = scan(tmp_path / "in", needles(**WORKER))
    assert [(f.member, f.column_or_place, f.kind) for f in report.findings] == [
        ("(hidden)", "name", "worker_id"),
        ("a.json", "key id", "worker_id"),
        ("link", "content", "unreadable"),
    ]


def test_nothing_there(tmp_path):
    with pytest.raises(NotFound):
        scan(tmp_path / "none.zip", needles(**WORKER))


@pytest.mark.parametrize("name", ["static", "static_audio", "timeline", "custom_table_simple"])
def test_a_raw_database_is_full_of_its_own_identifiers(name):
    path = DATA / name / "database.zip"
    wanted = collect(ZipSource(path))
    reports = [scan(path, wanted, engine=engine) for engine in ENGINES]
    assert reports[0].findings == reports[1].findings
    assert {finding.kind for finding in reports[0].findings} == {needle.kind for needle in wanted.items}
    columns = {(finding.member, finding.column_or_place, finding.kind) for finding in reports[0].findings}
    assert ("archive/data/participant.csv", "column worker_id", "worker_id") in columns
    assert ("archive/data/request.csv", "column params", "assignment_id") in columns
    assert ("archive/data/experiment_status.csv", "column extra_info", "secret") in columns


def test_the_report_never_holds_a_value(tmp_path):
    worker, mail = VALUES["worker_id"], VALUES["email"]
    header = csvtext.format_row(["id", worker, "vars"])
    rows = csvtext.format_row(["1", worker, json.dumps({worker: {mail: worker}})])
    members = {
        f"{worker}/{worker}.csv": header + b"\n" + rows,
        f"a/{quote(mail)}/b.json": json.dumps({worker: mail}).encode(),
        base64.urlsafe_b64encode(worker.encode()).decode(): LEAK,
        "x.zip": zipped({f"{worker}.zip": zipped({f"{mail}.txt": b""})}),
    }
    report = scan(archive(tmp_path, members), needles(worker_id=worker, email=mail))
    with pytest.raises(LeakFound) as raised:
        report.check()
    shown = (json.dumps(report.to_json(), ensure_ascii=False) + str(report) + str(raised.value)).lower()
    for value in (worker, mail, quote(mail).lower(), base64.urlsafe_b64encode(worker.encode()).decode().lower()):
        assert value not in shown
    assert len(report.findings) >= 8


def test_what_was_looked_for_is_counted_by_class():
    wanted = needles(worker_id=["149d439536b3216f", "k3j9x2", "P01", "7"], secret="correct horse")
    report = scan(DATA / "timeline" / "database.zip", wanted)
    assert report.looked_for == {
        "worker_id": {"strong": 1, "token": 1, "cell": 2},
        "secret": {"strong": 1, "token": 0, "cell": 0},
    }
    assert report.only_named == {"worker_id": 1}
    assert [note.split()[0] for note in report.notes] == ["1", "1", "1"]


def test_parquet_is_read_by_columns(tmp_path):
    made = io.BytesIO()
    table = pyarrow.table({"id": [1, 2], "note": ["clean", f"I am {VALUES['worker_id']}"], "worker_id": ["x", "7"]})
    parquet.write_table(table, made, compression="zstd", write_statistics=False)
    report = scan(archive(tmp_path, {"a.parquet": made.getvalue()}), needles(worker_id=[VALUES["worker_id"], "7"]))
    found = {(finding.column_or_place, finding.kind) for finding in report.findings}
    assert {("column note", "worker_id"), ("column worker_id", "worker_id")} <= found
    assert "unreadable" not in {kind for _, kind in found}
