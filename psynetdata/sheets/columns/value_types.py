"""The kind of values in a column, and the conversion of its text for JSON, Python and CSV.

A mirrored row keeps the original text. The PostgreSQL type does not show which text is JSON (PsyNet
stores JSON in varchar columns), so the same rules apply as for class files (psynet/classfile/rows.py).
"""

import re
from collections.abc import Callable
from typing import Any

from django.db import models

from psynetdata.psynet import jsontext, times
from psynetdata.psynet.classfile.unpacked_keys import is_writable
from psynetdata.psynet.column_roles import Role, columns_with_role

WHOLE, NUMBER, BOOL, TIME = "whole", "number", "bool", "time"
# Kinds whose values are not text.
TYPED = (WHOLE, NUMBER, BOOL, TIME)
# JSON: every text is JSON, by its PostgreSQL type. VALUE: every text is JSON, by PsyNet's convention. TEXT: objects,
# lists and quoted texts are JSON. PLAIN: never JSON.
JSON, VALUE, TEXT, PLAIN = "json", "value", "text", "plain"

_TYPES = {
    **dict.fromkeys(("int2", "int4", "int8"), WHOLE),
    **dict.fromkeys(("float4", "float8", "numeric"), NUMBER),
    "bool": BOOL,
    **dict.fromkeys(("timestamp", "timestamptz"), TIME),
    **dict.fromkeys(("json", "jsonb"), JSON),
    **dict.fromkeys(("varchar", "text", "bpchar"), TEXT),
}
_JSON_STARTS = frozenset('"{[')
_FIELDS = (
    (models.IntegerField, WHOLE),
    (models.FloatField, NUMBER),
    (models.BooleanField, BOOL),
    (models.DateTimeField, TIME),
)
# Up to 15 digits: JavaScript and R cannot represent more exactly, and longer ones are hardly quantities.
_WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?")


def kind_of(column: str, type_name: str | None, field: models.Field | None = None) -> str | None:
    """Return the kind, from PostgreSQL's type or our own field; None if it is unknown."""
    is_value = column in columns_with_role(Role.VALUE)
    if type_name is None:
        of_field = next((kind for cls, kind in _FIELDS if isinstance(field, cls)), None)
        return of_field or (VALUE if is_value else None)
    kind = _TYPES.get(type_name, PLAIN)
    return VALUE if kind == TEXT and is_value else kind


class Guess:
    """Guesses the kind of a column of unknown type from its texts; TEXT if they differ or there are none."""

    def __init__(self):
        self._possible: set[str] | None = None

    def add(self, text: str) -> None:
        among = _PATTERNS if self._possible is None else self._possible
        self._possible = {kind for kind in among if _PATTERNS[kind](text)}

    @property
    def is_settled(self) -> bool:
        return self._possible == set()

    @property
    def kind(self) -> str:
        return next((kind for kind in (BOOL, TIME, WHOLE, NUMBER) if kind in (self._possible or ())), TEXT)


_PATTERNS = {
    WHOLE: lambda text: _WHOLE.fullmatch(text) is not None,
    NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
    BOOL: lambda text: text in ("t", "f"),
    TIME: lambda text: times.parse(text) is not None,
}


def value_of(text: str, kind: str, clock: int) -> Any:
    """Return a cell's text as a Python value: number, bool, UTC datetime, decoded JSON (NaN stays NaN), or the text."""
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


# Millions of cells are converted, so the conversion of a column is determined once: a function, or None for no change.
Convert = Callable[[Any], Any] | None


def json_of(kind: str, clock: int) -> Convert:
    """Return the conversion from a cell's text to JSON: numbers, decoded JSON, ISO 8601 in UTC, null for NaN."""
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
    """Return the conversion from a typed column's value to its value in JSON."""
    if isinstance(field, models.DateTimeField):
        return times.to_iso
    return json_of(kind, 0) if isinstance(field, models.TextField) else None


def csv_of(kind: str, clock: int) -> Convert:
    """Return the conversion from a cell's text to the text in class files."""
    if kind == BOOL:
        return lambda text: {"t": "True", "f": "False"}.get(text, text)
    if kind == TIME:
        return lambda text: times.column_to_iso(text, offset=clock)
    if kind == VALUE:
        return lambda text: {"true": "True", "false": "False", "null": None}.get(text, _unquoted(text))
    return _unquoted if kind in (TEXT, JSON) else None


def csv_of_typed(kind: str, field: models.Field) -> Convert:
    """Return the conversion from a typed column's value to the text in class files."""
    if isinstance(field, models.DateTimeField):
        return times.to_iso
    if isinstance(field, models.FloatField):
        return lambda value: repr(value).removesuffix(".0")
    return csv_of(kind, 0) if isinstance(field, models.TextField) else str


def _decoded(text: str) -> Any:
    value = jsontext.read(text)
    return finite(value) if "NaN" in text or "Infinity" in text else value


def finite(value: Any) -> Any:
    """Return a JSON value with null for values that standard JSON does not have, and if it is nested too deeply."""
    if isinstance(value, str | int):
        return value
    try:
        return jsontext.without_nan(value)
    except RecursionError:
        return None  # the CSV still contains the text


def _unquoted(text: str) -> str:
    """Decode a JSON string; objects, lists and text that is not JSON stay unchanged."""
    if text[:1] != '"':
        return text
    value = jsontext.decode(text)
    return value if isinstance(value, str) and is_writable(value) else text


def _number(text: str, kind: str) -> int | float | str:
    try:
        return int(text) if kind == WHOLE else float(text)
    except ValueError:
        return text
