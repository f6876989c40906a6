"""Reads and writes PostgreSQL's CSV dialect so that NULL and "" stay different.

In this dialect (PostgreSQL manual, COPY, "CSV Format") an unquoted empty field
is NULL and a quoted one is the empty text. Python's csv module returns '' for
both, so every reader in this project goes through this module.

A *record* is one row as bytes, without its line end. A *row* is the record's
cells: a list of str, or None for NULL. A record may span lines.

Code that processes millions of rows works on blocks instead: `whole`, `block_rows`
and `format_block` leave the loop over rows and cells to C.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from .problems import BadInput

Row = list[str | None]

# PostgreSQL allows 1 GB per field; a row longer than this was not written by PostgreSQL.
MAX_RECORD = 1 << 30
BLOCK = 1 << 20

# In the rows of a block, NULL is "" and the empty text is this: PostgreSQL's text never contains a NUL character.
EMPTY = "\0"

csv.field_size_limit(MAX_RECORD)

_FIELD = re.compile(r'(?:^|,)(?:"((?:[^"]++|"")*+)"|([^,"]*+))(?=,|\Z)')
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')
# Texts that occur in a record if a field is quoted and empty; searching for each is much faster than for a pattern.
_QUOTED_EMPTY = (b',"",', b',""\n', b'\n"",', b'\n""\n')
_NEITHER_QUOTE_NOR_END = bytes(set(range(256)) - set(b'"\n'))


class _Echo:
    def write(self, text: str) -> str:
        return text


# writerow() returns the result of write(): the row as text. It quotes cells that contain a part of the line end.
_write = csv.writer(_Echo(), lineterminator="\r\n").writerow


def records(stream: BinaryIO, *, name: str = "the file") -> Iterator[bytes]:
    """Cut a binary stream into records; memory use depends on the longest record.

    Raises BadInput if a quote is not closed at the end or a record is longer
    than MAX_RECORD. `name` is the stream's name in the error message.
    """
    pending = bytearray()  # a list of short lines would take several times their size
    line_end = None
    while line := stream.readline(MAX_RECORD):
        if len(pending) + len(line) >= MAX_RECORD:
            raise BadInput(f"{name} has a row longer than 1 GiB, or a quote that is never closed.")
        odd = line.count(b'"') & 1
        if odd == bool(pending):  # the line ends outside quotes, so the record ends too
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
    """Yield the cells of each record, NULL as None.

    csv.reader does the work at C speed; only records in which a field may be
    quoted and empty are parsed more slowly, by looking at the quotes.
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
            yield [None]  # an empty line is the NULL of a table with one column
        else:
            yield [cell or None for cell in cells]


def parse(record: bytes) -> Row:
    """Return the cells of a single record; see `rows`."""
    return next(rows([record]))


def _parse_slowly(text: str) -> Row:
    cells: Row = []
    for match in _FIELD.finditer(text):
        quoted, plain = match.group(1), match.group(2)
        cells.append(quoted.replace('""', '"') if quoted is not None else plain or None)
    return cells


def format_row(cells: Row) -> bytes:
    """Return one record as COPY would write it (src/backend/commands/copyto.c, CopyAttributeOutCSV)."""
    if len(cells) == 1 and cells[0] == "\\.":
        return b'"\\."'
    if "" in cells or len(cells) == 1:  # csv.writer, which is faster, writes these differently
        return ",".join([_format_cell(cell) for cell in cells]).encode("utf-8")
    line: str = _write(cells)
    return line[:-2].encode("utf-8")


def _format_cell(cell: str | None) -> str:
    if cell is None:
        return ""
    if cell == "":
        return '""'
    if _NEEDS_QUOTES.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def blocks(raw: Iterable[bytes], *, size: int = BLOCK) -> Iterator[bytes]:
    """Join records, each with its line end, into blocks of about `size` bytes."""
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
    """Yield the bytes in blocks that end where a record ends; line ends are \\n. Memory depends on the longest record.

    Raises BadInput if a quote is not closed at the end.
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
    """Return (end of the last record that ends in the block, or 0; whether a quote is open after the block).

    `odd`: whether a quote is open before the block.
    """
    at_end = odd ^ bool(block.count(b'"') & 1)
    is_open, position = at_end, len(block)
    while (line_end := block.rfind(b"\n", 0, position)) >= 0:
        is_open ^= bool(block.count(b'"', line_end, position) & 1)
        if not is_open:
            return line_end + 1, at_end
        position = line_end
    return 0, at_end


class RecordCounter:
    """Counts the records of a stream, given in blocks that may be cut anywhere; line ends are \\n."""

    def __init__(self) -> None:
        self.records = 0
        self._odd = False

    def add(self, block: bytes) -> None:
        # Pairs of quotes change nothing: they are either an escaped quote or a field without a line end.
        parts = block.translate(None, _NEITHER_QUOTE_NOR_END).replace(b'""', b"").split(b'"')
        self.records += sum(part.count(b"\n") for part in parts[self._odd :: 2])
        self._odd ^= len(parts) % 2 == 0


def block_rows(block: bytes) -> list[list[str]]:
    """Return the rows of a block of whole records, each with its line end; NULL is "" and the empty text is EMPTY.

    Raises UnicodeDecodeError and csv.Error, like `rows`.
    """
    if any(sign in block for sign in _QUOTED_EMPTY) or block.startswith((b'"",', b'""\n')):
        with_nulls = rows(records(io.BytesIO(block)))
        return [["" if cell is None else cell or EMPTY for cell in row] for row in with_nulls]
    parsed = list(csv.reader(io.StringIO(block.decode(), newline="\n"), strict=True))
    return [row or [""] for row in parsed] if [] in parsed else parsed


def with_null(cells: Sequence[str]) -> Row:
    """Convert a block's row to a row with None for NULL."""
    return [None if cell == "" else "" if cell == EMPTY else cell for cell in cells]


def without_null(cells: Row) -> list[str]:
    """Convert a row with None for NULL to a block's row."""
    return ["" if cell is None else cell or EMPTY for cell in cells]


def format_block(cells: Sequence[Sequence[str]], *, width: int) -> bytes:
    """Return rows of `width` cells, written as in `block_rows`, as records with their line ends."""
    if not cells:
        return b""
    if width == 1:  # here the end-of-data marker needs quotes
        return b"".join(format_row(with_null(row)) + b"\n" for row in cells)
    columns = map(_quoted, zip(*cells, strict=True))
    text = "\n".join(map(",".join, zip(*columns, strict=True)))
    return text.encode().replace(b"\0", b'""') + b"\n"


def _quoted(column: Sequence[str]) -> Sequence[str]:
    """Return a column's cells with quotes where needed. In most columns no cell needs them: one search is enough."""
    together = "\0".join(column)
    if not any(sign in together for sign in ',"\n\r'):
        return column
    needs = _NEEDS_QUOTES.search
    return ['"' + cell.replace('"', '""') + '"' if needs(cell) else cell for cell in column]
