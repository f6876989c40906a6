"""Filters on columns in a URL: `participant_id=3`, `creation_time__gte=…`, `answer__isnull=true`.

The database applies them if it can. If a filter depends on the value that is shown (a key of an object, a part of
a text that may be JSON), rows are tested while they are read. A condition can only remove rows.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from psynetdata.psynet.classfile import unpacked_keys
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.columns import value_types
from psynetdata.sheets.columns.sheet_columns import SheetColumn
from psynetdata.sheets.columns.table_shape import TableShape

from .filters import equals, parse

_ORDERED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_OF_TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "icontains": lambda text, part: part.casefold() in text.casefold(),
    "startswith": str.startswith,
}
LOOKUPS = ("exact", "in", "isnull", *_ORDERED, *_OF_TEXT)


@dataclass(frozen=True)
class Condition:
    """One parameter. Its values are joined by or for `exact` and `in`, by and for every other lookup."""

    column: SheetColumn
    lookup: str
    texts: tuple[str, ...]

    def in_database(self, shape: TableShape) -> tuple[Q, dict[str, models.Expression]] | None:
        """Return (the condition, its arguments for `.alias()`), or None if rows must be tested one by one."""
        column = self.column
        if column.in_python or self.lookup in _OF_TEXT:
            return None
        if column.computed and column.kind == value_types.VALUE:
            return None
        if self.lookup == "isnull":
            return self._null()
        if self.lookup in ("exact", "in") and not column.computed:
            return self._equal(shape)
        of_text = column.field is None or isinstance(column.field, models.TextField)
        if self.lookup in _ORDERED and of_text:
            return None
        return self._typed()

    def _equal(self, shape: TableShape) -> tuple[Q, dict[str, models.Expression]]:
        wanted, aliases = Q(), {}
        for value in self._parsed:
            condition, needed = equals(shape, self.column.source_name, value)
            wanted |= condition
            aliases |= needed
        return wanted, aliases

    def _null(self) -> tuple[Q, dict[str, models.Expression]]:
        none = Q(**{f"{self._alias}__isnull": True})
        if self.column.kind == value_types.VALUE:
            none |= Q(**{self._alias: "null"})
        wanted = Q()
        for value in self._parsed:
            wanted &= none if value else ~none
        return wanted, {self._alias: self.column.expression}

    def _typed(self) -> tuple[Q, dict[str, models.Expression]]:
        wanted = Q()
        for value in self._parsed:
            if self.lookup in _ORDERED:
                wanted &= Q(**{f"{self._alias}__{self.lookup}": self._for_field(value)})
            else:
                none = Q(**{f"{self._alias}__isnull": True})
                wanted |= none if value is None else Q(**{self._alias: self._for_field(value)})
        return wanted, {self._alias: self.column.expression}

    @property
    def _alias(self) -> str:
        return f"of_{self.column.name.encode().hex()}"

    def _for_field(self, value: Any) -> Any:
        field = self.column.field
        if field is None or isinstance(field, models.TextField):
            return value
        try:
            return field.to_python(value)
        except (ValidationError, OverflowError):
            named = self.column.name
            raise UsageError(f"{named} cannot have such a value; it is a {field.description.lower()}.") from None

    @cached_property
    def _parsed(self) -> list[Any]:
        """The texts as values of the column; raises UsageError for a text that is not a valid value."""
        name = f"{self.column.name}__{self.lookup}" if self.lookup == "isnull" else self.column.name
        kind = value_types.BOOL if self.lookup == "isnull" else self.column.kind
        values = [parse(text, name, kind) for text in self._texts]
        if None in values and self.lookup not in ("exact", "in"):
            raise UsageError(f"{self.column.name}__{self.lookup} needs a value.")
        return values

    @property
    def _texts(self) -> list[str]:
        return [part for text in self.texts for part in text.split(",")] if self.lookup == "in" else list(self.texts)

    def check(self) -> None:
        """Raise UsageError for values that are not valid for the column, before the first row is read."""
        if self.lookup not in _OF_TEXT:
            _ = self._parsed

    def test(self, value: Any) -> bool:
        """Return whether a value, in its JSON form, matches."""
        if self.lookup == "isnull":
            return all(wanted == (value is None) for wanted in self._parsed)
        if self.lookup in _OF_TEXT:
            text = unpacked_keys.cell(value)
            return text is not None and all(_OF_TEXT[self.lookup](text, part) for part in self.texts)
        if self.lookup in _ORDERED:
            return all(self._compares(value, wanted) for wanted in self._parsed)
        return any(_is(value, text) for text in self._texts)

    def _compares(self, value: Any, wanted: Any) -> bool:
        compare = _ORDERED[self.lookup]
        if isinstance(wanted, datetime):
            parsed = parse(value, self.column.name, value_types.TIME) if isinstance(value, str) else None
            return parsed is not None and compare(parsed, wanted)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = _number(str(wanted))
            return number is not None and compare(value, number)
        return isinstance(value, str) and compare(value, str(wanted))


def condition_for(name: str, texts: list[str], columns: dict[str, SheetColumn]) -> Condition | None:
    """Return the condition for a parameter of a URL, or None if its name does not refer to a column."""
    if name in columns:
        return Condition(columns[name], "exact", tuple(texts))
    column, _, lookup = name.rpartition("__")
    if column not in columns:
        return None
    if lookup not in LOOKUPS:
        raise UsageError(f"{column} has no filter {lookup[:40]!r}; the filters are {', '.join(LOOKUPS)}.")
    return Condition(columns[column], lookup, tuple(texts))


def _is(value: Any, text: str) -> bool:
    if text == "":
        return value is None
    if isinstance(value, bool):
        return text.lower() in (("true", "t", "1") if value else ("false", "f", "0"))
    if isinstance(value, int | float):
        return _number(text) == value
    return value is not None and unpacked_keys.cell(value) == text


def _number(text: str) -> int | float | None:
    try:
        return int(text) if len(text) < 100 and text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return None
