"""Converts a source row to the values of a mirrored row, and back to exactly the same text."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from django.db import models

from psynetdata.models import TYPED_MODELS, MirrorModel, Record
from psynetdata.psynet import times
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column, class_name

_json = json.JSONEncoder(ensure_ascii=False).encode
_INTEGER = re.compile(r"-?\d{1,18}")


def model_of(table: str) -> type[MirrorModel]:
    return TYPED_MODELS.get(table, Record)


class Converter:
    """Converts rows of one table with these columns. `clock`: minutes that naive times are ahead of UTC."""

    def __init__(self, table: str, deployment_number: int, columns: list[Column], clock: int):
        self.model = model_of(table)
        self.table = table
        self.deployment_number = deployment_number
        names = [column.name for column in columns]
        position = {name: index for index, name in enumerate(names)}
        typed = self.model.typed_fields()
        self._typed = [
            (position.get(name), name, _reader(field, clock), _writer(field, clock)) for name, field in typed.items()
        ]
        self._rest = [(index, name) for index, name in enumerate(names) if name not in typed]
        self._type = position.get("type")
        self._id = position.get("id")
        own = ["deployment_number", "class_name", "rest"]
        own += ["table", "identity"] if self.model is Record else ["key"]
        self.class_at = own.index("class_name")
        self.fields = [self.model._meta.get_field(name) for name in (*own, *typed)]

    def values(self, cells: Row, identity: str) -> list[Any]:
        """Return Python values in the order of `fields`; `identity` identifies the row in the mirror (Record)."""
        rest = {name: cells[index] for index, name in self._rest}
        typed = []
        for index, name, read, write in self._typed:
            text = None if index is None else cells[index]
            value = None if text is None else read(text)
            if text is not None and (value is None or write(value) != text):
                rest[name] = text  # the text cannot be restored from the typed value alone
            typed.append(value)
        kind = None if self._type is None else cells[self._type]
        own = [self.deployment_number, class_name(self.table, kind), _json(rest)]
        if self.model is Record:
            own += [self.table, identity]
        else:
            own.append(self.model.make_key(self.deployment_number, int(cells[self._id])))
        return own + typed


def to_source(row: MirrorModel, columns: list[str], clock: int) -> Row:
    """Return the cells of the source row, with exactly the same text."""
    rest = row.rest_columns
    typed = row.typed_fields()
    cells: Row = []
    for name in columns:
        if name in rest or name not in typed:
            cells.append(rest.get(name))
        else:
            value = getattr(row, name)
            cells.append(None if value is None else _writer(typed[name], clock)(value))
    return cells


def _reader(field: models.Field, clock: int) -> Callable[[str], Any]:
    if isinstance(field, models.IntegerField):
        return _integer
    if isinstance(field, models.FloatField):
        return _float
    if isinstance(field, models.BooleanField):
        return {"t": True, "f": False}.get
    if isinstance(field, models.DateTimeField):
        return lambda text: times.parse(text, offset=clock)
    return str


def _writer(field: models.Field, clock: int) -> Callable[[Any], str]:
    if isinstance(field, models.FloatField):
        return _float_text
    if isinstance(field, models.BooleanField):
        return {True: "t", False: "f"}.get
    if isinstance(field, models.DateTimeField):
        return lambda moment: times.to_postgres(moment, offset=clock)
    return str


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None  # SQLite would turn NaN into NULL


def _float_text(value: float) -> str:
    """Return the text that PostgreSQL writes for float8 with extra_float_digits=1: shortest form, no `.0`."""
    return repr(value).removesuffix(".0")
