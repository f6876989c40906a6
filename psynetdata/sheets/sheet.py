"""A sheet: one named table of basic data. It has a header, a total, and rows that stream in the order of ids."""

import base64
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from django.db.models import Q, QuerySet

from psynetdata.models import Record
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import UsageError

from . import kinds
from .filters import equals, parse
from .shape import Shape

CLASS = "class"
# Rows fetched at once. What is held is a chunk, so few enough for rows with long texts.
_CHUNK = 500


class Sheet:
    """The rows of a table, or of one class in it, on one face.

    `fields`: the columns to give, all without; `filters`: {column: texts of which one must fit}.
    Raises UsageError that lists the columns when one is unknown, also when it is withheld.
    """

    def __init__(
        self,
        name: str,
        shape: Shape,
        class_name: str | None = None,
        *,
        fields: list[str] | None = None,
        filters: dict[str, list[str]] | None = None,
    ):
        self.name = name
        self.shape = shape
        self.class_name = class_name
        self.columns = [*shape.columns, CLASS]
        self._check([*(fields or ()), *(filters or ())])
        self.header = list(dict.fromkeys(fields)) if fields else self.columns
        self._conditions = filters or {}

    @property
    def withheld(self) -> list[str]:
        return sorted(self.shape.withheld)

    @property
    def state(self) -> str:
        """Names the state of the rows behind the sheet: same name, same rows."""
        return self.shape.state

    def total(self) -> int:
        if self.class_name is None and not self._conditions:
            return self.shape.total
        return self._rows().order_by().count()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Dictionaries ready for JSON: decoded, times ISO 8601 in UTC, null for NaN."""
        for _, row in self._as_json(self._rows()):
            yield row

    def records(self) -> Iterator[Row]:
        """Cells in the order of `header`, as class files write them."""
        return (cells for _, cells in self._as_csv(self._rows()))

    def page(self, cursor: str | None, limit: int, *, csv: bool = False) -> tuple[list, str | None]:
        """(up to `limit` rows after the cursor, the next page's cursor or None). Stable while rows come in."""
        rows = self._after(self._rows(), cursor) if cursor else self._rows()
        read = self._as_csv if csv else self._as_json
        found = list(islice(read(rows[: limit + 1]), limit + 1))
        last = found[limit - 1][0] if len(found) > limit else None
        return [row for _, row in found[:limit]], last and _cursor(last)

    def find(self, row_id: str) -> dict[str, Any] | None:
        """The row with PsyNet's id, or None."""
        if "id" not in self.columns:
            return None
        if self.shape.model is not Record and not (row_id.isascii() and row_id.isdecimal() and len(row_id) < 19):
            return None
        found = self._rows().filter(id=row_id if self.shape.model is Record else int(row_id))
        return next((row for _, row in self._as_json(found[:1])), None)

    def _check(self, names: list[str]) -> None:
        if unknown := sorted(set(names) - set(self.columns)):
            known = ", ".join(self.columns)
            raise UsageError(f"The sheet {self.name} has no column {', '.join(unknown)[:100]}; it has {known}.")

    def _rows(self) -> QuerySet:
        found = self.shape.rows()
        if self.class_name is not None:
            found = found.filter(class_name=self.class_name)
        for column, texts in self._conditions.items():
            if column == CLASS:
                found = found.filter(class_name__in=texts)
                continue
            wanted = Q()
            for text in texts:
                condition, aliases = equals(self.shape, column, parse(text, column, self.shape.kinds[column]))
                found = found.alias(**aliases)
                wanted |= condition
            found = found.filter(wanted)
        return found

    def _as_json(self, rows: QuerySet) -> Iterator[tuple[tuple, dict[str, Any]]]:
        for position, cells in self._read(rows, kinds.json_of_typed, kinds.json_of):
            yield position, dict(zip(self.header, cells, strict=True))

    def _as_csv(self, rows: QuerySet) -> Iterator[tuple[tuple, Row]]:
        return self._read(rows, kinds.csv_of_typed, kinds.csv_of)

    def _read(self, rows: QuerySet, of_typed, of_text) -> Iterator[tuple[tuple, list]]:
        """(where the row stands in the order, its cells) of each row.

        `of_typed` and `of_text` make what converts a typed value, and a text kept in `rest`.
        """
        fields, clock = self.shape.model.typed_fields(), self.shape.deployment.clock
        names = [name for name in self.header if name in fields]
        plan = []
        for name in self.header:
            kind = self.shape.kinds.get(name, kinds.PLAIN)
            typed = of_typed(kind, fields[name]) if name in fields else None
            plan.append((name, names.index(name) if name in fields else None, typed, of_text(kind, clock)))
        wanted = rows.values_list("key", "id", "class_name", "rest", *names)
        for key, row_id, class_name, rest_text, *values in wanted.iterator(chunk_size=_CHUNK):
            rest = orjson.loads(rest_text)
            rest[CLASS] = class_name
            cells = []
            for name, index, typed, text in plan:
                if name in rest:  # it says more than the typed value, if there is one
                    value, convert = rest[name], text
                else:
                    value, convert = None if index is None else values[index], typed
                cells.append(value if convert is None or value is None else convert(value))
            yield ("" if row_id is None else row_id, key), cells

    def _after(self, rows: QuerySet, cursor: str) -> QuerySet:
        row_id, key = _position(cursor)
        if self.shape.model is not Record:
            if not _is_whole(row_id):
                raise _bad_cursor()
            return rows.filter(key__gt=self.shape.model.make_key(self.shape.deployment.number, row_id))
        if not _is_text(row_id):
            raise _bad_cursor()
        longer = Q(id_length__gt=len(row_id)) | Q(id_length=len(row_id), id_text__gt=row_id)
        return rows.filter(longer | Q(id_text=row_id, key__gt=key))


def _cursor(position: tuple) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[Any, int]:
    """(row id, key) of the row after which a page starts. Anyone can write one, so the id is still to be checked."""
    try:
        row_id, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise _bad_cursor() from None
    if not _is_whole(key):
        raise _bad_cursor()
    return row_id, key


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _is_text(value: Any) -> bool:
    """A text that a database can be asked for: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in value)


def _bad_cursor() -> UsageError:
    return UsageError("The cursor is not one of this sheet's; start without it, and follow the `next` links.")
