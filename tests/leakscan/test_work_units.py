"""Cut into parts and spread over processes, a scan finds just what it finds in one go."""

import json
import random

import pytest

from exports.leakscan.archive import work_units
from exports.leakscan.scan import scan
from exports.leakscan.search.matcher import Matcher
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Problem

from .samples import ENGINES, archive, needles, zipped
from .test_scan import FORMS, VALUES

# Zero bytes in a table make small parts of it no text, in which escapes are not followed as deep.
WRITTEN = [form for form in FORMS if not form.startswith("utf-16")]
WANTED = {**VALUES, "lucid": ["123456", "P01", "7"]}


@pytest.fixture
def _small_parts(monkeypatch):
    monkeypatch.setattr(work_units, "_LEAST_PART", 4_000)
    monkeypatch.setattr(work_units, "_TOGETHER", 2_000)


def table(rng: random.Random) -> bytes:
    """40 kB of rows, planted all over, at cuts too."""
    header = ["id", "worker_id", "note", "number", "vars"]
    rows = [header]
    for number in range(300):
        form, kind = rng.choice(WRITTEN), rng.choice(list(VALUES))
        planted = FORMS[form](VALUES[kind]).decode("utf-8", "replace")
        note = rng.choice(["a,b", 'two\n"lines"', "é" * rng.randrange(90), "123456", planted, None])
        rows.append([str(number), rng.choice(["7", "8"]), note, rng.choice(["123456", "5"]), json.dumps({"a": "P01"})])
    return b"\n".join(map(csvtext.format_row, rows)) + b"\n"


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("engine", ENGINES)
def test_parts_and_processes_change_no_finding(tmp_path, engine):
    rng = random.Random(9)
    inner = zipped({"data/a.csv": table(rng), "data/b.csv": table(rng), "x/P01.csv": b""})
    members = {"anonymous/database.zip": inner, "data/A.csv": table(rng), "a.json": json.dumps(VALUES).encode()}
    path, wanted = archive(tmp_path, members), needles(**WANTED)
    whole = scan(path, wanted, engine=engine, processes=1)
    assert {finding.kind for finding in whole.findings} == set(WANTED)
    assert ("archive/data/A.csv", "column note", "lucid", "cell") in {
        (f.member, f.column_or_place, f.kind, f.form) for f in whole.findings
    }
    for processes in (2, 5):
        spread = scan(path, wanted, engine=engine, processes=processes, scratch=tmp_path)
        assert spread.to_json() == whole.to_json()
    assert [entry.name for entry in tmp_path.iterdir()] == ["export.zip"]


@pytest.mark.usefixtures("_small_parts")
def test_every_place_around_a_cut(tmp_path):
    """The value moves over the cut byte by byte, in a file, and is found once."""
    value = "k3j9x2-149d4395"
    wanted, path = needles(worker_id=value), tmp_path / "a.txt"
    for start in range(3960, 4010, 6):
        path.write_bytes(b"." * start + b" " + value.encode() + b" " + b"." * (8000 - start))
        assert [finding.count for finding in scan(path, wanted, processes=2).findings] == [1]


def test_large_members_are_cut_and_small_ones_go_together(tmp_path):
    planned = [
        work_units.WorkUnit(tmp_path, number, f"{number}", "", 0, size)
        for number, size in enumerate([100 << 20, 1000, 20, 30 << 20])
    ]
    work = work_units.tasks(planned, 2)
    assert sum(piece.bytes for task in work for piece in task) == sum(piece.bytes for piece in planned)
    assert [len(task) for task in work if task[0].bytes <= 1000] == [2]
    large = sorted((piece.start, piece.end) for task in work for piece in task if piece.member == 0)
    assert len(large) > 2
    assert [end for _, end in large] == [start for start, _ in large[1:]] + [None]
    assert [len(task) for task in work_units.tasks(planned, 1)] == [1, 1, 2]


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("processes", [1, 2])
def test_progress_is_told_and_may_stop_it(tmp_path, processes):
    told = []
    path = archive(tmp_path, {"a.txt": b"." * 30_000, "b.txt": b"." * 9_000})
    report = scan(path, needles(worker_id="k3j9x2"), progress=told.append, processes=processes)
    assert told == sorted(told)
    assert told[-1] == report.bytes_scanned

    def stop(searched: int) -> None:
        raise Problem("stopped")

    with pytest.raises(Problem, match="stopped"):
        scan(path, needles(worker_id="k3j9x2"), progress=stop, processes=processes, scratch=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["export.zip"]


def test_a_damaged_member_does_not_hide_the_others(tmp_path):
    path = archive(tmp_path, {"a.txt": b"x" * 99, "b.txt": b" 149d439536b3216f "})
    data = bytearray(path.read_bytes())
    data[data.find(b"a.txt") + 5] ^= 0xFF  # the first byte of the compressed stream
    path.write_bytes(data)
    found = {(f.member, f.kind) for f in scan(path, needles(worker_id="149d439536b3216f")).findings}
    assert found == {("archive/a.txt", "unreadable"), ("archive/b.txt", "worker_id")}


def test_the_compiled_needles_tell_where_numbers_stand_alone():
    matcher = Matcher(needles(worker_id="123456"))
    matcher.hits(b"0.123456, id-123456x")
    assert not matcher.lone_numbers
    matcher.hits(b"a,123456\n")
    assert matcher.lone_numbers
