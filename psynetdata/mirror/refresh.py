"""Updates one face of one deployment to the state of its source tables, changing only rows that differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import transaction

from psynetdata.faces import writing
from psynetdata.models import Deployment, MirroredTable, MirrorModel
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Damaged, Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .bulk_writer import delete, in_chunks, insert, rows_of
from .conversion import Converter, model_of
from .protocols import Filling, Pair, RowFilter, RowFilters, SourceTables
from .row_runs import Run, by_id, by_text, merge
from .statistics import bring_up_to_date

OnProgress = Callable[[str, int], None] | None


class _Miscounted(Problem):
    """A table of the mirror does not have the same number of rows as its source."""


def refresh(
    face: str, deployment: Deployment, source: SourceTables, transform: Filling, *, on_progress: OnProgress = None
) -> dict[str, int]:
    """Update the face and return its {table: rows}. One transaction: a reader sees the old state or the new one.

    `on_progress(table, rows)` is called regularly and may raise an exception to stop, which leaves everything
    unchanged. Raises Problem if a table's number of rows differs from the source (law 7).
    """
    written: Counter[type[MirrorModel]] = Counter()
    name = transform.name  # may take a while, so before the lock
    with (
        writing(face, check_cancelled=(lambda: on_progress("", 0)) if on_progress else None),
        transaction.atomic(using=face),
    ):
        wanted = [table for table in source.tables() if table not in UNMIRRORED_TABLES]
        shown = {
            row.table: row for row in MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
        }
        for table in shown.keys() - set(wanted):
            rows_of(face, model_of(table), table, deployment.number)._raw_delete(face)
            shown[table].delete(using=face)
        rows = {}
        for table in wanted:
            before = shown.get(table)
            if before and before.state == source.state(table) and _name_of(before, deployment) == name:
                rows[table] = before.rows
            else:
                changing = _Table(face, deployment, source, transform, table, on_progress)
                rows[table] = changing.bring(before)
                written[changing.model] += changing.done
    bring_up_to_date(face, written)
    return rows


def _start_of_name(deployment: Deployment, ids: bool) -> str:
    return f"clock={deployment.clock};ids={ids};"


def _name_of(shown: MirroredTable, deployment: Deployment) -> str | None:
    """Return the transform's part of the name under which rows were filled; None if the clock was different."""
    starts = (_start_of_name(deployment, ids) for ids in (True, False))
    return next((shown.transform.removeprefix(start) for start in starts if shown.transform.startswith(start)), None)


def _length(pair: Pair) -> int:
    return len(pair[1])


class _Table:
    """Updates one table of a face."""

    def __init__(self, face, deployment, source, transform, table: str, on_progress: OnProgress):
        self.face, self.deployment, self.source, self.transform = face, deployment, source, transform
        self.table, self.on_progress = table, on_progress
        self.model = model_of(table)
        self.columns, ids = source.columns(table), source.has_ids(table)
        self.start_of_name = _start_of_name(deployment, ids)
        self.numbered = by_id(self.columns) if ids else by_text
        self.converter = Converter(table, deployment.number, self.columns, deployment.clock)
        self.changing = transform.table(table, self.columns) if transform.table else None
        self.done = 0
        self.classes: Counter[str] = Counter()

    def bring(self, shown: MirroredTable | None) -> int:
        """Update the table and return its number of rows. It is rebuilt if it cannot follow from the state `shown`."""
        listed = [[column.name, column.type, column.not_null] for column in self.columns]
        followed = False
        if shown and shown.columns == listed and shown.transform.startswith(self.start_of_name):
            old_name = shown.transform.removeprefix(self.start_of_name)
            again = None if old_name == self.transform.name else self.transform.since(old_name)
            if again or old_name == self.transform.name:
                followed = self._follow(shown, again)
        if not followed:
            self.classes.clear()
            if shown:
                rows_of(self.face, self.model, self.table, self.deployment.number)._raw_delete(self.face)
            self._apply(self.source.changes(self.table, None))
            self._count()
        self._note(listed)
        return self.source.row_count(self.table)

    def _follow(self, shown: MirroredTable, again: RowFilters | None) -> bool:
        """Apply the changes since the old state. Returns False, without changes, if that is not possible.

        This happens if the old state cannot be read or does not lead to the new one.
        """
        old, self.classes = shown.state, Counter(shown.classes)
        try:
            with transaction.atomic(using=self.face):
                self._apply(self.source.changes(self.table, old))
                if picker := again and again.for_table(self.table, self.columns):
                    self._redo(picker, old)
                self._count()
        except (Damaged, _Miscounted):
            return False
        return True

    def _apply(self, changes: Iterable[tuple[Run | None, Run | None]]) -> None:
        """Read the same two runs twice, for deletions and then for insertions, so that neither is kept in memory."""
        for before, after in changes:
            if before is not None:
                gone = (identity for side, identity, _ in self._merged(before, after) if side == "old")
                self._delete(gone)
            new = ((identity, record) for side, identity, record in self._merged(before, after) if side == "new")
            self._insert(new)

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
            self._insert(some)

    def _merged(self, before: Run | None, after: Run | None) -> Iterator[tuple[str, str, bytes]]:
        return merge(self.numbered(before() if before else ()), self.numbered(after() if after else ()))

    def _delete(self, identities: Iterable[str]) -> None:
        self.classes -= delete(self.face, self.model, self.table, self.deployment.number, identities)

    def _insert(self, pairs: Iterable[Pair]) -> None:
        self.done += insert(self.face, self.model, self.converter.fields, self._values(pairs))

    def _values(self, pairs: Iterable[Pair]) -> Iterator[list]:
        for chunk in in_chunks(self._watched(pairs), _length):
            rows: Sequence[Sequence[str]] = csvtext.block_rows(b"".join(record + b"\n" for _, record in chunk))
            if self.changing:
                rows = self.changing.block(rows)
            for (identity, _), row in zip(chunk, rows, strict=True):
                values = self.converter.values(csvtext.with_null(row), identity)
                self.classes[values[self.converter.class_at]] += 1
                yield values

    def _watched(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for number, pair in enumerate(pairs):
            if self.on_progress and number % 1000 == 0:
                self.on_progress(self.table, self.done + number)
            yield pair

    def _count(self) -> None:
        actual = rows_of(self.face, self.model, self.table, self.deployment.number).count()
        count = self.source.row_count(self.table)
        if actual != count or self.classes.total() != count:
            raise _Miscounted(
                f"The mirror's table {self.table} would have {actual} rows, but its source has {count}; "
                "nothing was changed."
            )

    def _note(self, listed: list[list]) -> None:
        MirroredTable.objects.using(self.face).update_or_create(
            deployment_number=self.deployment.number,
            table=self.table,
            defaults={
                "state": self.source.state(self.table),
                "transform": self.start_of_name + self.transform.name,
                "columns": listed,
                "rows": self.source.row_count(self.table),
                "classes": self.classes,
                "withheld": sorted(self.changing.withheld) if self.changing else [],
            },
        )
