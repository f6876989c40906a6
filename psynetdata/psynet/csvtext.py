"""PostgreSQL's CSV dialect, read and written so that NULL and "" stay apart.

In this dialect (PostgreSQL manual, COPY, "CSV Format") an unquoted empty field
is NULL and a quoted one is the empty text. Python's csv module returns '' for
both, so every reader in this project goes through this module.

A *record* is one row as bytes, without its line end. A *row* is the record's
cells: a list of str, or None for NULL. A record may span lines.

What goes through millions of rows works on blocks instead: `whole`, `block_rows`
and `format_block` leave the loop over rows and cells to C.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from .problems import BadInput

Row = list[str | None]

# PostgreSQL allows 1 GB a field; a row longer than this is not one of its making.
MAX_RECORD = 1 << 30
BLOCK = 1 << 20

# In the rows of a block NULL is "" and the empty text is this: PostgreSQL's text holds no NUL.
EMPTY = "\0"

csv.field_size_limit(MAX_RECORD)

_FIELD = re.compile(r'(?:^|,)(?:"((?:[^"]++|"")*+)"|([^,"]*+))(?=,|\Z)')
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')
# What a record can hold where a field is quoted and empty; a search for each is much faster than one for a pattern.
_QUOTED_EMPTY = (b',"",', b',""\n', b'\n"",', b'\n""\n')
_NEITHER_QUOTE_NOR_END = bytes(set(range(256)) - set(b'"\n'))


class _Echo:
    def write(self, text: str) -> str:
        return text


# writerow() returns what write() returns: the row as text. It quotes what holds a part of the line end.
_write = csv.writer(_Echo(), lineterminator="\r\n").writerow


def records(stream: BinaryIO, *, name: str = "the file") -> Iterator[bytes]:
    """Cut a binary stream into records; memory follows the longest record.

    Raises BadInput when a quote is left open at the end or a record is longer
    than MAX_RECORD. `name` is what the sentence calls the stream.
    """
    pending = bytearray()  # a list of lines would cost several times their size where they are short
    line_end = None
    while line := stream.readline(MAX_RECORD):
        if len(pending) + len(line) >= MAX_RECORD:
            raise BadInput(f"{name} has a row longer than 1 GiB, or a quote that is never closed.")
        odd = line.count(b'"') & 1
        if odd == bool(pending):  # the line ends outside of quotes, and so does a record
            if line_end is None:
                line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
            record = (bytes(pending) + line if pending else line).removesuffix(line_end)
            pending.clear()
            yield record
        else:
            pending += line
    if pending:
        raise BadInput(f"{name} ends inside a quoted field; the file was cut short.")


def rows(raw: Iterable[bytes]) -> Iterator[Row]:
    """Cells of each record, NULL as None.

    csv.reader does the work at C speed; only records in which a field may be
    quoted and empty take the slower way that looks at the quotes.
    Raises UnicodeDecodeError for bytes that are not UTF-8 and csv.Error for
    quotes in the wrong place.
    """
    held: list[str] = []

    def feed() -> Iterator[str]:
        for record in raw:
            text = record.decode("utf-8")
            held.append(text)
            yield text

    reader = csv.reader(feed(), strict=True)
    for cells in reader:
        text = "".join(held) if len(held) == 1 else "\n".join(held)
        held.clear()
        if '""' in text and (',"",' in text or text.startswith('"",') or text.endswith(',""') or text == '""'):
            yield _parse_slowly(text)
        elif not cells:
            yield [None]  # an empty line is the one NULL of a table with one column
        else:
            yield [cell or None for cell in cells]


def parse(record: bytes) -> Row:
    """Cells of a single record; see `rows`."""
    return next(rows([record]))


def _parse_slowly(text: str) -> Row:
    cells: Row = []
    for match in _FIELD.finditer(text):
        quoted, plain = match.group(1), match.group(2)
        cells.append(quoted.replace('""', '"') if quoted is not None else plain or None)
    return cells


def format_row(cells: Row) -> bytes:
    """One record as COPY would write it (src/backend/commands/copyto.c, CopyAttributeOutCSV)."""
    if len(cells) == 1 and cells[0] == "\\.":
        return b'"\\."'
    if "" in cells or len(cells) == 1:  # where csv.writer, which works at C speed, writes something else
        return ",".join([_format_cell(cell) for cell in cells]).encode("utf-8")
    return _write(cells)[:-2].encode("utf-8")


def _format_cell(cell: str | None) -> str:
    if cell is None:
        return ""
    if cell == "":
        return '""'
    if _NEEDS_QUOTES.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def blocks(raw: Iterable[bytes], *, size: int = BLOCK) -> Iterator[bytes]:
    """Records joined, each with its line end, into blocks of about `size` bytes."""
    gathered: list[bytes] = []
    length = 0
    for record in raw:
        gathered.append(record)
        length += len(record) + 1
        if length >= size:
            yield b"\n".join(gathered) + b"\n"
            gathered, length = [], 0
    if gathered:
        yield b"\n".join(gathered) + b"\n"


def whole(raw: Iterable[bytes], *, name: str = "the file") -> Iterator[bytes]:
    """The same bytes in blocks that end where a record does; line ends are \\n. Memory follows the longest record.

    Raises BadInput when a quote is left open at the end.
    """
    pending: list[bytes] = []
    odd = False
    for block in raw:
        cut, odd = _last_end(block, odd)
        if not cut:
            pending.append(block)
            continue
        yield b"".join([*pending, block[:cut]]) if pending else block[:cut]
        pending = [block[cut:]] if cut < len(block) else []
    if odd:
        raise BadInput(f"{name} ends inside a quoted field; the file was cut short.")
    if pending:
        yield b"".join([*pending, b"\n"])


def _last_end(block: bytes, odd: bool) -> tuple[int, bool]:
    """(where the last record that ends in the block ends, or 0; whether a quote is open behind the block).

    `odd`: whether one is open before it.
    """
    at_end = odd ^ (block.count(b'"') & 1)
    is_open, position = at_end, len(block)
    while (line_end := block.rfind(b"\n", 0, position)) >= 0:
        is_open ^= block.count(b'"', line_end, position) & 1
        if not is_open:
            return line_end + 1, at_end
        position = line_end
    return 0, at_end


class RecordCounter:
    """Counts the records of a stream, given in blocks cut anywhere; line ends are \\n."""

    def __init__(self) -> None:
        self.records = 0
        self._odd = False

    def add(self, block: bytes) -> None:
        # Pairs of quotes change nothing, whether they are one quote inside of text or a field that holds no line end.
        parts = block.translate(None, _NEITHER_QUOTE_NOR_END).replace(b'""', b"").split(b'"')
        self.records += sum(part.count(b"\n") for part in parts[self._odd :: 2])
        self._odd ^= (len(parts) - 1) & 1


def block_rows(block: bytes) -> list[list[str]]:
    """The rows of a block of whole records, each with its line end; NULL is "" and the empty text is EMPTY.

    Raises UnicodeDecodeError and csv.Error as `rows` does.
    """
    if any(sign in block for sign in _QUOTED_EMPTY) or block.startswith((b'"",', b'""\n')):
        told = rows(records(io.BytesIO(block)))
        return [["" if cell is None else cell or EMPTY for cell in row] for row in told]
    found = list(csv.reader(io.StringIO(block.decode(), newline="\n"), strict=True))
    return [row or [""] for row in found] if [] in found else found


def with_null(cells: Sequence[str]) -> Row:
    """A block's row as a row: None for NULL."""
    return [None if cell == "" else "" if cell == EMPTY else cell for cell in cells]


def without_null(cells: Row) -> list[str]:
    """A row as it stands in a block."""
    return ["" if cell is None else cell or EMPTY for cell in cells]


def format_block(cells: Sequence[Sequence[str]], *, width: int) -> bytes:
    """Rows of `width` cells, written as in `block_rows`, as records with their line ends."""
    if not cells:
        return b""
    if width == 1:  # where the mark of the end of data needs quotes
        return b"".join(format_row(with_null(row)) + b"\n" for row in cells)
    columns = map(_quoted, zip(*cells, strict=True))
    text = "\n".join(map(",".join, zip(*columns, strict=True)))
    return text.encode().replace(b"\0", b'""') + b"\n"


def _quoted(column: Sequence[str]) -> Sequence[str]:
    """A column's cells as they are written; of most columns no cell needs quotes, which one look tells."""
    together = "\0".join(column)
    if not any(sign in together for sign in ',"\n\r'):
        return column
    needs = _NEEDS_QUOTES.search
    return ['"' + cell.replace('"', '""') + '"' if needs(cell) else cell for cell in column]
