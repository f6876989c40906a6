"""`order=-creation_time,id`, and cursors, which mark the start of a page in any order. NULL always comes last."""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import F, Q, QuerySet

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.columns.sheet_columns import SheetColumn


@dataclass(frozen=True)
class Term:
    """One column that rows are ordered by, under the alias `name` in the query."""

    name: str
    expression: Any
    descending: bool = False

    def after(self, value: Any) -> Q | None:
        """Return the condition for rows that come after a row with this value; None if there cannot be any."""
        if value is None:
            return None
        return Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value}) | Q(**{f"{self.name}__isnull": True})

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})


class Order:
    """The order of rows: the requested columns, then PsyNet's ids (`last`), which make it unique."""

    def __init__(self, asked: list[str], last: list[Term], columns: dict[str, SheetColumn]):
        self.asked = tuple(asked)
        self.by = [(_column(name, columns), name.startswith("-")) for name in asked]
        terms = (Term(f"by_{number}", column.expression, down) for number, (column, down) in enumerate(self.by))
        self.terms = [*terms, *last]

    @property
    def in_python(self) -> bool:
        """Whether the database cannot sort this way. Then `apply` and `after` cannot be used
        (see psynetdata.sheets.query.value_order)."""
        return not all(column.ordered for column, _ in self.by)

    def apply(self, rows: QuerySet) -> QuerySet:
        by = [
            F(term.name).desc(nulls_last=True) if term.descending else F(term.name).asc(nulls_last=True)
            for term in self.terms
        ]
        return rows.alias(**self._aliases).order_by(*by) if self.asked else rows

    def after(self, rows: QuerySet, everything: QuerySet, key: int) -> QuerySet:
        """Return the rows that follow the row with our key, which is looked up in `everything`."""
        if [term.name for term in self.terms] == ["key"]:
            return rows.filter(key__gt=key)
        position = everything.filter(key=key).annotate(**self._values).values_list(*self._values).first()
        if position is None:
            raise row_is_gone()
        later, same = Q(), Q()
        for term, value in zip(self.terms, position, strict=True):
            following = term.after(value)
            if following is not None:
                later |= same & following
            same &= term.same(value)
        return rows.alias(**self._aliases).filter(later)

    @property
    def _aliases(self) -> dict[str, Any]:
        return {term.name: term.expression for term in self.terms if term.expression is not None}

    @property
    def _values(self) -> dict[str, Any]:
        return {f"at_{number}": term.expression or F(term.name) for number, term in enumerate(self.terms)}


def _column(name: str, columns: dict[str, SheetColumn]) -> SheetColumn:
    column = columns.get(name.removeprefix("-"))
    if column is None:
        raise UsageError(
            f"Rows cannot be ordered by {name[:60]!r}; use {', '.join(columns)}, with a - for descending order."
        )
    return column


def row_is_gone() -> UsageError:
    return UsageError("The row before this page no longer exists; start again without a cursor.")


def write_cursor(sheet: str, order: Order, key: int) -> str:
    """Return a signed cursor. It names the last row of a page by our own key, never by a value: URLs end up in logs."""
    return _signer().sign_object([sheet, list(order.asked), key])


def read_cursor(cursor: str, sheet: str, order: Order) -> int:
    """Return the key in a cursor; raises UsageError for a cursor of another sheet or order."""
    try:
        content = _signer().unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        content = None
    if not content or content[:2] != [sheet, list(order.asked)]:
        raise UsageError(
            "The cursor does not belong to this sheet in this order; start without it, and follow the `next` links."
        )
    return content[2]


def _signer() -> signing.Signer:
    return signing.Signer(salt="psynetdata.sheets.cursor")
