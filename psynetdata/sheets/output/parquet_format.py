"""Writes a sheet as Parquet, one group of rows at a time. Needs pyarrow, which is not always installed."""

import io
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.columns import value_types

from . import arrow
from .sheet_format import SheetFormat

if TYPE_CHECKING:
    from psynetdata.sheets.sheet import Sheet

# Rows of a group; one group is in memory at a time.
_GROUP = 10_000
_WHOLE_RANGE = 1 << 63


class ParquetFormat(SheetFormat):
    name, title, media_type = "parquet", "Parquet", "application/vnd.apache.parquet"
    content = "binary"
    has_pages = False

    def check_installed(self) -> None:
        arrow.check_installed()

    def sheet(self, sheet: "Sheet", flag: bool) -> Iterator[bytes]:
        return _blocks(sheet)

    def result(self, result: Any, flag: bool) -> bytes:
        raise UsageError("Parquet is available only for built-in sheets; use format=csv or format=ndjson.")


def _blocks(sheet: "Sheet") -> Iterator[bytes]:
    """Yield the file in blocks: numbers, booleans and times have their types; everything else is text, as in CSV.

    A value that cannot be a number or time (`infinity`) is null. A Parquet file cannot be read without its end, so an
    interrupted stream never looks complete.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds, records = sheet.typed()
    schema = pa.schema([(name, arrow.type_of(kind)) for name, kind in zip(sheet.header, kinds, strict=True)])
    convert = [_CONVERT.get(kind) for kind in kinds]
    sink = io.BytesIO()
    with pq.ParquetWriter(_Unseekable(sink), schema, compression="snappy") as writer:
        while group := list(islice(records, _GROUP)):
            columns = zip(*group, strict=True)
            arrays = [
                pa.array(column if read is None else [read(value) for value in column], type=field.type)
                for column, read, field in zip(columns, convert, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield _drain(sink)
    yield _drain(sink)


class _Unseekable(io.RawIOBase):
    """Counts the bytes that are written, because the buffer behind it is emptied repeatedly."""

    def __init__(self, sink: io.BytesIO):
        self._sink, self._at = sink, 0

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        written = self._sink.write(data)
        self._at += written
        return written

    def tell(self) -> int:
        return self._at


def _drain(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and -_WHOLE_RANGE <= value < _WHOLE_RANGE else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None


_CONVERT = {
    value_types.WHOLE: _whole,
    value_types.NUMBER: _number,
    value_types.BOOL: lambda value: value if isinstance(value, bool) else None,
    value_types.TIME: _time,
}
