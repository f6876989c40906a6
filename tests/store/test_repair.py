"""What is damaged is repaired from another copy that the storage holds."""

import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from exports.models import PackRepair
from exports.operations.storage_check import verify_snapshot
from exports.store import repair
from exports.store.blobs import Store, file_of, pack_of, write_segment
from exports.store.reader import SnapshotReader
from exports.store.writer import store_writer
from psynetdata.models import Audit
from psynetdata.psynet import csvtext
from tests.store.snapshot_factory import written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

ROWS = {"coin": [["id", "text"], *([str(number), f"side {number * 7919}"] for number in range(1, 400))]}


@pytest.fixture
def twins():
    """Two deployments with the same rows, each in a pack of its own."""
    return [written_down(ROWS, name) for name in ("one", "two")]


def damage(ref: str) -> None:
    offset = int(ref.split("+")[1]) if "@" in ref else 0
    with open(default_storage.path(file_of(ref, "csv")), "r+b") as file:
        file.seek(offset + 30)
        file.write(b"damage")


def blob_of(snapshot) -> str:
    return SnapshotReader(snapshot).table_state("coin").segments[0].blob


def test_from_another_pack(twins):
    one, two = twins
    assert blob_of(one) != blob_of(two)
    damage(blob_of(one))
    assert verify_snapshot(one).problems == []
    assert verify_snapshot(two).problems == []
    assert one.damage == []
    assert Audit.objects.get(verb="repair").details == {"blobs": 1}


def test_without_another_copy_it_is_noted(twins):
    one, _ = twins
    for snapshot in twins:
        damage(blob_of(snapshot))
    (problem,) = verify_snapshot(one).problems
    assert "a full snapshot does if the source still has these rows" in problem
    assert one.damage == [blob_of(one)]


def test_two_repairs_in_one_pack_at_once(monkeypatch):
    """The second one begins while the first has read the pack and not yet written it: it waits, and both are kept."""
    texts = [[[str(number), f"{side} {number * 7919}"] for number in range(1, 400)] for side in ("head", "tail")]
    one, twin = in_one_pack(texts), in_one_pack(texts)
    first, second = one
    assert pack_of(first) == pack_of(second)
    for ref in (first, second):
        damage(ref)
    waits, fitting = threading.Event(), repair._fitting

    def repair_second():
        assert repair.repair_from(Store(), second, "csv", twin[1])
        connection.close()
        waits.set()

    other = threading.Thread(target=repair_second)

    def begin_second(data, length, ref):
        if ref == first:
            other.start()
            assert waits.wait(60)  # until it waits for the pack, or is done
        return fitting(data, length, ref)

    monkeypatch.setattr(repair, "_fitting", begin_second)
    monkeypatch.setattr("exports.store.locks.sleep", lambda _: waits.set())
    assert repair.repair_from(Store(), first, "csv", twin[0])
    other.join(60)
    for ref in (first, second):
        Store().check(ref)


def in_one_pack(texts: list[list[list[str]]]) -> list[str]:
    """Return the refs of segments with these rows, in a new pack."""
    with tempfile.TemporaryDirectory() as name, store_writer(Store(), Path(name)) as writer:
        refs = []
        for rows in texts:
            path, sha256, _ = write_segment(Path(name), csvtext.blocks(csvtext.format_row(row) for row in rows))
            refs.append(writer.segment(path, sha256))
        writer.finish()
    return refs


def test_a_repair_whose_process_died_holds_nobody_up(twins):
    one, _ = twins
    ref = blob_of(one)
    PackRepair.objects.create(pack=file_of(ref, "csv"), token="x", began_at=timezone.now() - timedelta(minutes=3))
    damage(ref)
    assert verify_snapshot(one).problems == []
    assert not PackRepair.objects.exists()
