"""What is damaged is repaired from another copy that the storage holds."""

import pytest
from django.core.files.storage import default_storage

from exports.operations.storage_check import verify_snapshot
from exports.store.blobs import file_of
from exports.store.reader import SnapshotReader
from psynetdata.models import Audit
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
