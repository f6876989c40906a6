"""PostgreSQL's CSV dialect: what is written comes back, NULL and "" apart, whatever the cells hold."""

import csv
import io
import random
import tracemalloc

import pytest

from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import BadInput

# Whole words of trouble: quotes, separators, line ends, the end-of-data mark, text beyond ASCII and beyond 16 bits.
PIECES = ['"', '""', ",", "\n", "\r", "\r\n", "\\.", "\\", "'", " ", "\t", "NULL", "0", "é", "猫", "𝄞", "\u2028", "{}"]


def cell(pick: random.Random) -> str | None:
    kind = pick.randrange(6)
    if kind == 0:
        return None
    return "" if kind == 1 else "".join(pick.choices(PIECES, k=pick.randrange(1, 6)))


def table(seed: int) -> list[csvtext.Row]:
    pick = random.Random(seed)
    width = pick.randrange(1, 6)
    return [[cell(pick) for _ in range(width)] for _ in range(pick.randrange(1, 40))]


def written(rows: list[csvtext.Row]) -> bytes:
    return b"".join(csvtext.blocks(csvtext.format_row(row) for row in rows))


def read(data: bytes) -> list[csvtext.Row]:
    return list(csvtext.rows(csvtext.records(io.BytesIO(data))))


@pytest.mark.parametrize("seed", range(200))
def test_what_is_written_comes_back(seed):
    rows = table(seed)
    assert read(written(rows)) == rows


@pytest.mark.parametrize("seed", range(50))
def test_one_record_at_a_time(seed):
    for row in table(seed):
        record = csvtext.format_row(row)
        assert csvtext.parse(record) == row
        assert list(csvtext.records(io.BytesIO(record + b"\n"))) == [record]


@pytest.mark.parametrize("seed", range(50))
def test_pythons_reader_agrees_but_for_null(seed):
    """An independent reader of CSV finds the same cells, with '' where ours tells NULL from the empty text."""
    rows = [row for row in table(seed) if len(row) > 1]
    theirs = list(csv.reader(io.StringIO(written(rows).decode(), newline="")))
    assert theirs == [[text or "" for text in row] for row in rows]


@pytest.mark.parametrize("seed", range(50))
def test_pythons_writer_is_read(seed):
    """What other tools write, with more quotes than PostgreSQL and other line ends, gives the same texts."""
    rows = [[text or "x" for text in row] for row in table(seed)]
    for quoting, end in ((csv.QUOTE_ALL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")):
        out = io.StringIO(newline="")
        csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)
        assert read(out.getvalue().encode()) == rows


@pytest.mark.parametrize(
    ("record", "row"),
    [
        (b"", [None]),
        (b'""', [""]),
        (b",", [None, None]),
        (b'"",', ["", None]),
        (b',""', [None, ""]),
        (b'"","",', ["", "", None]),
        (b'1,"",x', ["1", "", "x"]),
        (b'"a,""",""', ['a,"', ""]),
        (b'""""', ['"']),
        (b'"\n",""', ["\n", ""]),
        (b'"\\."', ["\\."]),
        ("é,猫".encode(), ["é", "猫"]),
    ],
)
def test_known_records(record, row):
    assert csvtext.parse(record) == row
    assert csvtext.format_row(row) == record


def test_a_backslash_and_a_dot_alone_would_end_a_copy():
    assert csvtext.format_row(["\\."]) == b'"\\."'
    assert csvtext.format_row(["\\.", "a"]) == b"\\.,a"


@pytest.mark.parametrize("data", [b'a,"b', b'a,b\nc,"d\ne,f\n', b'"'])
def test_a_quote_that_stays_open_names_the_file(data):
    with pytest.raises(BadInput, match=r"^pet\.csv ends inside a quoted field"):
        list(csvtext.records(io.BytesIO(data), name="pet.csv"))


def test_a_row_that_is_too_long(monkeypatch):
    monkeypatch.setattr(csvtext, "MAX_RECORD", 100)
    for data in (b"x" * 150, b'"' + b"x\n" * 80, b'"' + b"x" * 150):
        with pytest.raises(BadInput, match="longer than 1 GiB"):
            list(csvtext.records(io.BytesIO(data)))


def test_the_last_line_end_may_be_missing():
    assert read(b"a,b\nc,d") == [["a", "b"], ["c", "d"]]
    assert read(b"a,b\r\nc,d") == [["a", "b"], ["c", "d"]]


def test_line_ends_within_cells_are_kept_in_files_with_either_line_end():
    assert read(b'a,"1\n2"\r\nb,"3\r\n4"\r\n') == [["a", "1\n2"], ["b", "3\r\n4"]]
    assert read(b'a,"1\n2"\nb,"3\r\n4"\n') == [["a", "1\n2"], ["b", "3\r\n4"]]


@pytest.mark.parametrize("record", [b"\xff", b'"\xc3"', b"\xed\xa0\x80"])
def test_bytes_that_are_no_utf8(record):
    with pytest.raises(UnicodeDecodeError):
        csvtext.parse(record)


def test_text_after_a_closing_quote():
    with pytest.raises(csv.Error):
        csvtext.parse(b'"a"b')


@pytest.mark.parametrize("row", [["1", "{}"], ["", "{}"]], ids=["plain", "beside an empty text"])
def test_memory_follows_the_longest_row(row):
    """A cell full of quotes and short lines, in a row that takes either of the two ways through the parser."""
    size = 1 << 20
    row = [*row, '"ab"\n' * (size // 5)]
    data = written([row])
    tracemalloc.start()
    found = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [row]
    assert peak < 14 * size


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_blocks_hold_whole_records(size):
    records = [b"x" * length for length in range(30)]
    blocks = list(csvtext.blocks(records, size=size))
    assert b"".join(blocks) == b"".join(record + b"\n" for record in records)
    assert all(block.endswith(b"\n") for block in blocks)
    assert all(len(block) < size + 31 for block in blocks)


def test_no_records_no_blocks():
    assert list(csvtext.blocks([])) == []


ODD = ["", "a", '"', ",", "\n", "\r", "\r\n", '""', "x,y", "\\.", "é", '{"a": ""}', " ", '[,"",]', "\u2028", "\x85"]


def test_blocks_are_what_rows_are():
    """Read, cut, counted and written by the block: the same as row by row, wherever the bytes are cut."""
    chance = random.Random(5)
    for _ in range(2_000):
        width = chance.randint(1, 4)
        rows = [
            [chance.choice([None, "".join(chance.choices(ODD, k=chance.randint(0, 3)))]) for _ in range(width)]
            for _ in range(chance.randint(1, 5))
        ]
        data = b"".join(csvtext.format_row(row) + b"\n" for row in rows)
        size = chance.randint(1, 9)
        cut = [data[at : at + size] for at in range(0, len(data), size)]
        blocks = list(csvtext.whole(cut))
        assert b"".join(blocks) == data
        found = [row for block in blocks for row in csvtext.block_rows(block)]
        assert found == [["" if cell is None else cell or csvtext.EMPTY for cell in row] for row in rows]
        assert b"".join(csvtext.format_block(csvtext.block_rows(block), width=width) for block in blocks) == data
        counter = csvtext.RecordCounter()
        for block in cut:
            counter.add(block)
        assert counter.records == len(rows)


def test_a_block_that_ends_inside_quotes_is_told():
    with pytest.raises(BadInput, match="cut short"):
        list(csvtext.whole([b'1,"open\n', b"and on"], name="it"))
