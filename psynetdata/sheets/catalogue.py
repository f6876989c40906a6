"""The sheets of a deployment: six built-in ones, one for each other table, one for each class."""

from functools import cached_property

from psynetdata.models import TYPED_MODELS, Deployment, MirroredTable, SavedSheet
from psynetdata.psynet.problems import Problem, UsageError

from .columns.table_shape import Shapes, TableShape
from .sheet import Sheet, View

# Sheet → table.
BUILT_IN = {
    "participant": "participant",
    "trial": "info",
    "response": "response",
    "asset": "asset",
    "node": "node",
    "network": "network",
}


# Tables whose columns also appear in the sheets of other tables.
_JOINED = ("participant", "node")


class UnknownSheet(Problem):
    """No sheet has this name. The API's answer contains `extra` and the sentence, which is PsyNet's own."""

    def __init__(self, sheets: list[str]):
        super().__init__("Invalid sheet parameter")
        self.extra = {"sheets": sheets}


class Catalogue:
    """The sheets of a deployment on a face. Use it and its sheets inside one `faces.reading(using)`."""

    def __init__(self, deployment: Deployment, using: str):
        self.deployment = deployment
        self.using = using
        tables = MirroredTable.objects.using(using).filter(deployment_number=deployment.number).order_by("table")
        self.shapes = Shapes(deployment, using, tables)
        # {(table, class): rows}
        self._classes = dict(sorted(((row.table, name), rows) for row in tables for name, rows in row.classes.items()))

    @cached_property
    def sources(self) -> dict[str, tuple[str, str | None]]:
        """{sheet: (table, class or None for all rows)}: first built-in sheets, then tables, then classes."""
        sources: dict[str, tuple[str, str | None]] = dict(self._tables)
        for table, class_name in self._classes:
            name = class_name if class_name not in sources else f"{class_name}__{table}"
            sources.setdefault(name, (table, class_name))
        return sources

    @property
    def state(self) -> str:
        return self.shapes.state

    def state_of(self, name: str) -> str:
        """Return a name for the state of the rows of a sheet, without reading any row."""
        if name not in self._tables:
            changed = SavedSheet.objects.filter(deployment=self.deployment, name__iexact=name)
            return "\n".join([self.state, *(f"{row.pk} {row.changed_at}" for row in changed)])
        tables = dict.fromkeys((self._tables[name][0], *_JOINED))
        return "\n".join(self.shapes[table].state for table in tables if table in self.shapes)

    def names(self) -> list[str]:
        return [*self.sources, *self.saved]

    def sheet(self, name: str, **choice) -> Sheet:
        """Return the sheet with exactly this name, or else the only one whose name differs only in case.

        `choice`: fields, filters and order, the arguments of Sheet. Raises UnknownSheet.
        """
        name = self._resolved(name)
        if name in self.saved:
            return self.assemble(self.saved[name], **choice)
        table, class_name = (self._tables if name in self._tables else self.sources)[name]
        return Sheet(name, self.shapes, self.shape(table), class_name, **choice)

    def tables_of(self, name: str) -> set[str] | None:
        """Return the tables that a sheet is made of; None if there is no such sheet now."""
        try:
            return {self.table_of(name), *_JOINED}
        except UnknownSheet:
            return None

    def table_of(self, name: str) -> str:
        """Return the table whose rows a sheet shows. Raises UnknownSheet."""
        name = self._resolved(name)
        if name in self.saved:
            name = self._resolved(self.saved[name].base)
        return (self._tables if name in self._tables else self.sources)[name][0]

    def assemble(self, saved: SavedSheet, **choice) -> Sheet:
        """Return the sheet that staff defined. Raises UsageError, UnknownSheet if it does not match the data."""
        base = self._resolved(saved.base)
        if base in self.saved:
            raise UsageError(f"{base} is itself a saved sheet; choose the sheet that its rows come from.")
        table, class_name = (self._tables if base in self._tables else self.sources)[base]
        view = View(tuple((name, path) for name, path in saved.columns), saved.filters, saved.order)
        return Sheet(saved.name, self.shapes, self.shape(table), class_name, view=view, **choice)

    def _resolved(self, name: str) -> str:
        known = self._tables if name in self._tables else {**self.sources, **self.saved}
        if name in known:
            return name
        alike = [other for other in known if other.lower() == name.lower()]
        if len(alike) != 1:
            raise UnknownSheet(self.names())
        return alike[0]

    @cached_property
    def saved(self) -> dict[str, SavedSheet]:
        """The deployment's saved sheets, by name, without those whose name is now also the name of a table or class."""
        rows = SavedSheet.objects.filter(deployment=self.deployment)
        return {row.name: row for row in rows if row.name not in self.sources}

    def built_in(self) -> list[Sheet]:
        return [self.sheet(name) for name in BUILT_IN]

    def totals(self) -> dict[str, int]:
        """Return {sheet: number of rows} of every sheet."""
        return {
            name: self.shape(table).total if class_name is None else self._classes[table, class_name]
            for name, (table, class_name) in self.sources.items()
        }

    def shape(self, table: str) -> TableShape:
        """Return the table's shape; one without columns and rows if it is not mirrored."""
        return self.shapes[table]

    @cached_property
    def _tables(self) -> dict[str, tuple[str, None]]:
        tables = {name: (table, None) for name, table in BUILT_IN.items()}
        for table in self.shapes:
            if table not in TYPED_MODELS:
                # An experimenter may have a table called `trial`.
                tables[table if table not in tables else f"{table}__table"] = (table, None)
        return tables
