"""Whatever happened in between: a capture that builds on the last one holds what one of every row would."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exports.models import Snapshot
from exports.snapshots.capture import capture
from exports.snapshots.reader import StoredTables
from exports.snapshots.shelf import shelf
from exports.snapshots.store import Store
from exports.sources.moment import moment
from exports.sources.postgres import parse
from psynetdata.psynet import csvtext

from .histories import History

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
STEPS = 25


def copied(held, table) -> list[bytes]:
    out = io.BytesIO()
    held.copy(f"SELECT {table.listed} FROM {table.rows_of} {'ORDER BY id' if table.by_id else ''}", out)
    out.seek(0)
    found = list(csvtext.records(out, name=table.name))
    return found if table.by_id else sorted(found)


def follow(deployment, address, base: Snapshot | None, told) -> Snapshot:
    """Capture one moment on top of `base` and as a whole: the same, and what COPY says."""
    store = Store()
    with (
        TemporaryDirectory() as folder,
        shelf(store, Path(folder), base=base) as made,
        moment(address) as held,
    ):
        quick = capture(held, made, Path(folder), base=base)
        whole = capture(held, made, Path(folder), base=None)
        rows = {table.name: copied(held, table) for table in held.tables}
        made.finish()
        found = Snapshot.objects.create(
            deployment=deployment, taken_at=held.taken_at, tables=quick.tables, server=held.server.as_json()
        )
    source = StoredTables({name: entry["state"] for name, entry in quick.tables.items()}, store)
    assert {name: list(source.records(name)) for name in source.tables()} == rows, told
    assert found.contents == {name: entry["content"] for name, entry in sorted(whole.tables.items())}, told
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_captures_that_build_on_each_other(experiment, seed):
    running = experiment("timeline")
    history = History(running.url, seed)
    snapshot = None
    for number in range(STEPS):
        told = (seed, number, history.done)
        snapshot = follow(running.deployment, parse(running.url), snapshot, told)
        history.step()
    history.close()
