"""What kind of value a column holds, and how its text is read for JSON, for Python and for CSV.

A mirrored row keeps text as it came. Which text is JSON is not told by its PostgreSQL type (PsyNet
keeps JSON in varchar columns), so it follows the same rules as class files do (psynet/classfile.py).
"""

import re
from collections.abc import Callable
from typing import Any

from django.db import models

from psynetdata.psynet import jsontext, times
from psynetdata.psynet.classfile.unpacked_keys import is_writable

WHOLE, NUMBER, BOOL, TIME = "whole", "number", "bool", "time"
# Kinds whose values are no text.
TYPED = (WHOLE, NUMBER, BOOL, TIME)
# JSON: each text is JSON of its type. VALUE: each is JSON by PsyNet's custom. TEXT: an object, a list or a
# quoted text in it is JSON. PLAIN: text and nothing else.
JSON, VALUE, TEXT, PLAIN = "json", "value", "text", "plain"

_TYPES = {
    **dict.fromkeys(("int2", "int4", "int8"), WHOLE),
    **dict.fromkeys(("float4", "float8", "numeric"), NUMBER),
    "bool": BOOL,
    **dict.fromkeys(("timestamp", "timestamptz"), TIME),
    **dict.fromkeys(("json", "jsonb"), JSON),
    **dict.fromkeys(("varchar", "text", "bpchar"), TEXT),
}
# Columns of PsyNet's type PythonObject: each text in them is JSON, `true` and `3` too.
_VALUES = {"answer", "context", "definition", "seed"}
_JSON_STARTS = frozenset('"{[')
_FIELDS = (
    (models.IntegerField, WHOLE),
    (models.FloatField, NUMBER),
    (models.BooleanField, BOOL),
    (models.DateTimeField, TIME),
)
# Up to 15 digits: more are no number to JavaScript and R, and hardly one that somebody counted.
_WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?")


def kind_of(column: str, told: str | None, field: models.Field | None = None) -> str | None:
    """The kind that PostgreSQL's type or our own field tells; None where nobody told."""
    if told is None:
        of_field = next((kind for cls, kind in _FIELDS if isinstance(field, cls)), None)
        return of_field or (VALUE if column in _VALUES else None)
    kind = _TYPES.get(told, PLAIN)
    return VALUE if kind == TEXT and column in _VALUES else kind


class Guess:
    """What kind an untold column looks like, from its texts; TEXT where they differ or there are none."""

    def __init__(self):
        self._possible: set[str] | None = None

    def look(self, text: str) -> None:
        among = _LOOKS if self._possible is None else self._possible
        self._possible = {kind for kind in among if _LOOKS[kind](text)}

    @property
    def is_settled(self) -> bool:
        return self._possible == set()

    @property
    def kind(self) -> str:
        return next((kind for kind in (BOOL, TIME, WHOLE, NUMBER) if kind in (self._possible or ())), TEXT)


_LOOKS = {
    WHOLE: lambda text: _WHOLE.fullmatch(text) is not None,
    NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
    BOOL: lambda text: text in ("t", "f"),
    TIME: lambda text: times.parse(text) is not None,
}


def value_of(text: str, kind: str, clock: int) -> Any:
    """A cell's text as a Python value: number, bool, UTC datetime, decoded JSON (NaN stays NaN), or the text."""
    if kind == BOOL:
        return {"t": True, "f": False}.get(text, text)
    if kind == TIME:
        moment = times.parse(text, offset=clock)
        return text if moment is None else moment
    if kind in (WHOLE, NUMBER):
        return _number(text, kind)
    if kind in (JSON, VALUE) or (kind == TEXT and text[:1] in _JSON_STARTS):
        return jsontext.read(text)
    return text


# Cells are converted by the million, so what a column needs is found once: a function, or None for none.
Convert = Callable[[Any], Any] | None


def json_of(kind: str, clock: int) -> Convert:
    """From a cell's text to its value in JSON: numbers, decoded JSON, ISO 8601 in UTC, null for NaN."""
    if kind == PLAIN:
        return None
    if kind == TIME:
        return lambda text: times.column_to_iso(text, offset=clock)
    if kind == TEXT:
        return lambda text: _decoded(text) if text[:1] in _JSON_STARTS else text
    if kind in (JSON, VALUE):
        return _decoded
    if kind == BOOL:
        return lambda text: {"t": True, "f": False}.get(text, text)
    return lambda text: finite(_number(text, kind))


def json_of_typed(kind: str, field: models.Field) -> Convert:
    """From a typed column's value to its value in JSON."""
    if isinstance(field, models.DateTimeField):
        return times.to_iso
    return json_of(kind, 0) if isinstance(field, models.TextField) else None


def csv_of(kind: str, clock: int) -> Convert:
    """From a cell's text to what class files write."""
    if kind == BOOL:
        return lambda text: {"t": "True", "f": "False"}.get(text, text)
    if kind == TIME:
        return lambda text: times.column_to_iso(text, offset=clock)
    if kind == VALUE:
        return lambda text: {"true": "True", "false": "False", "null": None}.get(text, _unquoted(text))
    return _unquoted if kind in (TEXT, JSON) else None


def csv_of_typed(kind: str, field: models.Field) -> Convert:
    """From a typed column's value to what class files write."""
    if isinstance(field, models.DateTimeField):
        return times.to_iso
    if isinstance(field, models.FloatField):
        return lambda value: repr(value).removesuffix(".0")
    return csv_of(kind, 0) if isinstance(field, models.TextField) else str


def _decoded(text: str) -> Any:
    value = jsontext.read(text)
    return finite(value) if "NaN" in text or "Infinity" in text else value


def finite(value: Any) -> Any:
    """A JSON value with null for what JSON proper does not have, and for what is nested beyond sense."""
    if isinstance(value, str | int):
        return value
    try:
        return jsontext.without_nan(value)
    except RecursionError:
        return None  # CSV has the text


def _unquoted(text: str) -> str:
    """A JSON text's text; objects, lists and what is no JSON stay as they came."""
    if text[:1] != '"':
        return text
    value = jsontext.decode(text)
    return value if isinstance(value, str) and is_writable(value) else text


def _number(text: str, kind: str) -> int | float | str:
    try:
        return int(text) if kind == WHOLE else float(text)
    except ValueError:
        return text
