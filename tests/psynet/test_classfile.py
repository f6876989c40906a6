"""Class files against the ones that PsyNet 13.3 wrote from the same databases."""

import ast
import csv
import json
from pathlib import Path

import pytest

from psynetdata.psynet import times
from psynetdata.psynet.classfile import MAX_KEYS, ClassFiles
from psynetdata.psynet.source import ZipSource
from psynetdata.psynet.tables import Column, describe

DATA = Path(__file__).resolve().parent.parent / "data"
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")

# What PsyNet computes from code or from other rows: docs/fidelity.md.
COMPUTED = {
    "aborted_modules", "started_modules", "finished_modules", "n_viable_trials", "n_pending_infos", "n_completed_infos",
    "n_failed_infos", "n_alive_nodes", "n_failed_nodes", "n_all_nodes", "n_all_trials", "n_alive_trials",
    "n_failed_trials", "n_completed_trials", "n_participant_trials_in_trial_maker", "n_participant_trials_in_block",
}  # fmt: skip


def test_every_documented_difference_is_written_down():
    text = (DATA.parent.parent / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert [name for name in sorted(COMPUTED) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", REFERENCES)
def test_same_files_as_psynet(name):
    ours, theirs = _ours(name), _theirs(name)
    assert set(ours) - set(theirs) == {"ExperimentStatus"}
    assert set(theirs) <= set(ours)


@pytest.mark.parametrize("name", REFERENCES)
def test_same_rows_columns_and_values_as_psynet(name):
    ours, theirs = _ours(name), _theirs(name)
    differing = []
    for cls, rows in theirs.items():
        assert len(rows) == len(ours[cls]), cls
        computed = COMPUTED | ({"module_id"} if cls in ("Participant", "Bot") else set())
        key = _key(cls)
        mine = {key(row): row for row in ours[cls]}
        assert len(mine) == len(rows), cls
        for row in rows:
            found = mine[key(row)]
            differing += [
                (cls, column, found.get(column), value)
                for column, value in row.items()
                if column not in computed and not _same(found.get(column), value)
            ]
    assert differing == []


def test_columns_and_values():
    names = ["id", "type", "creation_time", "failed", "score", "vars", "definition", "answer", "details"]
    files = _table("info", names)
    first = ['{"x": 1, "_y": 2, "id": 9}', '{"x": 5, "z": [1, "é"]}', '"yes"', "{}"]
    third = ["{}", None, '{"x": true, "n": NaN, "e": ""}', "{}"]
    rows = [
        ["1", "a.b.T", "2026-01-02 03:04:05.6", "t", "1e-07", *first],
        ["2", "a.b.T", None, "f", None, "{}", '{"w": null}', "null", "{}"],
        ["3", "a.b.T", None, "f", None, *third],
    ]
    header, *written = _written(files, rows)["T"]
    assert header[:5] == ["id", "type", "creation_time", "failed", "score"]
    assert header[5:] == ["vars", "definition", "answer", "class", "object_type", "x", "z", "w", "n", "e"]
    assert [row[:5] for row in written] == [
        ["1", "T", "2026-01-02T03:04:05.600000Z", "True", "1e-07"],
        ["2", "T", None, "False", None],
        ["3", "T", None, "False", None],
    ]
    assert [row[5:] for row in written] == [
        [first[0], first[1], "yes", "T", "Info", "1", '[1, "é"]', None, None, None],
        ["{}", '{"w": null}', None, "T", "Info", None, None, None, None, None],
        ["{}", None, third[2], "T", "Info", "True", None, None, "NaN", ""],
    ]


def test_times_follow_the_clock_and_a_zone_of_their_own():
    files = ClassFiles("chat_message", describe("chat_message", ["creation_time", "receive_time", "vars"]), clock=60)
    rows = [["2026-01-01 00:30:00", "2026-01-01 00:30:00+00", "{}"]]
    assert _written(files, rows)["ChatMessage"][1][:2] == ["2025-12-31T23:30:00Z", "2026-01-01T00:30:00Z"]


def test_what_cannot_be_written_stays_json():
    files = _table("participant", ["id", "answer", "vars"])
    rows = [["1", r'"a\u0000b"', r'{"half": "\ud800", "deep": ["\ud800"]}']]
    written = _written(files, rows)["Participant"]
    assert dict(zip(*written, strict=True)) == {
        "id": "1", "answer": r'"a\u0000b"', "vars": rows[0][2], "class": "Participant", "object_type": "Participant",
        "half": r'"\ud800"', "deep": r'["\ud800"]',
    }  # fmt: skip


def test_objects_of_classes_are_not_unpacked():
    files = _table("info", ["id", "type", "answer", "vars"])
    written = _written(files, [["1", "x.T", '{"py/object": "a.B", "k": 1}', "{}"]])
    assert written["T"][0] == ["id", "type", "answer", "vars", "class", "object_type"]


def test_withheld_columns_are_gone_and_not_unpacked():
    files = ClassFiles(
        "info", describe("info", ["id", "type", "answer", "vars"]), withheld=frozenset({"answer", "type"})
    )
    assert _written(files, [["1", "x.T", '{"k": 1}', "{}"]])["T"] == [
        ["id", "vars", "class", "object_type"],
        ["1", "{}", "T", "Info"],
    ]


def test_columns_whose_type_nobody_told():
    files = ClassFiles("pet", [Column("fed"), Column("born"), Column("note"), Column("mixed"), Column("vars")])
    rows = [["t", "2026-01-01 00:00:00", None, "t", "{}"], [None, None, None, "no", "{}"]]
    assert [row[:4] for row in _written(files, rows)["Pet"][1:]] == [
        ["True", "2026-01-01T00:00:00Z", None, "t"], [None, None, None, "no"],
    ]  # fmt: skip


def test_a_text_column_of_postgres_is_never_decoded():
    files = _table("info", ["id", "type", "contents", "trial_maker_id"])
    assert _written(files, [["1", "x.T", '"quoted"', "null"]])["T"][1][2:4] == ['"quoted"', "null"]


def test_objects_keyed_by_data_stay_packed():
    files = _table("participant", ["id", "vars"])
    rows = [[str(n), json.dumps({f"k{n}": n})] for n in range(MAX_KEYS + 1)]
    written = _written(files, rows)["Participant"]
    assert written[0] == ["id", "vars", "class", "object_type"]
    assert files.left_packed() == {"Participant": ["vars"]}


def _table(table, names):
    return ClassFiles(table, describe(table, names))


def _written(files, rows):
    for row in rows:
        files.look(row)
    written = {name: [files.header(name)] for name in files.classes()}
    for row in rows:
        name, cells = files.cells(row)
        written[name].append(cells)
    assert all(len(cells) == len(lines[0]) for lines in written.values() for cells in lines)
    return written


def _ours(name):
    source = ZipSource(DATA / name / "database.zip")
    found = {}
    for table in source.tables():
        files = ClassFiles(table, source.columns(table))
        for row in source.rows(table):
            files.look(row)
        for row in source.rows(table):
            cls, cells = files.cells(row)
            found.setdefault(cls, []).append(dict(zip(files.header(cls), cells, strict=True)))
    return found


def _theirs(name):
    found = {}
    for path in (DATA / name / "psynet-export" / "regular" / "data").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def _key(cls):
    if cls == "AssetNode":
        return lambda row: (row["node_id"], row["asset_id"])
    if cls == "AssetTrial":
        return lambda row: (row["trial_id"], row["asset_id"], row["local_key"])
    return lambda row: row["id"]


def _same(ours, theirs):
    """Equal after what docs/fidelity.md lists: NULL and NaN are empty there, times cut, whole numbers floats."""
    ours = "" if ours in (None, "NaN") else ours
    if ours == theirs:
        return True
    moment = times.parse(ours.replace("T", " ").removesuffix("Z")) if ours.endswith("Z") else None
    if moment is not None:
        return theirs == f"{moment:%Y-%m-%d %H:%M:%S}"
    for read in (json.loads, ast.literal_eval):
        try:
            return repr(json.loads(ours)) == repr(read(theirs)) or float(ours) == float(theirs)
        except (ValueError, TypeError, SyntaxError):
            continue
    return False
