"""The columns of a sheet: columns of its table, columns that PsyNet adds, joined ones, and the keys of its objects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast

from psynetdata.models import Node, Participant, Record
from psynetdata.models.mirror.base import KEY_BITS, MirrorModel
from psynetdata.psynet.tables import base_class

from . import object_keys, value_types
from .table_shape import RestColumn, Shapes, TableShape

CLASS, CHANGE = "class", "change"
# PsyNet's class of artificial participants, and the usual names of experimenters' own classes.
_BOTS = Q(class_name="Bot") | Q(class_name__endswith="Bot")
_TEXT = models.TextField()


@dataclass(frozen=True)
class SheetColumn:
    """`expression` returns its value in the database; None if only Python can compute it (a key of an object).

    `field`: our typed field that holds it. `computed`: it is not a column of the source. `path`: the part of its JSON
    value that is shown: keys of objects and indexes of lists. `source`: the column or key that it is made from, if
    that has a different name. `told`: {identity of a row in the mirror: the value}, if the values come from outside.
    """

    name: str
    kind: str
    expression: models.Expression | F | None = None
    field: models.Field | None = None
    computed: bool = False
    unpacked: bool = False
    told: Mapping[str, str] | None = None
    path: tuple[str, ...] = ()
    source: str = ""

    @property
    def source_name(self) -> str:
        return self.source or self.name

    @property
    def in_python(self) -> bool:
        """Whether only Python can compute its value."""
        return self.unpacked or bool(self.path) or self.told is not None

    @property
    def ordered(self) -> bool:
        """Whether the database can sort by it: numbers as numbers, times as times, texts as texts.

        It cannot sort any JSON values: there, too, ten must come after nine.
        """
        return not self.in_python and self.kind != value_types.VALUE and (self.field is not None or self.computed)


def columns_of(
    shapes: Shapes, shape: TableShape, class_name: str | None, wanted: set[str] | None
) -> dict[str, SheetColumn]:
    """Return {name: Column} of a sheet, in the order of its header.

    `wanted`: requested names; None means all. Finding the keys of objects requires reading all rows, so keys are left
    out if none is requested.
    """
    columns = {name: _stored(shape, name) for name in shape.columns}
    for column in (*_added(shape), *_joined(shapes, shape)):
        if column.name == "type" or column.name not in columns:
            columns[column.name] = column
    if wanted is not None and wanted <= columns.keys():
        return columns
    for key in object_keys.columns(shape, class_name):
        if key not in columns:
            columns[key] = SheetColumn(key, value_types.VALUE, unpacked=True)
    return columns


def change(shape: TableShape, values: Mapping[str, str]) -> SheetColumn:
    """Return the column with a row's change since another moment; `told`: {identity in the mirror: change}."""
    identity = F("identity") if shape.model is Record else Cast("id", _TEXT)
    return SheetColumn(CHANGE, value_types.PLAIN, identity, computed=True, told=values)


def renamed(column: SheetColumn, name: str, path: tuple[str, ...] = ()) -> SheetColumn:
    """Return the column, or the part of its value at a path, under another name."""
    if path:
        return replace(column, name=name, source=column.source_name, path=path, kind=value_types.VALUE)
    return replace(column, name=name, source=column.source_name)


def _stored(shape: TableShape, name: str) -> SheetColumn:
    field_of = shape.model.typed_fields().get(name)
    return SheetColumn(name, shape.kinds[name], F(name) if field_of else RestColumn(name), field_of)


def _added(shape: TableShape):
    """Yield the columns that PsyNet's class files add to the table's columns; `type` is shown as they show it."""
    names = {name for name, _ in shape.all_columns}
    if "type" in shape.columns:
        yield SheetColumn("type", value_types.PLAIN, _shown_type(shape), computed=True)
    # Dallinger calls a request's creation_time `time` (dallinger.models.Request.__json__).
    if shape.table == "request" and "creation_time" in shape.columns:
        yield SheetColumn("time", value_types.TIME, F("creation_time"), models.DateTimeField(), computed=True)
    yield SheetColumn(CLASS, value_types.PLAIN, F("class_name"), computed=True)
    if "vars" in names:  # Dallinger's own classes have no `vars`, and no object_type either
        yield SheetColumn(
            "object_type", value_types.PLAIN, Value(base_class(shape.table), output_field=_TEXT), computed=True
        )


def _shown_type(shape: TableShape) -> models.Expression:
    """Return the class's name, but TrialSource for the first node of a chain."""
    whens = [When(type__isnull=True, then=Value(None))]
    if shape.table == "node":
        whens.append(When(Q(class_name="GenericTrialNode") | Q(degree=0), then=Value("TrialSource")))
    return Case(*whens, default=F("class_name"), output_field=_TEXT)


def _joined(shapes: Shapes, shape: TableShape):
    """Yield columns that people would otherwise join by hand: is_bot, the worker id, a trial's node definition."""
    bool_field = models.BooleanField()
    people = shapes["participant"]
    if shape.table == "participant":
        is_bot = Case(When(_BOTS, then=Value(True)), default=Value(False), output_field=bool_field)
        yield SheetColumn("is_bot", value_types.BOOL, is_bot, bool_field, computed=True)
    elif "participant_id" in shape.columns and people.all_columns:
        theirs = _row_of(Participant, shape, "participant_id")
        is_bot = Case(
            When(participant_id__isnull=True, then=Value(None)),
            default=Exists(theirs.filter(_BOTS)),
            output_field=bool_field,
        )
        yield SheetColumn("is_bot", value_types.BOOL, is_bot, bool_field, computed=True)
        if "worker_id" in people.columns:
            yield _from("participant_worker_id", people, "worker_id", theirs)
    nodes = shapes["node"]
    if shape.table == "info" and "node_id" in shape.columns and "definition" in nodes.columns:
        yield _from("node_definition", nodes, "definition", _row_of(Node, shape, "node_id"))


def _row_of(model: type[MirrorModel], shape: TableShape, column: str) -> models.QuerySet:
    first = shape.deployment.number << KEY_BITS
    return model.objects.using(shape.using).filter(key=first + OuterRef(column))


def _from(name: str, shape: TableShape, column: str, rows: models.QuerySet) -> SheetColumn:
    value = Subquery(rows.values(column)[:1], output_field=_TEXT)
    return SheetColumn(name, shape.kinds[column], value, models.TextField(), computed=True)
