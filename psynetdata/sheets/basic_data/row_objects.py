"""`Trial.query` and similar: PsyNet's query interface for the mirror.

`Trial.query.filter_by(failed=False).all()` is a Django queryset of the current scope's deployment and
face. It yields row objects whose attributes are the source's columns: JSON decoded, times in UTC.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.query import ModelIterable

from psynetdata.models.mirror.base import MirrorModel
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.tables import keys_by_name
from psynetdata.sheets.columns.table_shape import TableShape
from psynetdata.sheets.query.filters import alias_of, equals

from .scope import Scope, current

# Number of rows whose related rows are fetched in one query when one of them is accessed.
_PEERS = 500
# Largest result that is cached for a second loop over it; a larger one is read again by each loop.
_KEPT = 20_000


def _refuse(what: str) -> UsageError:
    return UsageError(
        f"{what} is an SQLAlchemy expression, which sheets do not support; write filter_by(failed=False) for equality, "
        "or use Django's lookups, like filter(id__gt=3) or order_by('-id')."
    )


class Expression:
    """The value of `Trial.failed`: any use raises an error, because SQLAlchemy's expressions do not work here."""

    def __init__(self, name: str):
        self._name = name

    def _refused(self, *args):
        raise _refuse(self._name)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __and__ = __or__ = __invert__ = __add__ = __sub__ = _refused
    __getitem__ = __call__ = __bool__ = __neg__ = _refused
    __hash__ = object.__hash__

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _refuse(f"{self._name}.{name}")


class RowType(type):
    """The metaclass of the row classes: has `query`, and treats any other attribute as a column."""

    @property
    def query(cls) -> "Rows":
        return cls.query_in(current())

    def query_in(cls, scope: Scope) -> "Rows":
        shape = scope.catalogue.shape(cls.TABLE)
        plain = shape.rows() if cls.CLASS is None else shape.rows().filter(class_name=cls.CLASS)
        rows = Rows(shape.model, plain.query, scope.using)
        rows._be_in(scope, shape, cls)
        return rows

    def __getattr__(cls, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return Expression(f"{cls.__name__}.{name}")


class RowIterable(ModelIterable):
    """Yields row objects instead of models; each has a list of the rows that were read with it."""

    def __iter__(self) -> Iterator["Row"]:
        rows: Rows = self.queryset
        models_found = super().__iter__()
        while chunk := list(islice(models_found, _PEERS)):
            peers: list[Row] = []
            peers.extend(rows._row_type(model, rows._scope, rows._shape, peers) for model in chunk)
            yield from peers


class Rows(QuerySet):
    """A queryset of rows, with PsyNet's `filter_by`, `one` and `one_or_none` in addition to Django's methods."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._iterable_class = RowIterable

    def _be_in(self, scope: Scope, shape: TableShape, row_type: type["Row"]) -> None:
        self._scope, self._shape, self._row_type = scope, shape, row_type

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows. The result is cached for the next loop, as in Django, unless it is large."""
        if self._result_cache is not None or self._iterable_class is not RowIterable:
            return super().__iter__()
        return self._streamed()

    def _streamed(self) -> Iterator["Row"]:
        kept: list[Row] | None = []
        for row in self.iterator(chunk_size=_PEERS):
            if kept is not None:
                kept.append(row)
                if len(kept) > _KEPT:
                    kept = None
            yield row
        self._result_cache = kept

    def _clone(self):
        clone = super()._clone()
        clone._be_in(self._scope, self._shape, self._row_type)
        return clone

    def filter_by(self, **conditions) -> "Rows":
        """Return rows whose columns equal the values; None is NULL."""
        rows = self._chain()
        if not self._shape.kinds:
            return rows  # a table that does not exist has no rows
        for column, value in conditions.items():
            condition, aliases = equals(self._shape, self._column(column), value)
            rows = QuerySet.filter(rows.alias(**aliases), condition)
        return rows

    def filter(self, *args, **conditions) -> "Rows":
        """Django's filter, for any column of the source; conditions without a lookup are `filter_by`."""
        for expression in args:
            if not isinstance(expression, Q | models.expressions.Combinable | models.lookups.Lookup):
                raise _refuse("The argument of filter()")
        rows = QuerySet.filter(self, *args) if args else self._chain()
        for name, value in conditions.items():
            column, *lookup = (name,) if name in self._shape.kinds else name.split("__")
            if column == "pk" or not lookup or lookup == ["exact"]:
                rows = rows.filter_by(**{"id" if column == "pk" else column: value})
            elif self._shape.kinds:
                alias, aliases = alias_of(self._shape, self._column(column))
                rows = QuerySet.filter(rows.alias(**aliases), **{"__".join((alias, *lookup)): value})
        return rows

    def order_by(self, *names) -> "Rows":
        for name in names:
            if isinstance(name, Expression):
                raise _refuse(name._name)
        return super().order_by(*names)

    def get(self, *args, **conditions) -> "Row | None":
        """`get(3)` as in SQLAlchemy: by id, None if there is none; with conditions Django's get."""
        if args and not conditions and isinstance(args[0], int):
            return self.filter_by(id=args[0]).first()
        return super().get(*args, **conditions)

    def one(self) -> "Row":
        """Return the only row; raises the model's DoesNotExist or MultipleObjectsReturned."""
        return super().get()

    def one_or_none(self) -> "Row | None":
        return super().get() if self[:1] else None

    def _column(self, name: str) -> str:
        if name not in self._shape.kinds:
            known = ", ".join(sorted(self._shape.kinds)) or "none, as it is not mirrored"
            raise UsageError(f"Table {self._shape.table} has no column {name}; it has {known}.")
        return name


class Row(metaclass=RowType):
    """One row of the mirror; every column of PsyNet is an attribute."""

    TABLE: ClassVar[str] = ""
    CLASS: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "TABLE" not in cls.__dict__:
            # `class AnimalTrial(Trial)` in an experimenter's module means the class of that name.
            cls.CLASS = cls.__name__

    def __init__(self, model: MirrorModel, scope: Scope, shape: TableShape, peers: list["Row"]):
        self._model, self._scope, self._shape, self._peers = model, scope, shape, peers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_shape" not in self.__dict__:
            raise AttributeError(name)
        if name in self._shape.kinds:
            return self._shape.value(self._model, name)
        # `trial.participant` follows `participant_id`.
        key = keys_by_name().get(f"{name}_id")
        target = _ROW_TYPES.get(key.target) if key and key.target_column == "id" else None
        if target is not None and f"{name}_id" in self._shape.kinds:
            return self._follow(f"{name}_id", target)
        raise AttributeError(f"Table {self._shape.table} has no column {name}")

    @property
    def var(self) -> "Vars":
        """PsyNet's `participant.var.age`: the values that the experimenter stored in `vars`."""
        found = self.vars
        return Vars(found if isinstance(found, dict) else {})

    def __repr__(self) -> str:
        return f"<{self._model.class_name} {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self._model == other._model

    def __hash__(self) -> int:
        return hash(self._model)

    def _follow(self, column: str, target: type["Row"]) -> "Row | None":
        """Return the row whose id is in the column; one query fetches it for all rows that were read with this one."""
        known = self._scope.followed
        wanted = getattr(self, column)
        if not isinstance(wanted, int):
            return None
        if (target.TABLE, wanted) not in known:
            ids = {getattr(peer, column) for peer in self._peers} | {wanted}
            ids = {one for one in ids if isinstance(one, int) and (target.TABLE, one) not in known}
            rows_by_id = {row.id: row for row in target.query_in(self._scope).filter(id__in=ids)}
            known.update({(target.TABLE, one): rows_by_id.get(one) for one in ids})
        return known[target.TABLE, wanted]


class Vars:
    """The variables of a row, as attributes and as a dictionary."""

    def __init__(self, values: dict[str, Any]):
        self._found = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._found:
            raise AttributeError(f"there is no variable {name}")
        return self._found[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._found.get(name, default)

    def has(self, name: str) -> bool:
        return name in self._found


class Participant(Row):
    TABLE = "participant"


class Trial(Row):
    TABLE = "info"


class Response(Row):
    TABLE = "response"


class Asset(Row):
    TABLE = "asset"


class Node(Row):
    TABLE = "node"


class Network(Row):
    TABLE = "network"


_ROW_TYPES = {row_type.TABLE: row_type for row_type in (Participant, Trial, Response, Asset, Node, Network)}
