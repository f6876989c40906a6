"""Deployments made from tables that a test writes down, or from a reference database, without the way of `load`."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from exports.models import Snapshot
from exports.store.blobs import Segment, Store, TableState, write_segment
from exports.store.writer import store_writer
from psynetdata.models import Deployment
from psynetdata.psynet import csvtext
from psynetdata.psynet.table_source import ZipSource
from psynetdata.psynet.tables import describe

DATA = Path(__file__).resolve().parent.parent / "data"
TAKEN_AT = datetime(2026, 11, 22, 9, 30, 0, 250000, tzinfo=UTC)


def reference(name: str, **told) -> Snapshot:
    """A snapshot of a reference database."""
    source = ZipSource(DATA / name / "database.zip")
    return snapshot({table: (source.columns(table), source.rows(table)) for table in source.tables()}, name, **told)


def written_down(tables: dict[str, list[list[str | None]]], name: str = "made", **told) -> Snapshot:
    """{table: [header, row, …]} as a snapshot, beside the tables that every PsyNet database has."""
    empty = {table: [["id"]] for table in ("experiment", "participant", "info", "node", "network", "response")}
    return snapshot(
        {table: (describe(table, rows[0]), rows[1:]) for table, rows in (empty | tables).items()}, name, **told
    )


def snapshot(tables: dict, name: str, **told) -> Snapshot:
    deployment, _ = Deployment.objects.get_or_create(deployment_id=f"{name}__launch", defaults={"label": name, **told})
    named = {table: _store(table, columns, rows) for table, (columns, rows) in tables.items()}
    rows = sum(entry["rows"] for entry in named.values())
    return Snapshot.objects.create(deployment=deployment, taken_at=TAKEN_AT, tables=named, rows=rows)


def _store(table, columns, rows) -> dict:
    count = 0

    def records():
        nonlocal count
        for row in rows:
            count += 1
            yield csvtext.format_row(row)

    cut = 13 if any(column.name == "id" for column in columns) and table != "barrier" else None
    with tempfile.TemporaryDirectory() as name, store_writer(Store(), Path(name)) as made:
        path, sha256, size = write_segment(Path(name), csvtext.blocks(records()))
        blob = made.segment(path, sha256)
        segments = (Segment(blob, count, size, 0 if cut else None),) if count else ()
        state = made.state(TableState(table, tuple(columns), cut, segments))
        made.finish()
    return {"state": state, "rows": count}
