"""Read raw tables for what they hold, ignoring NULL: rows in chunks of about a block, cells as text."""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from psynetdata.psynet.table_source import SegmentedSource, TableSource

_BLOCK = 1 << 20

Cells = list[str]  # of one row; "" if the cell is NULL


def source_segments(source: TableSource) -> list[tuple[str, Any]]:
    """Return (table, part) of everything; `participant` comes first, then `node`, which `asset` needs."""
    tables = sorted(source.tables(), key=lambda name: (name != "participant", name != "node", name))
    return [
        (table, segment)
        for table in tables
        for segment in (source.segments(table) if isinstance(source, SegmentedSource) else [None])
    ]


def chunks(source: TableSource, table: str, segment: Any, width: int) -> Iterator[tuple[list[Cells], bytes]]:
    """Yield (rows, their bytes as stored) of a part of a table with `width` columns, about a block at a time."""
    if not isinstance(source, SegmentedSource):
        yield from _chunks_of_rows(source, table)
        return
    with source.open_segment(table, segment) as stream:
        for block in _whole_records(stream):
            yield rows_of(block, width), block


def rows_of(block: bytes, width: int) -> list[Cells]:
    """Return the rows of a block of whole records."""
    rows = list(csv.reader(io.StringIO(block.decode(), newline=""), strict=True))
    if any(len(row) != width for row in rows):  # an empty line is the NULL of a table with one column
        rows = [(row + [""] * width)[:width] for row in rows]
    return rows


def _chunks_of_rows(source: TableSource, table: str) -> Iterator[tuple[list[Cells], bytes]]:
    rows = [[cell or "" for cell in row] for row in source.rows(table)]
    yield rows, "\n".join(map("\n".join, rows)).encode("utf-8", "surrogatepass")


def _whole_records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield blocks that end where a record ends: at a line end with an even number of quotes before it."""
    kept: list[bytes] = []
    odd = False
    while looked := stream.read(_BLOCK):
        cut = _last_end(looked, odd)
        if cut:
            yield b"".join([*kept, looked[:cut]])
            kept, odd = [], False
            looked = looked[cut:]
        kept.append(looked)
        odd ^= bool(looked.count(b'"') & 1)
    if rest := b"".join(kept):
        yield rest


def _last_end(block: bytes, odd: bool) -> int:
    """Return the position after the last line end outside quotes, or 0. `odd`: the block begins inside quotes."""
    inside = odd ^ bool(block.count(b'"') & 1)
    end = len(block)
    while (found := block.rfind(b"\n", 0, end)) >= 0:
        inside ^= bool(block.count(b'"', found, end) & 1)
        if not inside:
            return found + 1
        end = found
    return 0
