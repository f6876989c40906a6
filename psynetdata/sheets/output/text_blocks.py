"""Converts streams of rows to blocks of bytes: JSON, NDJSON and CSV."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import orjson

from psynetdata.psynet import csvtext, times
from psynetdata.psynet.classfile import excel
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.jsontext import without_nan
from psynetdata.psynet.problems import Problem

_BLOCK = 1 << 16


class NoJson(Problem):
    """An experimenter's code returned a value that JSON cannot represent."""

    status = 500

    def __init__(self, value: Any):
        super().__init__(
            f"The data contains a value of type {type(value).__name__}, which JSON does not support; return texts, "
            "numbers, booleans, None, times, lists, dictionaries or data frames."
        )


class EndlessJson(Problem):
    status = 500

    def __init__(self):
        super().__init__("The data contains a value that is nested endlessly, or too deeply for JSON.")


def json_text(value: Any) -> bytes:
    """Return one JSON value, with null for NaN. Raises NoJson, EndlessJson for values that JSON cannot represent."""
    try:
        return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:  # integers beyond 64 bits, half a surrogate pair, deep nesting: json supports them
        try:
            return json.dumps(without_nan(_plain_deep(value)), allow_nan=False).encode("ascii")
        except RecursionError:
            raise EndlessJson from None


def json_list(rows: Iterable[Any]) -> Iterator[bytes]:
    return _blocks(_list_pieces(rows))


def json_lists(named: Iterable[tuple[str, Iterable[Any]]]) -> Iterator[bytes]:
    """Yield one JSON object: {name: [rows], …}."""

    def pieces() -> Iterator[bytes]:
        yield b"{"
        for number, (name, rows) in enumerate(named):
            yield (b",\n" if number else b"") + json_text(name) + b":"
            yield from _list_pieces(rows)
        yield b"}"

    return _blocks(pieces())


def ndjson(rows: Iterable[Any], *, end_marker: bool = False) -> Iterator[bytes]:
    """Yield a line for each row; with `end_marker` also a last line with their number, which marks the end."""

    def pieces() -> Iterator[bytes]:
        sent = 0
        for row in rows:
            yield json_text(row) + b"\n"
            sent += 1
        if end_marker:
            yield json_text({"end": True, "rows": sent}) + b"\n"

    return _blocks(pieces())


def csv(header: list[str], records: Iterable[Row], *, for_excel: bool = False) -> Iterator[bytes]:
    """Yield CSV: NULL is an empty field, the empty text is a quoted empty field."""

    def pieces() -> Iterator[bytes]:
        if for_excel:
            yield excel.BOM
        yield csvtext.format_row(excel.guarded(header) if for_excel else header) + b"\n"
        for cells in map(excel.guarded, records) if for_excel else records:
            yield csvtext.format_row(cells) + b"\n"

    return _blocks(pieces())


def table_of(rows: list[dict[str, Any]]) -> tuple[list[str], Iterator[Row]]:
    """Return (header, records) of any dictionaries: all their keys, in the order of their first appearance."""
    header = list(dict.fromkeys(str(key) for row in rows for key in row))
    named = ({str(key): value for key, value in row.items()} for row in rows)
    return header, ([_cell(row.get(name)) for name in header] for row in named)


def plain(value: Any) -> Any:
    """Convert values that JSON does not have: data frames to lists of dictionaries, numpy's values, times (in UTC).

    Other values become their text. Raises NoJson for values without a useful text.
    """
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict("records")
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, bytes | bytearray | memoryview) or _has_no_text(value):
        raise NoJson(value)
    return None if str(value) in ("<NA>", "NaT") else str(value)


def _has_no_text(value: Any) -> bool:
    """Return whether str() would only return Python's default text (type and address)."""
    return type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__


def _plain_deep(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _plain_deep(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_deep(item) for item in value]
    return _plain_deep(plain(value))


def _time(value: datetime) -> str | None:
    if value != value:
        return None  # pandas' NaT is a datetime
    return times.to_iso(value) if value.tzinfo else value.isoformat()


def _cell(value: Any) -> str | None:
    value = _plain_deep(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return repr(value) if value == value else None
    return str(value) if isinstance(value, int) else json_text(value).decode()


def _list_pieces(rows: Iterable[Any]) -> Iterator[bytes]:
    yield b"["
    for number, row in enumerate(rows):
        yield (b",\n" if number else b"") + json_text(row)
    yield b"]"


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
