"""The shape of a mirrored table of one deployment on one face: its columns, their kinds, which are withheld."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import models
from django.db.models.functions import Coalesce, Length

from psynetdata.mirror.conversion import model_of
from psynetdata.models import Deployment, MirroredTable, MirrorModel, Record
from psynetdata.models.mirror.base import KEY_BITS
from psynetdata.psynet.column_roles import Role, columns_with_role

from . import value_types

# Number of rows that are read to guess the kind of a column of unknown type.
_LOOK = 10_000


class RestColumn(models.Func):
    """The text of a source column that has no field of its own."""

    output_field = models.TextField()

    def __init__(self, column: str):
        super().__init__(models.F("rest"))
        self.column = column

    def as_sqlite(self, compiler, connection, **context):
        inner, parameters = compiler.compile(self.source_expressions[0])
        quoted = self.column.replace('"', '\\"')
        return f"json_extract({inner}, %s)", [*parameters, f'$."{quoted}"']

    def as_postgresql(self, compiler, connection, **context):
        inner, parameters = compiler.compile(self.source_expressions[0])
        return f"(({inner})::json ->> %s)", [*parameters, self.column]


@dataclass(frozen=True)
class TableShape:
    """A table in its current state on a face. `using` is the face's database alias."""

    deployment: Deployment
    using: str
    table: str
    all_columns: tuple[tuple[str, str | None], ...]
    withheld: frozenset[str]
    total: int
    # Identifies the state of the rows: the same name means the same rows.
    state: str

    @classmethod
    def from_mirror(cls, deployment: Deployment, using: str, row: MirroredTable) -> "TableShape":
        columns = tuple((name, type_name) for name, type_name, _ in row.columns)
        state = f"{row.table}={row.state}/{row.transform}"
        return cls(deployment, using, row.table, columns, frozenset(row.withheld), row.rows, state)

    @property
    def model(self) -> type[MirrorModel]:
        return model_of(self.table)

    @cached_property
    def columns(self) -> list[str]:
        """The visible columns in the source's order, without the withheld ones and Dallinger's unused ones."""
        names = [name for name, _ in self.all_columns]
        # Dallinger's own classes, which have no `vars`, write all their columns (psynet/classfile/rows.py).
        hidden = self.withheld | set(columns_with_role(Role.SPARE, self.table) if "vars" in names else ())
        return [name for name in names if name not in hidden]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """{column: kind} of all columns; unknown kinds are guessed from the first rows."""
        fields = self.model.typed_fields()
        kinds = {name: value_types.kind_of(name, type_name, fields.get(name)) for name, type_name in self.all_columns}
        untold = tuple(name for name, kind in kinds.items() if kind is None)
        return kinds | (_guessed(self.using, self.deployment.number, self.table, self.state, untold) if untold else {})

    def is_exact(self, column: str) -> bool:
        """Return whether our own field holds every value of the column, so that `rest` is never needed."""
        field, type_name = self.model.typed_fields().get(column), dict(self.all_columns).get(column)
        if isinstance(field, models.TextField):
            return True
        whole = isinstance(field, models.IntegerField) and type_name in ("int2", "int4", "int8")
        return whole or (isinstance(field, models.BooleanField) and type_name == "bool")

    def rows(self) -> models.QuerySet:
        """Return the table's rows of this deployment, ordered by PsyNet's id."""
        number, everything = self.deployment.number, self.model.objects.using(self.using)
        if self.model is Record:
            rows = everything.filter(deployment_number=number, table=self.table)
            # A Record's id is text: sorted by length first, whole numbers are in the right order.
            text = Coalesce("id", models.Value(""), output_field=models.TextField())
            return rows.alias(id_text=text, id_length=Length(text)).order_by("id_length", "id_text", "key")
        first = number << KEY_BITS
        return everything.filter(key__gte=first, key__lt=first + (1 << KEY_BITS)).order_by("key")

    def value(self, row: MirrorModel, column: str) -> Any:
        """Return a column of a row as a Python value: typed, or decoded; times are aware and in UTC."""
        value = getattr(row, column) if column in row.typed_fields() else None
        if value is None:  # if there is a typed value, a text in `rest` is only another form of it
            value = row.rest_columns.get(column)
        return (
            value_types.value_of(value, self.kinds[column], self.deployment.clock) if isinstance(value, str) else value
        )


class Shapes(dict[str, TableShape]):
    """{table: its shape}: all mirrored tables of a deployment on one face."""

    def __init__(self, deployment: Deployment, using: str, rows: Iterable[MirroredTable]):
        super().__init__((row.table, TableShape.from_mirror(deployment, using, row)) for row in rows)
        self._deployment, self._using = deployment, using

    @property
    def state(self) -> str:
        """Names the state of all rows: the same name, the same rows."""
        return "\n".join(shape.state for shape in self.values())

    def __missing__(self, table: str) -> TableShape:
        """A table that is not mirrored has no columns and no rows."""
        return TableShape(self._deployment, self._using, table, (), frozenset(), 0, f"{table}=")


@lru_cache(maxsize=256)
def _guessed(using: str, number: int, table: str, state: str, untold: tuple[str, ...]) -> dict[str, str]:
    """Return the guessed kinds {column: kind}. `state` is only a part of the cache key."""
    model = model_of(table)
    rows = model.objects.using(using).filter(deployment_number=number)
    if model is Record:
        rows = rows.filter(table=table)
    typed = [name for name in untold if name in model.typed_fields()]
    guesses = {name: value_types.Guess() for name in untold}
    for rest, *values in rows.order_by("key").values_list("rest", *typed)[:_LOOK].iterator(chunk_size=500):
        cells = dict(zip(typed, values, strict=True)) | json.loads(rest)
        for name, guess in guesses.items():
            cell = cells.get(name)
            if cell is not None and not guess.is_settled:
                guess.add(cell)
    return {name: guess.kind for name, guess in guesses.items()}
