"""Rows of tables as rows of class files; tests/package/test_fidelity.py compares whole exports with PsyNet's."""

import json

from psynetdata.psynet.classfile.rows import ClassFiles, add_keys, final_keys, left_packed
from psynetdata.psynet.classfile.unpacked_keys import MAX_KEYS
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.tables import Column, describe


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
    columns = [Column("fed"), Column("born"), Column("note"), Column("mixed"), Column("vars")]
    rows = [["t", "2026-01-01 00:00:00", None, "t", "{}"], [None, None, None, "no", "{}"]]
    guess = ClassFiles("pet", columns).guess(block(rows))
    assert guess["mixed"] == set()
    assert guess["note"] == {"bool", "timestamp"}
    files = ClassFiles("pet", columns, guessed={name: next(iter(of)) for name, of in guess.items() if len(of) == 1})
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
    keys = {}
    add_keys(keys, files.class_rows(block(rows))["Participant"].keys)
    assert left_packed(keys) == ["vars"]


def test_the_first_object_that_has_a_key_says_its_value():
    files = _table("info", ["id", "type", "vars", "definition", "answer"])
    row = ["1", "x.T", '{"a": 1}', '{"a": 2, "b": 2}', '{"a": 3, "b": 3, "c": 3}']
    header, cells = _written(files, [row])["T"]
    assert dict(zip(header, cells, strict=True)) | {"a": "1", "b": "2", "c": "3"} == dict(
        zip(header, cells, strict=True)
    )


def test_computed_columns_stand_among_the_fixed_ones_unless_the_table_has_them():
    files = ClassFiles(
        "node", describe("node", ["id", "type", "degree", "vars"]), computed=["n_viable_trials", "degree"]
    )
    part = files.class_rows(block([["4", "x.N", "0", "{}"]]), {"n_viable_trials": ["7"]})["N"]
    assert files.fixed_columns == ["id", "type", "degree", "vars", "n_viable_trials", "class", "object_type"]
    assert part.fixed == [("4", "TrialSource", "0", "{}", "7", "N", "Node")]


def block(rows):
    """As csvtext.block_rows gives them."""
    return [["" if cell is None else cell or EMPTY for cell in row] for row in rows]


def _table(table, names):
    return ClassFiles(table, describe(table, names))


def _written(files, rows):
    """{class: [header, row, …]}, None for NULL; rows come in blocks of two, so that keys are found by and by."""
    parts, keys = {}, {}
    for at in range(0, len(rows), 2):
        for name, part in files.class_rows(block(rows[at : at + 2])).items():
            parts.setdefault(name, []).append(part)
            add_keys(keys.setdefault(name, {}), part.keys)
    written = {}
    for name, found in parts.items():
        header = final_keys(keys[name])
        cells = [row for part in found for row in part.laid_out(header)]
        written[name] = [[*files.fixed_columns, *header]]
        written[name] += [[None if cell == "" else "" if cell == EMPTY else cell for cell in row] for row in cells]
    assert all(len(cells) == len(lines[0]) for lines in written.values() for cells in lines)
    return written
