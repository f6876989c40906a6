"""PostgreSQL's CSV dialect, read and written so that NULL and "" stay apart.

In this dialect (PostgreSQL manual, COPY, "CSV Format") an unquoted empty field
is NULL and a quoted one is the empty text. Python's csv module returns '' for
both, so every reader in this project goes through this module.

A *record* is one row as bytes, without its line end. A *row* is the record's
cells: a list of str, or None for NULL. A record may span lines.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from .problems import BadInput

Row = list[str | None]

# PostgreSQL allows 1 GB a field; a row longer than this is not one of its making.
MAX_RECORD = 1 << 30
BLOCK = 1 << 20

csv.field_size_limit(MAX_RECORD)

_FIELD = re.compile(r'(?:^|,)(?:"((?:[^"]++|"")*+)"|([^,"]*+))(?=,|\Z)')
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')


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
