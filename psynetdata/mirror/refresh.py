"""Updates one face of one deployment to the state of its source tables, changing only rows that differ."""

from collections import Counter

from django.db import transaction

from psynetdata.faces import only_writer, writing
from psynetdata.models import Deployment, MirroredTable, MirrorModel
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .bulk_writer import rows_of
from .conversion import model_of
from .face_names import table_names
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
        shown = _shown(face, deployment)
        names = _names(deployment, source, transform, shown)
        for table in shown.keys() - set(names.values()):
            rows_of(face, model_of(table), table, deployment.number)._raw_delete(face)
            shown[table].delete(using=face)
        rows = {}
        for table, shown_name in names.items():
            before = shown.get(shown_name)
            if is_shown(before, deployment, source.state(table), name):
                rows[table] = before.rows
            else:
                changing = FaceTable(face, deployment, source, transform, table, on_progress, prepared, name=shown_name)
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
    shown = _shown(face, deployment)
    for table, name in _names(deployment, source, transform, shown).items():
        before = shown.get(name)
        if not is_shown(before, deployment, source.state(table), transform.name):
            FaceTable(face, deployment, source, transform, table, on_progress, prepared, name=name).prepare(before)


def _names(
    deployment: Deployment, source: SourceTables, transform: Filling, shown: dict[str, MirroredTable]
) -> dict[str, str]:
    """Return {table to mirror: its name on the face}. A table that is shown in this state keeps its name."""
    wanted = [table for table in source.tables() if table not in UNMIRRORED_TABLES]
    kept = {table for table in wanted if is_shown(shown.get(table), deployment, source.state(table), transform.name)}
    return table_names(wanted, transform.name_of, kept=kept)


def _shown(face: str, deployment: Deployment) -> dict[str, MirroredTable]:
    rows = MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
    return {row.table: row for row in rows}
