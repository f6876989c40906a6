"""Updates one face of one deployment to the state of its source tables, changing only rows that differ."""

from collections import Counter
from collections.abc import Iterator

from django.db import transaction

from psynetdata.faces import only_writer, writing
from psynetdata.models import Deployment, MirroredTable, MirrorModel
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .bulk_writer import rows_of
from .conversion import model_of
from .face_table import FaceTable, OnProgress, is_shown
from .prepared_rows import PreparedRows
from .protocols import Filling, SourceTables
from .statistics import bring_up_to_date


def refresh(
    face: str,
    deployment: Deployment,
    source: SourceTables,
    transform: Filling,
    *,
    on_progress: OnProgress = None,
    prepared: PreparedRows | None = None,
) -> dict[str, int]:
    """Update the face and return its {table: rows}. One transaction: a reader sees the old state or the new one.

    `on_progress(table, rows)` is called regularly, also right before the end of the transaction, and may raise an
    exception to stop, which leaves everything unchanged. `prepared`: rows that `prepare` transformed; others are
    transformed here. Raises Problem if a table's number of rows differs from the source (law 8).
    """
    written: Counter[type[MirrorModel]] = Counter()
    name = transform.name  # may take a while, so before the lock
    check = (lambda: on_progress("", 0)) if on_progress else None
    with (
        writing(face, check_cancelled=check),
        transaction.atomic(using=face),
        only_writer(face, deployment.number, check_cancelled=check),
    ):
        wanted, shown = _wanted(source), _shown(face, deployment)
        for table in shown.keys() - set(wanted):
            rows_of(face, model_of(table), table, deployment.number)._raw_delete(face)
            shown[table].delete(using=face)
        rows = {}
        for table in wanted:
            before = shown.get(table)
            if is_shown(before, deployment, source.state(table), name):
                rows[table] = before.rows
            else:
                changing = FaceTable(face, deployment, source, transform, table, on_progress, prepared)
                rows[table] = changing.bring(before)
                written[changing.model] += changing.done
        if check:
            check()
    bring_up_to_date(face, written)
    return rows


def prepare(
    face: str,
    deployment: Deployment,
    source: SourceTables,
    transform: Filling,
    prepared: PreparedRows,
    *,
    on_progress: OnProgress = None,
) -> None:
    """Transform the rows that a refresh is going to write, without a transaction. Continues with what is prepared."""
    if transform.table is None:
        return
    for table, before in _changed_tables(face, deployment, source, transform):
        FaceTable(face, deployment, source, transform, table, on_progress, prepared).prepare(before)


def _changed_tables(
    face: str, deployment: Deployment, source: SourceTables, transform: Filling
) -> Iterator[tuple[str, MirroredTable | None]]:
    shown = _shown(face, deployment)
    for table in _wanted(source):
        if not is_shown(shown.get(table), deployment, source.state(table), transform.name):
            yield table, shown.get(table)


def _wanted(source: SourceTables) -> list[str]:
    return [table for table in source.tables() if table not in UNMIRRORED_TABLES]


def _shown(face: str, deployment: Deployment) -> dict[str, MirroredTable]:
    rows = MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
    return {row.table: row for row in rows}
