"""Bring one face of one deployment to the state of its source tables, touching only rows that differ."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction

from psynetdata.faces import writing
from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.problems import Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES, Column

from .convert import Converter, model_of
from .write import delete, insert, rows_of

Records = Iterable[bytes]
Run = Callable[[], Records]
# What orders a row among its table's, what finds it again in the mirror, and the row as text.
Numbered = tuple[Any, str, bytes]


class SourceTables(Protocol):
    """What a refresh reads from."""

    def tables(self) -> list[str]: ...

    def columns(self, table: str) -> list[Column]: ...

    def state(self, table: str) -> str:
        """A name for the table's state: equal names, equal rows."""

    def row_count(self, table: str) -> int: ...

    def has_ids(self, table: str) -> bool:
        """Whether rows are told apart by an integer `id`, by which they are then ordered; else by their text."""

    def changes(self, table: str, old: str | None) -> Iterator[tuple[Run | None, Run | None]]:
        """Pairs (old run, new run) of the parts that differ from the state `old`; all rows where that is None.

        Each run gives its rows in order, as often as it is called; None where one side has no such part.
        """


class TableTransform(Protocol):
    """What is done to the rows of one table. `withheld`: the columns that are withheld in every row."""

    withheld: frozenset[str]

    def row(self, cells: Row) -> Row: ...


@dataclass(frozen=True)
class Transform:
    """What is done to rows on their way into a face. `name` changes whenever a row could come out otherwise."""

    name: str
    table: Callable[[str, list[Column]], TableTransform] | None = None


def refresh(
    face: str,
    deployment: Deployment,
    source: SourceTables,
    transform: Transform,
    *,
    look: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """{table: rows} of the face afterwards. One transaction: a reader sees the old state or the new one.

    `look(table, rows)` is called now and then and may raise to stop, which leaves all as it was.
    Raises Problem when a table's rows do not agree in number with the source (law 7).
    """
    with writing(face, look=(lambda: look("", 0)) if look else None), transaction.atomic(using=face):
        wanted = [table for table in source.tables() if table not in UNMIRRORED_TABLES]
        shown = {
            row.table: row for row in MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
        }
        for table in shown.keys() - set(wanted):
            rows_of(face, model_of(table), table, deployment.number)._raw_delete(face)
            shown[table].delete(using=face)
        return {
            table: _refresh_table(face, deployment, source, transform, table, shown.get(table), look)
            for table in wanted
        }


def _refresh_table(face, deployment, source, transform, table, shown, look) -> int:
    name = f"clock={deployment.clock};ids={source.has_ids(table)};{transform.name}"
    state, columns, count = source.state(table), source.columns(table), source.row_count(table)
    if shown and (shown.state, shown.transform) == (state, name):
        return shown.rows
    listed = [[column.name, column.type, column.not_null] for column in columns]
    model = model_of(table)
    old = shown.state if shown and shown.transform == name and shown.columns == listed else None
    if shown and old is None:
        rows_of(face, model, table, deployment.number)._raw_delete(face)
    converter = Converter(table, deployment.number, columns, deployment.clock)
    changing = transform.table(table, columns) if transform.table else None
    numbered = _by_id(columns) if source.has_ids(table) else _by_text
    done = 0
    for before, after in source.changes(table, old):
        # Twice over the same two runs: the deletions first, then the insertions, and neither is held.
        if before is not None:
            gone = (
                identity
                for side, identity, _ in _merge(numbered(before()), numbered(after() if after else ()))
                if side == "old"
            )
            delete(face, model, table, deployment.number, gone)
        runs = _merge(numbered(before() if before else ()), numbered(after() if after else ()))
        new = ((identity, record) for side, identity, record in runs if side == "new")
        done += insert(face, model, converter.fields, _values(converter, new, changing, table, look, done))
    found = rows_of(face, model, table, deployment.number).count()
    if found != count:
        raise Problem(
            f"The mirror's table {table} came to {found} rows where its source has {count}; nothing was changed."
        )
    MirroredTable.objects.using(face).update_or_create(
        deployment_number=deployment.number,
        table=table,
        defaults={
            "state": state,
            "transform": name,
            "columns": listed,
            "rows": count,
            "withheld": sorted(changing.withheld) if changing else [],
        },
    )
    return count


def _values(converter, new, changing, table, look, done) -> Iterator[list]:
    identities: deque[str] = deque()

    def raw() -> Iterator[bytes]:
        for identity, record in new:
            identities.append(identity)
            yield record

    for number, cells in enumerate(csvtext.rows(raw()), start=done):
        if look and number % 1000 == 0:
            look(table, number)
        yield converter.values(changing.row(cells) if changing else cells, identities.popleft())


def _by_id(columns: list[Column]) -> Callable[[Records], Iterator[Numbered]]:
    position = next(index for index, column in enumerate(columns) if column.name == "id")

    def numbered(records: Records) -> Iterator[Numbered]:
        for record in records:
            identity = record.split(b",", 1)[0].decode() if position == 0 else csvtext.parse(record)[position]
            yield int(identity), identity, record

    return numbered


def _by_text(records: Records) -> Iterator[Numbered]:
    """Equal texts are counted: `<hash>:<n>` is the n-th of its kind. They stand together, the run being ordered."""
    last, count = None, 0
    for record in records:
        count = count + 1 if record == last else 1
        last = record
        yield (record, count), f"{hashlib.sha256(record).hexdigest()}:{count}", record


def _merge(before: Iterator[Numbered], after: Iterator[Numbered]) -> Iterator[tuple[str, str, bytes]]:
    """("old" | "new", identity, record) of each row that only one of two ordered runs has; a changed row is both."""
    old, new = next(before := iter(before), None), next(after := iter(after), None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            yield "old", old[1], old[2]
            old = next(before, None)
        elif old is None or new[0] < old[0]:
            yield "new", new[1], new[2]
            new = next(after, None)
        else:
            if old[2] != new[2]:
                yield "old", old[1], old[2]
                yield "new", new[1], new[2]
            old, new = next(before, None), next(after, None)
