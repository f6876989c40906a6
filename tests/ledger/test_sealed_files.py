"""The files of a ledger: sealed, merged, removed only by erasure, and never skipped if they cannot be read."""

import pytest
from cryptography.fernet import Fernet
from django.core.files.storage import default_storage

from exports.ledger import collection, sealed_files
from exports.ledger.sealed_files import Entries, LedgerFiles
from exports.mirroring.mirror import mirror
from exports.models import LedgerFile, ReleasedFile, Snapshot
from exports.models.snapshot import ANONYMOUS
from exports.operations.keys import destroy_key
from exports.operations.storage_check import verify_snapshot
from exports.store.blobs import file_of
from exports.store.reader import SnapshotReader
from psynetdata.models import Deployment, Participant
from psynetdata.psynet.problems import Damaged

from .moments import ANN, BOB, EVE, moment
from .test_ledger import shown

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def deployment():
    return moment(0, (1, ANN), (2, BOB)).deployment


def known(deployment: Deployment) -> set[str]:
    ledger = collection.complete(deployment)
    words = {word for side in (ledger.entries, ledger.searched) for entry in side for word in entry}
    return words & {ANN, BOB, EVE}


def test_what_is_stored_is_sealed(deployment, settings):
    assert known(deployment) == {ANN, BOB}
    (row,) = LedgerFile.objects.all()
    assert ANN.encode() not in default_storage.open(row.name).read()
    settings.MASTER_KEY = Fernet.generate_key().decode()
    with pytest.raises(Damaged, match="sealed with another master key"):
        LedgerFiles(deployment).all()


def test_a_file_of_another_deployment_is_refused(deployment):
    collection.complete(deployment)
    other = moment(0, (1, EVE), name="other").deployment
    collection.complete(other)
    mine, theirs = LedgerFile.objects.order_by("pk")
    LedgerFile.objects.filter(pk=theirs.pk).delete()
    LedgerFile.objects.filter(pk=mine.pk).update(name=theirs.name)
    with pytest.raises(Damaged):
        LedgerFiles(deployment).all()


def test_those_who_add_at_once_lose_nothing(deployment):
    one, two = LedgerFiles(deployment), LedgerFiles(deployment)
    assert len(one.all()) == len(two.all()) == 0
    one.add(Entries({("value", ANN, "worker_id"): "1"}))
    two.add(Entries({("value", BOB, "worker_id"): "2"}))
    assert {entry[1] for entry in one.all().replaced} == {ANN, BOB}
    assert one.all() == two.all() == LedgerFiles(deployment).all()


def test_many_files_become_one_and_readers_notice(deployment, monkeypatch):
    monkeypatch.setattr(sealed_files, "MOST_FILES", 2)
    files, late = LedgerFiles(deployment), LedgerFiles(deployment)
    for name in (ANN, BOB, EVE):
        files.add(Entries({("value", name, "worker_id"): ""}))
    before, rows = files.all(), late._rows()
    names = sealed_files.names()
    files.merge()
    assert LedgerFile.objects.count() == 1
    assert set(ReleasedFile.objects.values_list("name", flat=True)) == names
    for name in names:
        default_storage.delete(name)
    monkeypatch.setattr(late, "_rows", iter([rows, LedgerFiles(deployment)._rows()]).__next__)
    assert late.all() == before
    late._replace(rows, Entries())  # another merge of the same files comes too late
    assert LedgerFiles(deployment).all() == before


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_without_a_file_nothing_anonymous_is_made_until_all_is_collected_again(deployment, typed, damage):
    later = moment(1, (1, ANN), answers=(f"I met {BOB} there",))
    assert typed("ledger")[1].splitlines()[-1].split()[-1] == "grows"
    mirror(later)
    assert typed("ledger")[1].splitlines()[-1].split()[-1] == "complete"
    row = LedgerFile.objects.order_by("pk").first()
    content = default_storage.open(row.name).read()
    default_storage.delete(row.name)
    if damage != "missing":
        with default_storage.open(row.name, "wb") as file:
            file.write(content[:-9] if damage == "cut" else b"")
    moment(2, (1, ANN), (3, EVE))
    status, _, error = typed("export", "--anonymize", "yes", "--type", "database", "--assets", "none")
    assert status == 1
    assert error.count("\n") == 1
    assert "ledger collect" in error
    newest = moment(3, (1, ANN), (3, EVE))
    with pytest.raises(Damaged):
        mirror(newest)
    assert Participant.objects.using("identified").filter(worker_id=EVE).exists()
    assert not Participant.objects.using("anonymous").filter(id=3).exists()
    status, out, _ = typed("verify", "--all")
    assert status == 1
    assert "ledger of identifiers" in out
    assert typed("ledger")[1].splitlines()[-1].split()[-1] == "damaged"
    status, out, error = typed("ledger", "collect")
    assert (status, error) == (0, "")
    assert "1 files that cannot be read were left out" in out
    assert known(deployment) == {ANN, BOB, EVE}


def test_files_that_no_row_names_are_found_again(deployment):
    """As after a backup of the database that is older than the storage."""
    assert known(deployment) == {ANN, BOB}
    LedgerFile.objects.all().delete()
    deployment.snapshots.all().delete()
    moment(1, (1, EVE))
    assert known(deployment) == {EVE}
    assert collection.repair(deployment) == 0
    assert known(deployment) == {ANN, BOB, EVE}


def test_rows_of_an_anonymous_export_add_nothing(deployment):
    Snapshot.objects.filter(pk=moment(1, (1, EVE)).pk).update(origin=f"{ANONYMOUS}export.zip")
    assert known(deployment) == {ANN, BOB}


def test_a_snapshot_is_read_again_when_its_damage_is_repaired(deployment):
    snapshot = deployment.snapshots.get()
    name = SnapshotReader(snapshot).table_state("participant").segments[0].blob
    pack = file_of(name, "csv")
    content = default_storage.open(pack).read()
    with default_storage.open(pack, "wb") as file:
        file.write(content[:-30])
    assert known(deployment) == set()
    assert verify_snapshot(snapshot).problems
    with default_storage.open(pack, "wb") as file:
        file.write(content)
    assert not verify_snapshot(snapshot).problems
    assert known(deployment) == {ANN, BOB}


def test_erasure_removes_what_only_these_people_held(deployment):
    assert known(deployment) == {ANN, BOB}
    files = LedgerFiles(deployment)
    rows = files._rows()
    files._replace(rows, files.all())  # merged, as when there are many; no prune came yet
    old = {row.name for row in rows} | sealed_files.names()
    deployment.snapshots.all().delete()
    moment(1, (1, ANN), answers=(f"I met {BOB} there",))
    collection.erase(deployment, [2])
    assert not any(default_storage.exists(name) for name in old)
    assert known(deployment) == {ANN}
    collection.erase(deployment, [1])
    assert known(deployment) == {ANN}  # a row still holds it


def test_destroying_the_key_leaves_what_stored_rows_hold(deployment):
    newest = moment(1, (1, ANN), answers=(f"I met {BOB} there",))
    mirror(newest)
    old = sealed_files.names()
    deployment.snapshots.exclude(pk=newest.pk).delete()
    assert BOB not in shown()[0]
    destroy_key(deployment)
    assert not LedgerFile.objects.exists()
    assert not any(default_storage.exists(name) for name in old)
    mirror(newest)
    assert known(deployment) == {ANN}
    assert BOB in shown()[0]
