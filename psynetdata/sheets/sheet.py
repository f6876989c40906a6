"""A sheet: one named table of basic data. It has a header, a total, and rows that stream in a stable order."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from psynetdata.models import Record
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import UsageError

from . import row_reader
from .columns import value_types
from .columns.sheet_columns import CLASS, SheetColumn, change, columns_of, renamed
from .columns.table_shape import Shapes, TableShape
from .query import value_order
from .query.conditions import LOOKUPS, Condition, condition_for
from .query.ordering import Order, Term, read_cursor, row_is_gone, write_cursor

__all__ = ["CLASS", "Sheet"]

_CHUNK = 500  # rows fetched at once by their keys


@dataclass(frozen=True)
class View:
    """A view of a sheet, defined by staff: `columns` are (name, column or path into one); the others as for Sheet."""

    columns: tuple[tuple[str, str], ...]
    filters: dict[str, list[str]]
    order: list[str]


class Sheet:
    """The rows of a table, or of one class in it, on one face.

    `fields`: the columns to show; all by default. `filters`: {column or column__lookup: texts}, all of which must
    match. `order`: columns, with a - for descending order. `changes`: {identity of a row in the mirror: its change};
    only these rows are shown, with `change` as the first column if `shows_change`. With a `view`, all parameters can
    use only its columns. Raises UsageError if a column is unknown or withheld; the error lists the columns and
    `known`, the other parameters.
    """

    def __init__(
        self,
        name: str,
        shapes: Shapes,
        shape: TableShape,
        class_name: str | None = None,
        *,
        fields: list[str] | None = None,
        filters: dict[str, list[str]] | None = None,
        order: list[str] | None = None,
        view: View | None = None,
        changes: Mapping[str, str] | None = None,
        shows_change: bool = False,
        known: tuple[str, ...] = (),
    ):
        self.name = name
        self.shape = shape
        self.class_name = class_name
        wanted = {*(fields or ()), *_columns_in(filters or (), order or ())}
        self._columns = columns_of(shapes, shape, class_name, None if view or not fields else wanted)
        self._known = known
        self._conditions: list[Condition] = []
        self._order = Order(view.order if view else [], self._last_terms, self._columns)
        if view:
            self._conditions += [self._condition(name, texts) for name, texts in view.filters.items()]
            # Withheld columns are left out, as in every other sheet.
            seen = [(name, path) for name, path in view.columns if path.split(".")[0] not in shape.withheld]
            self._columns = {name: self._part(name, path) for name, path in seen}
            if not seen:
                raise UsageError(f"All columns of the sheet {self.name} are withheld on this face.")
        if changes is not None:
            change_column = change(shape, changes)
            self._conditions.append(Condition(change_column, "isnull", ("false",)))
            if shows_change:
                self._columns = {change_column.name: change_column, **self._columns}
        self.header = list(dict.fromkeys(fields)) if fields else self.columns
        if unknown := [name for name in self.header if name not in self._columns]:
            raise self._no_column(unknown)
        self._conditions += [self._condition(name, texts) for name, texts in (filters or {}).items()]
        if order:
            self._order = Order(order, self._last_terms, self._columns)
        self._shapes, self._asked, self._changes = shapes, (class_name, view, filters), changes

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    @property
    def withheld(self) -> list[str]:
        return sorted(self.shape.withheld)

    def total(self) -> int:
        if self._python_conditions:
            return sum(1 for _ in self._read([], rows=self._filtered))
        if self.class_name is None and not self._conditions:
            return self.shape.total
        return self._filtered.order_by().count()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield dictionaries ready for JSON: decoded, times in ISO 8601 and UTC, null for NaN."""
        for _, cells in self._read(self._as(row_reader.AS_JSON)):
            yield dict(zip(self.header, cells, strict=True))

    def records(self) -> Iterator[Row]:
        """Yield cells in the order of `header`, as class files write them."""
        return (cells for _, cells in self._read(self._as(row_reader.AS_CSV)))

    def typed(self) -> tuple[list[str | None], Iterator[list]]:
        """Return (kind of each column of the header, rows).

        If the kind is known to be a number, a boolean or a time, values are as in `rows`; None means text, as in
        `records`.
        """
        known_types = {name for name, kind in self.shape.all_columns if kind is not None}
        kinds: list[str | None] = []
        for column in self.shown_columns:
            certain = column.computed or column.field is not None or column.name in known_types
            kinds.append(column.kind if certain and column.kind in value_types.TYPED else None)
        styles = [row_reader.AS_CSV if kind is None else row_reader.AS_JSON for kind in kinds]
        return kinds, (cells for _, cells in self._read(list(zip(self.shown_columns, styles, strict=True))))

    def page(self, cursor: str | None, limit: int, *, csv: bool = False) -> tuple[list, str | None]:
        """Return (up to `limit` rows after the cursor, the next page's cursor or None). Stable while rows are added."""
        after = read_cursor(cursor, self.name, self._order) if cursor else None
        columns = self._as(row_reader.AS_CSV if csv else row_reader.AS_JSON)
        read = self._read(columns, after=after, at_most=limit + 1)
        read_rows = list(islice(read, limit + 1))
        following = None
        if len(read_rows) > limit:
            following = write_cursor(self.name, self._order, read_rows[limit - 1][0])
        rows = [cells if csv else dict(zip(self.header, cells, strict=True)) for _, cells in read_rows[:limit]]
        return rows, following

    def find(self, row_id: str) -> dict[str, Any] | None:
        """Return the row with PsyNet's id, or None."""
        if "id" not in self._columns:
            return None
        if self.shape.model is not Record and not (row_id.isascii() and row_id.isdecimal() and len(row_id) < 19):
            return None
        rows = self._filtered.filter(id=row_id if self.shape.model is Record else int(row_id))
        read = self._read(self._as(row_reader.AS_JSON), rows=rows[:1])
        return next((dict(zip(self.header, cells, strict=True)) for _, cells in read), None)

    @property
    def is_of_database(self) -> bool:
        """Whether the database alone can select and order the rows."""
        return not (self._python_conditions or self._order.in_python)

    @property
    def ordered_rows(self) -> QuerySet:
        """The rows in their order, as far as the database can select and order them."""
        return self._order.apply(self._filtered)

    @property
    def shown_columns(self) -> list[SheetColumn]:
        return [self._columns[name] for name in self.header]

    def _as(self, style: row_reader.Style) -> list[tuple[SheetColumn, row_reader.Style]]:
        return [(column, style) for column in self.shown_columns]

    def _no_column(self, names: list[str]) -> UsageError:
        known = ", ".join(self.columns)
        beside = f"; the other parameters are {', '.join(self._known)}" if self._known else ""
        return UsageError(f"The sheet {self.name} has no column {', '.join(names)[:100]}; it has {known}{beside}.")

    def _part(self, name: str, path: str) -> SheetColumn:
        """Return a column under another name, or the part of one at a path like `definition.colour.0`."""
        if path in self._columns:
            return renamed(self._columns[path], name)
        column, *parts = path.split(".")
        if column not in self._columns:
            raise self._no_column([path])
        if not all(parts) or self._columns[column].kind in value_types.TYPED:
            raise UsageError(f"{path[:60]!r} is not a path into a column: write column.key, or column.key.0 in a list.")
        return renamed(self._columns[column], name, tuple(parts))

    def _condition(self, name: str, texts: list[str]) -> Condition:
        condition = condition_for(name, texts, self._columns)
        if condition is None:
            raise self._no_column([name])
        condition.check()
        return condition

    @cached_property
    def _last_terms(self) -> list[Term]:
        if self.shape.model is Record:
            return [Term("id_length", None), Term("id_text", None), Term("key", None)]
        return [Term("key", None)]

    @cached_property
    def _filtered(self) -> QuerySet:
        """The rows, as far as the database can select them, ordered by id."""
        rows = self.shape.rows()
        if self.class_name is not None:
            rows = rows.filter(class_name=self.class_name)
        for condition in self._conditions:
            if (asked := condition.in_database(self.shape)) is not None:
                rows = rows.alias(**asked[1]).filter(asked[0])
        return rows

    @cached_property
    def _python_conditions(self) -> list[Condition]:
        """Conditions that can only be tested on the values."""
        return [condition for condition in self._conditions if condition.in_database(self.shape) is None]

    def _read(
        self,
        columns: list[tuple[SheetColumn, row_reader.Style]],
        *,
        rows: QuerySet | None = None,
        after: int | None = None,
        at_most: int | None = None,
    ) -> Iterator[tuple[int, list]]:
        """Yield (our key, the cells) of each matching row; `after`: the key of the row before the first."""
        if rows is None and self._order.in_python:
            yield from self._in_sorted_order(columns, after, at_most or _CHUNK)
            return
        selected = self.ordered_rows if rows is None else rows
        if after is not None:
            selected = self._order.after(selected, self.shape.rows(), after)
        tested = self._python_conditions
        if at_most is not None and not tested:
            selected = selected[:at_most]
        wide = len(columns)
        columns = columns + [(condition.column, row_reader.AS_JSON) for condition in tested]
        for key, cells in row_reader.read(self.shape, selected, columns):
            if tested and not all(condition.test(value) for condition, value in zip(tested, cells[wide:], strict=True)):
                continue
            yield key, cells[:wide] if tested else cells

    def _in_sorted_order(
        self, columns: list[tuple[SheetColumn, row_reader.Style]], after: int | None, at_once: int
    ) -> Iterator[tuple[int, list]]:
        """Like `_read`, for an order that depends on the values."""
        # `changes` is a different dictionary each time, so such an order is not cached.
        keys = self._sorted() if self._changes is not None else value_order.cached_order(self._sort_request)
        try:
            start = 0 if after is None else keys.index(after) + 1
        except ValueError:
            raise row_is_gone() from None
        for first in range(start, len(keys), at_once):
            wanted = keys[first : first + at_once]
            rows = self.shape.rows().filter(key__in=wanted).order_by()
            cells_by_key = dict(row_reader.read(self.shape, rows, columns))
            yield from ((key, cells_by_key[key]) for key in wanted)

    @property
    def _sort_request(self) -> value_order.SortRequest:
        """The cache key of the rows and their order."""
        shape, asked = self.shape, repr((*self._asked, self._order.asked))
        whose = (shape.using, shape.deployment.number, shape.deployment.clock, self._shapes.state, shape.table)
        return value_order.SortRequest((*whose, asked), self._sorted)

    def _sorted(self) -> "array[int]":
        by = [(column, row_reader.AS_JSON) for column, _ in self._order.by]
        # Without the Z, a time with a fraction is sorted after the same time without one.
        times = [column.kind == value_types.TIME for column, _ in self._order.by]
        rows = (
            (key, [cell[:-1] if time and cell else cell for cell, time in zip(cells, times, strict=True)])
            for key, cells in self._read(by, rows=self._filtered)
        )
        return value_order.sorted_keys(rows, [descending for _, descending in self._order.by])


def _columns_in(filters: Iterable[str], order: Iterable[str]) -> Iterator[str]:
    """Yield the names of the columns in filters and an order; they may not exist."""
    for name in filters:
        column, _, lookup = name.rpartition("__")
        yield column if lookup in LOOKUPS and column else name
    yield from (name.removeprefix("-") for name in order)
