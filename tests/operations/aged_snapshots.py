"""Snapshots of any age, for the tests of prune."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import default_storage
from django.utils import timezone

from exports.models import Snapshot
from exports.store.blobs import file_of
from exports.store.installation import FILE
from exports.store.reader import SnapshotReader
from psynetdata import jobs
from psynetdata.models import Deployment
from tests.store.snapshot_factory import written_down

NOTHING = hashlib.sha256(b"").hexdigest()


def taken(text: str, *, days: float = 0, name: str = "made", **fields) -> Snapshot:
    """A captured snapshot whose one table holds `text`, so many days old; its files are as old."""
    snapshot = written_down({"coin": [["id", "text"], ["1", text]]}, name, source=Deployment.Source.LOCAL)
    moment = timezone.now() - timedelta(days=days)
    Snapshot.objects.filter(pk=snapshot.pk).update(taken_at=moment, stored_at=moment, **fields)
    snapshot.refresh_from_db()
    default_storage.delete(file_of(NOTHING, "csv"))  # making a table without rows leaves it, and no state names it
    return snapshot


def age(hours: float = 2) -> None:
    """Everything in the storage becomes that old."""
    moment = timezone.now().timestamp() - hours * 3600
    for path in Path(default_storage.location).rglob("*"):
        if path.is_file():
            os.utime(path, (moment, moment))


def stored() -> set[str]:
    root = Path(default_storage.location)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {FILE}


def prune(**options) -> dict:
    return jobs.run_here("prune", options=options).result


def held() -> set[int]:
    return set(Snapshot.objects.values_list("pk", flat=True))


def file_of_coin(snapshot: Snapshot) -> str:
    return file_of(SnapshotReader(snapshot).table_state("coin").segments[0].blob, "csv")
