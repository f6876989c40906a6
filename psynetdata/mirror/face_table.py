"""One table of a face: follows its source, or is filled again."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Damaged, Problem

from .bulk_writer import delete, in_chunks, insert, rows_of
from .conversion import Converter, model_of
from .face_names import column_names
from .prepared_rows import Identified, PreparedRows
from .protocols import Filling, Pair, RowFilter, RowFilters, SourceTables
from .row_runs import Run, by_id, by_text, merge

OnProgress = Callable[[str, int], None] | None


class _Miscounted(Problem):
    """A table of the mirror does not have the same number of rows as its source."""


def is_shown(shown: MirroredTable | None, deployment: Deployment, state: str, name: str) -> bool:
    """Return whether the face shows this state of a table, its rows filled under this name of a transform."""
    return shown is not None and shown.state == state and _name_of(shown, deployment) == name


def _start_of_name(deployment: Deployment, ids: bool) -> str:
    return f"clock={deployment.clock};ids={ids};"


def _name_of(shown: MirroredTable, deployment: Deployment) -> str | None:
    """Return the transform's part of the name under which rows were filled; None if the clock was different."""
    starts = (_start_of_name(deployment, ids) for ids in (True, False))
    return next((shown.transform.removeprefix(start) for start in starts if shown.transform.startswith(start)), None)


def _length(pair: Pair) -> int:
    return len(pair[1])


class FaceTable:
    """Updates one table of a face. `name`: the table's name on the face."""

    def __init__(
        self,
        face: str,
        deployment: Deployment,
        source: SourceTables,
        transform: Filling,
        table: str,
        on_progress: OnProgress,
        prepared: PreparedRows | None,
        *,
        name: str,
    ):
        self.face, self.deployment, self.source, self.transform = face, deployment, source, transform
        self.table, self.on_progress, self.prepared = table, on_progress, prepared
        self.name, self.model = name, model_of(table)
        self.columns, ids = source.columns(table), source.has_ids(table)
        self.names = column_names(table, (column.name for column in self.columns), transform.name_of)
        shown = [replace(column, name=self.names[column.name]) for column in self.columns]
        self.listed = [[column.name, column.type, column.not_null] for column in shown]
        self.start_of_name = _start_of_name(deployment, ids)
        self.numbered = by_id(self.columns) if ids else by_text
        self.converter = Converter(name, deployment.number, shown, deployment.clock)
        self.changing = transform.table(table, self.columns) if transform.table else None
        self.done = 0
        self.classes: Counter[str] = Counter()

    def prepare(self, shown: MirroredTable | None) -> None:
        """Transform the rows that `bring` is going to insert, except for those that it has to redo."""
        follows, _ = self._way(shown)
        try:
            self._prepare(shown.state if follows else None)
        except Damaged:
            if not follows:
                raise
            self._prepare(None)

    def bring(self, shown: MirroredTable | None) -> int:
        """Update the table and return its number of rows. It is rebuilt if it cannot follow from the state `shown`."""
        follows, again = self._way(shown)
        if not (follows and self._follow(shown, again)):
            self.classes.clear()
            if shown:
                rows_of(self.face, self.model, self.name, self.deployment.number)._raw_delete(self.face)
            self._apply(None)
            self._count()
        self._note()
        return self.source.row_count(self.table)

    def _way(self, shown: MirroredTable | None) -> tuple[bool, RowFilters | None]:
        """Return whether the table can follow from the state that is shown, and what finds rows to redo."""
        if not shown or shown.columns != self.listed or not shown.transform.startswith(self.start_of_name):
            return False, None
        old_name = shown.transform.removeprefix(self.start_of_name)
        if old_name == self.transform.name:
            return True, None
        again = self.transform.since(old_name)
        return again is not None, again

    def _prepare(self, old: str | None) -> None:
        for number, (before, after) in enumerate(self.source.changes(self.table, old)):
            self.done += self.prepared.keep(self._part(old, number), self._transformed(self._new(before, after)))

    def _part(self, old: str | None, number: int) -> str:
        """Return a name for the rows of one change since the old state, made from all that they depend on."""
        states = (old, self.source.state(self.table))
        return repr((self.table, self.listed, self.start_of_name, self.transform.name, states, number))

    def _follow(self, shown: MirroredTable, again: RowFilters | None) -> bool:
        """Apply the changes since the old state. Returns False, without changes, if that is not possible.

        This happens if the old state cannot be read or does not lead to the new one.
        """
        old, self.classes = shown.state, Counter(shown.classes)
        try:
            with transaction.atomic(using=self.face):
                self._apply(old)
                if picker := again and again.for_table(self.table, self.columns):
                    self._redo(picker, old)
                self._count()
        except (Damaged, _Miscounted):
            return False
        return True

    def _apply(self, old: str | None) -> None:
        """Read the same two runs twice, for deletions and then for insertions, so that neither is kept in memory."""
        for number, (before, after) in enumerate(self.source.changes(self.table, old)):
            if before is not None:
                gone = (identity for side, identity, _ in self._merged(before, after) if side == "old")
                self._delete(gone)
            rows = self.prepared.rows(self._part(old, number)) if self.prepared and self.changing else None
            self._insert(self._transformed(self._new(before, after)) if rows is None else self._watched(rows))

    def _redo(self, picker: RowFilter, old: str) -> None:
        """Redo rows whose source is the same, but whose transformation changed."""

        def unchanged() -> Iterator[Pair]:
            for before, after in self.source.changes(self.table, old):
                if before is not None and after is not None:
                    yield from ((name, record) for side, name, record in self._merged(before, after) if side == "same")
            for run, blocks in self.source.same(self.table, old):
                if self.on_progress:
                    self.on_progress(self.table, self.done)
                if not picker.passes(blocks()):
                    yield from ((name, record) for _, name, record in self.numbered(run()))

        for some in in_chunks(picker.affected(self._watched(unchanged())), _length):
            self._delete(identity for identity, _ in some)
            self._insert(self._transformed(some))

    def _new(self, before: Run | None, after: Run | None) -> Iterator[Pair]:
        return ((identity, record) for side, identity, record in self._merged(before, after) if side == "new")

    def _merged(self, before: Run | None, after: Run | None) -> Iterator[tuple[str, str, bytes]]:
        return merge(self.numbered(before() if before else ()), self.numbered(after() if after else ()))

    def _delete(self, identities: Iterable[str]) -> None:
        self.classes -= delete(self.face, self.model, self.name, self.deployment.number, identities)

    def _insert(self, rows: Iterable[Identified]) -> None:
        self.done += insert(self.face, self.model, self.converter.fields, self._values(rows))

    def _values(self, rows: Iterable[Identified]) -> Iterator[list]:
        for identity, cells in rows:
            values = self.converter.values(cells, identity)
            self.classes[values[self.converter.class_at]] += 1
            yield values

    def _transformed(self, pairs: Iterable[Pair]) -> Iterator[Identified]:
        for chunk in in_chunks(self._watched(pairs), _length):
            rows: Sequence[Sequence[str]] = csvtext.block_rows(b"".join(record + b"\n" for _, record in chunk))
            if self.changing:
                rows = self.changing.block(rows)
            for (identity, _), row in zip(chunk, rows, strict=True):
                yield identity, csvtext.with_null(row)

    def _watched(self, rows: Iterable[Any]) -> Iterator[Any]:
        for number, row in enumerate(rows):
            if self.on_progress and number % 1000 == 0:
                self.on_progress(self.table, self.done + number)
            yield row

    def _count(self) -> None:
        actual = rows_of(self.face, self.model, self.name, self.deployment.number).count()
        count = self.source.row_count(self.table)
        if actual != count or self.classes.total() != count:
            raise _Miscounted(
                f"The mirror's table {self.table} would have {actual} rows, but its source has {count}; "
                "nothing was changed."
            )

    def _note(self) -> None:
        MirroredTable.objects.using(self.face).update_or_create(
            deployment_number=self.deployment.number,
            table=self.name,
            defaults={
                "state": self.source.state(self.table),
                "transform": self.start_of_name + self.transform.name,
                "columns": self.listed,
                "rows": self.source.row_count(self.table),
                "classes": self.classes,
                "withheld": sorted(self.names[name] for name in self.changing.withheld) if self.changing else [],
            },
        )
