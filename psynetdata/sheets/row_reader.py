"""Reads rows of the mirror as cells of a sheet. For speed, the conversion of a column is determined only once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
from django.db import models
from django.db.models import QuerySet

from psynetdata.psynet.classfile import unpacked_keys

from .columns import value_types
from .columns.sheet_columns import SheetColumn
from .columns.table_shape import TableShape

# Rows fetched at once. One chunk is in memory, so the number must suit rows with long texts.
_CHUNK = 500
_KEPT = 4096  # texts whose objects are cached
_LONGEST = 2000  # characters of a text that is worth caching


class Style:
    """An output style: functions that convert a typed value, the source's text, and the value of an object's key."""

    def __init__(self, of_typed: Callable, of_text: Callable, of_key: Callable):
        self.of_typed, self.of_text, self.of_key = of_typed, of_text, of_key


AS_JSON = Style(value_types.json_of_typed, value_types.json_of, value_types.finite)
AS_CSV = Style(value_types.csv_of_typed, value_types.csv_of, unpacked_keys.cell)


def read(shape: TableShape, rows: QuerySet, columns: list[tuple[SheetColumn, Style]]) -> Iterator[tuple[int, list]]:
    """Yield (our key, the cells) of each row."""
    plan = _Plan(shape, columns)
    wanted = rows.annotate(**plan.computed).values_list("key", *plan.names)
    for key, *values in wanted.iterator(chunk_size=_CHUNK):
        yield key, plan.cells(values)


class _Plan:
    """Maps values of the database to cells."""

    def __init__(self, shape: TableShape, columns: list[tuple[SheetColumn, Style]]):
        self._taken = unpacked_keys.standing(name for name, _ in shape.all_columns)
        self._sources = unpacked_keys.sources(shape.table, shape.columns) if _any_unpacked(columns) else []
        self.computed: dict[str, Any] = {}
        self.names: list[str] = []
        typed = shape.model.typed_fields()
        self._known: dict[tuple[str, str], dict[str, object]] = {}
        self._has_rest = False
        self._steps = [self._step(shape, column, style) for column, style in columns]
        self._texts = []
        for source in self._sources:
            self._has_rest |= source not in typed
            self._texts.append((source, self._place(source) if source in typed else None))
        if self._has_rest:
            self._rest = self._place("rest")

    def _step(self, shape: TableShape, column: SheetColumn, style: Style) -> tuple:
        """Return (name in `rest` or None, index in the values or None, a converter for each, whether it is a key)."""
        if column.path:
            *place, convert_text, convert, is_key = self._step(shape, replace(column, path=()), AS_JSON)
            inner = [_inner(one, column.path, style.of_key) for one in (convert_text, convert)]
            return *place, *inner, is_key
        if column.unpacked:
            return column.source_name, None, style.of_key, None, True
        if column.computed:
            alias = f"column_{len(self.computed)}"
            self.computed[alias] = column.expression
            convert = style.of_typed(column.kind, column.field or models.TextField())
            if column.told is not None:
                convert = column.told.get
            return None, self._place(alias), None, convert, False
        place = None if column.field is None else self._place(column.source_name)
        of_rest = None if shape.is_exact(column.source_name) else column.source_name
        self._has_rest |= of_rest is not None
        typed = None if column.field is None else style.of_typed(column.kind, column.field)
        return of_rest, place, style.of_text(column.kind, shape.deployment.clock), typed, False

    def _place(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def cells(self, values: list) -> list:
        rest = orjson.loads(values[self._rest]) if self._has_rest else {}
        keys = self._keys(values, rest) if self._sources else {}
        found = []
        for name, place, text, typed, is_key in self._steps:
            if is_key:
                value, convert = keys.get(name), text
            elif name is not None and name in rest:  # it is more precise than the typed value, if there is one
                value, convert = rest[name], text
            else:
                value, convert = None if place is None else values[place], typed
            found.append(value if convert is None or value is None else convert(value))
        return found

    def _keys(self, values: list, rest: dict) -> dict[str, object]:
        key_values: dict[str, object] = {}
        for source, place in self._texts:
            text = rest.get(source) if place is None else values[place]
            if text and text[0] == "{":
                key_values = {**self._unpacked(source, text), **key_values}
        return key_values

    def _unpacked(self, source: str, text: str) -> dict[str, object]:
        """Return the keys and values of an object. Texts occur many times, so the latest results are cached."""
        known = self._known.get((source, text))
        if known is None:
            known = dict(unpacked_keys.unpack(source, text, self._taken))
            if len(text) <= _LONGEST:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[source, text] = known
        return known


def _inner(read: Callable | None, path: tuple[str, ...], write: Callable) -> Callable:
    """Return a function that returns the part of a value at the path, or None if there is none."""

    def inner(value: Any) -> Any:
        found = value if read is None else read(value)
        for part in path:
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and part.isdecimal() and len(part) < 10 and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        return write(found)

    return inner


def _any_unpacked(columns: list[tuple[SheetColumn, Style]]) -> bool:
    return any(column.unpacked for column, _ in columns)
