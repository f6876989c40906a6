"""Conditions on columns of a mirrored table, typed or not, as Django's Q.

Any column of the source can be used: a typed one by its field, another one through the JSON
object that holds it. On the anonymous face both contain only the data that the face shows.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from psynetdata.psynet import times
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.columns import value_types
from psynetdata.sheets.columns.table_shape import RestColumn, TableShape


def alias_of(shape: TableShape, column: str) -> tuple[str, dict[str, models.Expression]]:
    """Return (the name of a column in a lookup, its arguments for `.alias()`)."""
    if column in shape.model.typed_fields():
        return column, {}
    name = f"of_rest_{[known for known, _ in shape.all_columns].index(column)}"
    return name, {name: RestColumn(column)}


def equals(shape: TableShape, column: str, value: Any) -> tuple[Q, dict[str, models.Expression]]:
    """Return (the condition that a column has a Python value, None for NULL; its arguments for `.alias()`)."""
    name, aliases = alias_of(shape, column)
    if value is None:
        return Q(**{f"{name}__isnull": True}), aliases
    kind = shape.kinds[column]
    field = shape.model.typed_fields().get(column)
    if field is not None and not isinstance(field, models.TextField):
        try:
            return Q(**{name: field.to_python(value)}), aliases
        except (ValidationError, OverflowError):
            raise UsageError(f"{column} cannot have such a value; it is a {field.description.lower()}.") from None
    return Q(**{f"{name}__in": _texts(value, kind, shape.deployment.clock)}), aliases


def parse(text: str, column: str, kind: str) -> Any:
    """Return the value of a text in a URL, for a column of this kind.

    Times without a time zone are in UTC. Raises UsageError, which shows how to write the value.
    """
    if text == "":
        return None
    if kind == value_types.BOOL:
        known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
        if text.lower() in known:
            return known[text.lower()]
        raise UsageError(f"{column} is true or false; write {column}=true or {column}=false.")
    if kind in (value_types.WHOLE, value_types.NUMBER):
        try:
            return int(text) if kind == value_types.WHOLE and len(text) < 100 else float(text)
        except ValueError:
            raise UsageError(f"{column} is a number; write it like {column}=3.") from None
    if kind == value_types.TIME:
        try:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise UsageError(f"{column} is a time; write it like {column}=2026-11-22T08:12:49.210214Z.") from None
    return text


def _texts(value: Any, kind: str, clock: int) -> list[str]:
    """Return the texts that PostgreSQL and PsyNet's JSON may contain for a value."""
    if isinstance(value, bool) and kind != value_types.VALUE:
        return ["t" if value else "f"]
    if isinstance(value, datetime):
        return [times.to_postgres(value, offset=clock)]
    if isinstance(value, float) and kind != value_types.VALUE:
        return sorted({repr(value), repr(value).removesuffix(".0")})
    if isinstance(value, str):
        # A text column may hold the text itself or its JSON, with or without escapes (jsonpickle escapes).
        return sorted({value, json.dumps(value), json.dumps(value, ensure_ascii=False)})
    return sorted({json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, separators=(",", ":"))})
