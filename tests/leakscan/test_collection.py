"""Cut into parts and chunks, and spread over processes, the tables give the same needles."""

import io

import pytest

from exports.leakscan.needles import table_rows
from exports.leakscan.needles.collection import collect
from exports.leakscan.needles.needle import Needles
from psynetdata.psynet import csvtext
from psynetdata.psynet.table_source import ZipSource

from .samples import DATA, Rows


class WithoutParts:
    """A source that gives rows only."""

    def __init__(self, source: ZipSource):
        self.tables, self.columns, self.rows = source.tables, source.columns, source.rows


def told(needles: Needles) -> list[tuple[str, str, str]]:
    return [(needle.value, needle.kind, needles.strength(needle)) for needle in needles.items]


@pytest.mark.parametrize("name", ["static_audio", "custom_table_simple"])
def test_parts_and_processes_change_nothing(name, monkeypatch):
    source = ZipSource(DATA / name / "database.zip")
    expected = told(collect(source))
    assert len(expected) > 20
    assert told(collect(source, processes=3)) == expected
    assert sorted(told(collect(WithoutParts(source)))) == sorted(expected)
    monkeypatch.setattr(table_rows, "_BLOCK", 1000)
    assert sorted(told(collect(source))) == sorted(expected)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_blocks_end_where_records_end(size, monkeypatch):
    rows = [["1", 'say "x",\nthen "y"', None], ["2", "", "line\r\nend"], ["3", "\u2028é", '"'], ["4", "\n\n", "z"]]
    data = b"\n".join(map(csvtext.format_row, rows)) + b"\n"
    monkeypatch.setattr(table_rows, "_BLOCK", size)
    blocks = list(table_rows._whole_records(io.BytesIO(data)))
    assert b"".join(blocks) == data
    assert [row for block in blocks for row in csvtext.rows(csvtext.records(io.BytesIO(block)))] == rows


def test_what_several_people_answered_is_known_across_parts():
    people = [{"id": str(n), "worker_id": f"w-person-{n}"} for n in range(4)] + [{"id": "5", "worker_id": "fox"}]
    answers = [{"id": str(n), "participant_id": str(n), "answer": '"Fox"'} for n in range(3)]
    shared = collect(Rows(participant=people, info=answers))
    alone = collect(Rows(participant=people, info=answers[:2]))
    assert {n.value: shared.strength(n) for n in shared.items}["fox"] == "named"
    assert {n.value: alone.strength(n) for n in alone.items}["fox"] == "cell"
