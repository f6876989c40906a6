"""Rows that were handed in: checked, ordered, cut and packed, byte for byte."""

import random
import tracemalloc

import pytest
from isal import igzip

from exports.load.staging_area import stage
from exports.sources.upload import open_upload
from exports.store.blobs import CUT
from psynetdata.psynet import experiment
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.table_source import ZipSource
from tests.references import REFERENCES

from .uploads import DATA, changed, joined, reference, split, to_folder, to_zip, with_cell

TABLES = reference()


@pytest.fixture
def staged(tmp_path):
    """staged(tables) → what staging makes of them; a path is taken as it is. Its files live as long as the test."""
    count = 0

    def run(tables, path=None):
        nonlocal count
        count += 1
        folder = tmp_path / f"private-{count}"
        folder.mkdir()
        path = path or to_folder(tmp_path / f"database-{count}", tables)
        with open_upload(path, folder) as upload:
            return stage(upload, folder)

    return run


def refused(staged, tables) -> str:
    with pytest.raises(BadInput) as caught:
        staged(tables)
    return caught.value.sentence


def numbered(ids, more="x") -> bytes:
    """A custom table of two columns."""
    return b"id,word\n" + b"".join(f"{number},{more}\n".encode() for number in ids)


# --- what is kept --------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFERENCES)
def test_reference_databases_come_back_row_for_row(staged, name):
    path = DATA / name / "database.zip"
    found, source = staged(None, path), ZipSource(path)
    assert found.tables() == source.tables()
    assert found.warnings == []
    for table in source.tables():
        assert found.columns(table) == source.columns(table)
        assert sorted(map(repr, found.rows(table))) == sorted(map(repr, source.rows(table)))


@pytest.mark.parametrize("name", REFERENCES)
def test_records_are_kept_byte_for_byte(staged, name):
    tables = reference(name)
    found = staged(tables)
    for table, data in tables.items():
        kept = [igzip.open(found.files[segment.sha256]).read() for segment in found.states[table].segments]
        assert sorted(b"".join(kept).splitlines()) == sorted(data.splitlines()[1:])


@pytest.mark.parametrize("name", ["static", "static_audio"])
def test_shuffled_rows_give_the_same_segments(staged, name):
    tables = reference(name)

    def shuffle(rows):
        random.Random(4).shuffle(rows)

    shuffled = {}
    for table, data in tables.items():
        header, *rows = split(data)
        shuffle(rows)
        shuffled[table] = joined([header, *rows])
    assert shuffled["response"] != tables["response"]
    assert staged(shuffled).contents() == staged(tables).contents()


def test_quotes_that_copy_would_not_write_are_taken_off(staged):
    header, *rows = split(TABLES["coin"])
    quoted = [",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    data = "\r\n".join([",".join(header), *quoted]).encode() + b"\r\n"
    assert staged({**TABLES, "coin": data}).contents() == staged(TABLES).contents()


def test_null_and_empty_stay_apart(staged):
    header = split(TABLES["participant"])[0]
    at = header.index("worker_id")
    empty = staged(with_cell(TABLES, "participant", "worker_id", ""))
    null = staged(with_cell(TABLES, "participant", "worker_id", None))
    assert next(empty.rows("participant"))[at] == ""
    assert next(null.rows("participant"))[at] is None


def test_a_table_without_rows_has_its_columns_and_no_segment(staged):
    found = staged({**TABLES, "pet": b"id,name\n"})
    assert found.states["pet"].segments == ()
    assert [column.name for column in found.columns("pet")] == ["id", "name"]


# --- segments ------------------------------------------------------------------------------


def test_segments_share_a_range_of_ids(staged):
    last = 2 * (1 << CUT) + 5
    state = staged({**TABLES, "pet": numbered(range(1, last + 1))}).states["pet"]
    assert state.cut == CUT
    assert [(segment.range, segment.rows) for segment in state.segments] == [(0, 8191), (1, 8192), (2, 6)]


def test_sparse_ids_are_cut_wider(staged):
    ids = [number * 1_000_003 for number in range(1, 3001)]
    tables = {**TABLES, "pet": numbered(ids)}
    state = staged(tables).states["pet"]
    assert state.cut > CUT
    assert len(state.segments) < 100
    assert state.rows == 3000
    random.Random(1).shuffle(ids)
    assert staged({**TABLES, "pet": numbered(ids)}).states["pet"] == state


@pytest.mark.parametrize("ids", [["1", "b", "3"], ["1", "1"], ["", "2"], ["1", "007"], [str(1 << 63)]])
def test_a_custom_table_whose_id_is_no_key_is_ordered_by_its_text(staged, ids):
    state = staged({**TABLES, "pet": numbered(ids)}).states["pet"]
    assert state.cut is None
    assert state.rows == len(ids)
    assert staged({**TABLES, "pet": numbered(reversed(ids))}).states["pet"] == state


def test_equal_rows_of_a_table_without_ids_are_all_kept(staged):
    data = b"a,b\n" + b"x,2\nx,1\n" * 3
    found = staged({**TABLES, "pet": data})
    assert list(found.rows("pet")) == [["x", "1"]] * 3 + [["x", "2"]] * 3


def test_negative_ids_of_a_custom_table(staged):
    found = staged({**TABLES, "pet": numbered([3, -9000, 0])})
    assert [row[0] for row in found.rows("pet")] == ["-9000", "0", "3"]


# --- what is refused -----------------------------------------------------------------------


def test_an_empty_file(staged):
    assert "data/pet.csv in database-1 is empty" in refused(staged, {**TABLES, "pet": b""})


@pytest.mark.parametrize(("header", "says"), [(b"id,a,a", "names a column twice"), (b"id,,a", "without a name")])
def test_a_header_that_is_none(staged, header, says):
    assert says in refused(staged, {**TABLES, "pet": header + b"\n"})


@pytest.mark.parametrize("table", ["participant", "info", "node", "network", "response", "asset", "request"])
def test_tables_of_psynet_need_an_id(staged, table):
    tables = {**TABLES, table: b"creation_time\n"}
    assert f"data/{table}.csv in database-1 has no column id" in refused(staged, tables)


@pytest.mark.parametrize("width", [-1, 1])
def test_a_row_of_another_width(staged, width):
    def change(rows):
        rows[3] = rows[3][:-1] if width < 0 else [*rows[3], "x"]

    sentence = refused(staged, changed(TABLES, "coin", change))
    header = len(split(TABLES["coin"])[0])
    assert f"row 3 has {header + width} cells, but the header names {header}" in sentence


@pytest.mark.parametrize("value", ["1.0", "someone@example.org", None, "", "0x1", " 1", "01", "²"])
def test_an_id_that_is_no_number(staged, value):
    sentence = refused(staged, with_cell(TABLES, "participant", "id", value))
    assert "row 1 has an id that is not a whole number" in sentence
    assert "example" not in sentence


@pytest.mark.parametrize("value", [0, -1, 1 << 40])
def test_an_id_out_of_range(staged, value):
    assert "has an id outside" in refused(staged, with_cell(TABLES, "response", "id", str(value)))


def test_the_largest_id(staged):
    found = staged(with_cell(TABLES, "response", "id", str((1 << 40) - 1)))
    assert found.states["response"].segments[-1].range == (1 << 27) - 1


@pytest.mark.parametrize("table", ["participant", "module_state", "request"])
@pytest.mark.parametrize("apart", [True, False])
def test_an_id_twice(staged, table, apart):
    tables = reference("static")

    def change(rows):
        if not apart:
            rows[1:] = sorted(rows[1:], key=lambda row: int(row[rows[0].index("id")]))
        at = rows[0].index("id")
        rows[-1 if apart else 2][at] = rows[1][at]

    assert "twice" in refused(staged, changed(tables, table, change))


def test_bytes_that_are_no_utf8(staged):
    data = TABLES["coin"].replace(b"{}", b"{\xff}", 1)
    assert "is not UTF-8" in refused(staged, {**TABLES, "coin": data})


@pytest.mark.parametrize("row", [b'1,a"b"c', b'1,x"y,"z', b'1,"a"b'])
def test_quotes_in_the_middle(staged, row):
    sentence = refused(staged, {**TABLES, "pet": b"id,word\n" + row + b"\n2,b\n"})
    assert "row 1" in sentence


def test_a_quote_that_stays_open(staged):
    assert "cut short" in refused(staged, {**TABLES, "pet": b'id,word\n1,"abc\n2,d\n'})


def test_line_ends_of_old(staged):
    assert "not CSV as PostgreSQL writes it" in refused(staged, {**TABLES, "pet": b"id,word\r1,a\r2,b\r"})


# --- JSON ----------------------------------------------------------------------------------


def test_nan_and_escaped_nul_are_data(staged):
    text = '{"a": NaN, "b": "\\u0000", "c": -Infinity}'
    found = staged(with_cell(TABLES, "participant", "vars", text))
    assert found.warnings == []
    at = split(TABLES["participant"])[0].index("vars")
    assert next(found.rows("participant"))[at] == text


def test_json_that_does_not_parse_is_kept_with_a_word(staged):
    tables = with_cell(TABLES, "participant", "vars", "{broken")
    for row in (1, 2):
        tables = with_cell(tables, "coin", "details", "{'a': 1}", row=row)
    found = staged(tables)
    assert found.warnings == [
        "Table coin, column details: 2 texts are not JSON; kept as plain text.",
        "Table participant, column vars: 1 text is not JSON; kept as plain text.",
    ]
    at = split(TABLES["participant"])[0].index("vars")
    assert next(found.rows("participant"))[at] == "{broken"


def test_each_column_that_is_json_in_psynet_is_checked(staged):
    tables = with_cell(with_cell(reference("static"), "node", "context", "{broken"), "network", "context", "chain 3")
    assert staged(tables).warnings == [
        "Table network, column context: 1 text is not JSON; kept as plain text.",
        "Table node, column context: 1 text is not JSON; kept as plain text.",
    ]


def test_the_experiments_own_vars_must_parse(staged):
    for text in ("{broken", "[1]"):
        with pytest.raises(BadInput, match="Table experiment, column vars"):
            experiment.read(staged(with_cell(TABLES, "experiment", "vars", text)))


# --- size ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["ordered", "shuffled"])
def test_memory_does_not_follow_the_number_of_rows(staged, tmp_path, order):
    ids = list(range(1, 60_001))
    if order == "shuffled":
        random.Random(2).shuffle(ids)
    path = to_zip(tmp_path / "many.zip", {**TABLES, "pet": numbered(ids, more="word " * 20)})
    del ids
    tracemalloc.start()
    found = staged(None, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.states["pet"].rows == 60_000
    assert peak < 10 << 20


def test_a_very_long_field(staged, tmp_path):
    size = 16 << 20
    tables = with_cell(TABLES, "participant", "vars", "ab, " * (size // 4))
    path = to_zip(tmp_path / "long.zip", tables)
    del tables
    tracemalloc.start()
    found = staged(None, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.states["participant"].bytes > size
    assert peak < 12 * size
    assert len(next(found.rows("participant"))[split(TABLES["participant"])[0].index("vars")]) == size


def test_quotes_of_every_kind_survive(staged):
    """Random cells made of what matters to CSV, in rows of every shape."""
    pick = random.Random(7)
    alphabet = ['"', ",", "\n", "\r", "", " ", "a", "é", "猫", "\\.", "{", "''", None]

    def cell():
        parts = pick.choices(alphabet, k=pick.randrange(4))
        return None if None in parts else "".join(parts)

    rows = [[str(number), cell(), cell()] for number in range(1, 400)]
    found = staged({**TABLES, "pet": joined([["id", "a", "b"], *rows])})
    assert list(found.rows("pet")) == rows
