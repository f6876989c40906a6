"""Who withdrew is shown and handed out no more, also by what is taken, loaded or asked for later."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from exports.mirroring.mirror import mirror
from exports.models import Export, Snapshot, StoredAsset, Summary, Withdrawal
from exports.operations import withdraw
from exports.operations.storage_check import verify_snapshot
from exports.package.database_zip import download
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.store import participant_filter, withdrawals
from psynetdata import jobs
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import shows
from psynetdata.models import TYPED_MODELS, Audit, Participant, Record, Response, Trial
from psynetdata.psynet.problems import Conflict, NotFound
from tests.package.test_participant_selection import exported, manifest_of, tables_of
from tests.store.snapshot_factory import TAKEN_AT, written_down

from .aged_snapshots import age, prune

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
FACES = (IDENTIFIED, ANONYMOUS)
GONE = 3


def carry_out(deployment, *ids, take_back=False):
    (withdraw.take_back if take_back else withdraw.withdraw)(deployment, ids)
    job = jobs.prepare(withdraw.KIND, deployment=deployment)
    jobs.run(job.pk, raise_problems=True)
    job.refresh_from_db()
    return job.result


def rows_of(face) -> dict[str, list[dict]]:
    """All rows; the keys of Records are given anew each time."""
    found = {
        model.__name__: list(model.objects.using(face).order_by("key").values()) for model in TYPED_MODELS.values()
    }
    records = Record.objects.using(face).order_by("table", "identity").values()
    return found | {"Record": [{name: cell for name, cell in row.items() if name != "key"} for row in records]}


def named(face, number: int) -> int:
    """Rows on a face that name the participant."""
    people = Participant.objects.using(face).filter(id=number).count()
    return people + sum(
        model.objects.using(face).filter(participant_id=number).count()
        for model in (*TYPED_MODELS.values(), Record)
        if model is not Participant and any(field.name == "participant_id" for field in model._meta.fields)
    )


@pytest.mark.each_database
def test_the_mirror_has_them_no_more_and_again(loaded):
    deployment = loaded("static_audio")
    before = {face: rows_of(face) for face in FACES}
    summary = Summary.objects.get(deployment=deployment).participants
    assert all(named(face, GONE) > 20 for face in FACES)
    carry_out(deployment, GONE)
    for face in FACES:
        assert named(face, GONE) == 0
        kept = rows_of(face)
        for name, rows in kept.items():
            # Of the others not a cell is another.
            assert [row for row in before[face][name] if row in rows] == rows
            others = [row for row in before[face][name] if row.get("participant_id") not in (None, GONE)]
            assert [row for row in others if row not in rows] == []
    assert shows(ANONYMOUS, deployment) == shows(IDENTIFIED, deployment)
    assert sum(Summary.objects.get(deployment=deployment).participants.values()) == sum(summary.values()) - 1
    assert [(row.verb, row.target, row.identified) for row in Audit.objects.filter(verb="withdraw")] == [
        ("withdraw", "participant 3", True)
    ]
    carry_out(deployment, GONE, take_back=True)
    assert {face: rows_of(face) for face in FACES} == before


def test_no_export_has_them_and_those_that_had_are_gone(loaded):
    deployment = loaded("static_audio")
    old, _ = exported(deployment, assets="none")
    files = [archive.file for archive in old.archives.all()]
    assert carry_out(deployment, GONE)["archives"] == 2
    assert not old.archives.exists()
    assert not any(map(default_storage.exists, files))
    export, made = exported(deployment, assets="none")
    for mode, archive in made.items():
        tables = tables_of(archive, mode)
        assert not [row for rows in tables.values() for row in rows if dict(row).get("participant_id") == "3"]
        assert {dict(row)["id"] for row in tables["participant"]} == set("12345678") - {"3"}
        told = manifest_of(archive)
        assert told["withdrawn"]["participants"] == 1
        assert told["tables"] == {table: len(rows) for table, rows in tables.items()}
        before = {table: entry["rows"] for table, entry in export.snapshot.tables.items()}
        less = told["withdrawn"]["rows_left_out"]
        assert before == {table: n + less.get(table, 0) for table, n in told["tables"].items()}
    # Later withdrawals, and taking back, leave other people's exports alone.
    carry_out(deployment, GONE, take_back=True)
    assert export.archives.count() == 2


def test_a_selection_cannot_name_them(loaded):
    deployment = loaded("static")
    withdraw.withdraw(deployment, [1])
    with pytest.raises(Conflict, match="Chosen participants have withdrawn: 1"):
        exported(deployment, assets="none", participants=(1, 2))


def test_an_export_that_is_on_its_way_is_not_published(loaded, monkeypatch):
    deployment = loaded("static")
    export = request_export(deployment, ExportOptions(assets="none", anonymize="no"), here=True)
    monkeypatch.setattr("exports.package.publication._store", lambda *_: withdraw.withdraw(deployment, [1]))
    with pytest.raises(Conflict, match="A withdrawal was made"):
        run_here(export)
    assert not export.archives.exists()


def test_a_snapshot_that_is_handed_out_or_read_as_it_was_has_them_not(loaded, tmp_path, officer_sheet):
    deployment = loaded("static")
    snapshot = Snapshot.objects.get()
    carry_out(deployment, 1)
    download(snapshot, tmp_path / "database.zip")
    people = zipfile.ZipFile(tmp_path / "database.zip").read("data/participant.csv").decode().splitlines()
    assert len(people) - 1 == snapshot.rows_of("participant") - 1
    was = officer_sheet("participant", snapshot=snapshot.pk)
    assert {row["id"] for row in was} == set(Participant.objects.using(IDENTIFIED).values_list("id", flat=True))
    assert 1 not in {row["id"] for row in was}
    # What is stored is as it was.
    assert verify_snapshot(snapshot).problems == []
    assert Snapshot.objects.get().tables == snapshot.tables


@pytest.fixture
def officer_sheet(db, client):
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_superuser("officer"))

    def read(sheet, **asked):
        return json.loads(b"".join(client.get(f"/api/basic_data/{sheet}/", asked | {"format": "ndjson"})).decode().join(
            ["[", "]"]).replace("}\n{", "},{"))  # fmt: skip

    return read


def test_kept_files_of_theirs_are_deleted_but_for_those_that_others_have(loaded):
    deployment = loaded("static_audio")
    of_theirs, of_others = (
        Trial.objects.using(IDENTIFIED).filter(participant_id=number).values_list("id", flat=True) for number in (3, 4)
    )
    assets = dict(TYPED_MODELS["asset"].objects.using(IDENTIFIED).values_list("trial_id", "id"))
    mine, also_mine, others = assets[of_theirs[0]], assets[of_theirs[1]], assets[of_others[0]]
    for number, sha256 in ((mine, "a" * 64), (also_mine, "b" * 64), (others, "b" * 64)):
        row = StoredAsset.objects.create(deployment=deployment, asset_id=number, source="s", sha256=sha256, bytes=1)
        if not default_storage.exists(row.file):
            default_storage.save(row.file, ContentFile(b"x"))
    assert carry_out(deployment, 3)["asset_files"] == 2
    assert [row.asset_id for row in StoredAsset.objects.all()] == [others]
    assert [default_storage.exists(file) for file in ("assets/aa/aa/" + "a" * 64, "assets/bb/bb/" + "b" * 64)] == [
        False, True,
    ]  # fmt: skip


# --- what comes later ------------------------------------------------------------------------------
PEOPLE = [["id", "worker_id", "unique_id"], *([str(n), f"worker-{n:06}x", f"worker-{n:06}x:a"] for n in range(1, 5))]


def moment(trials: int, *, extra: list | None = None) -> Snapshot:
    """Trials of four participants in turn, some segments of them, and an answer for each."""
    info = [["id", "participant_id", "answer"], *([str(n), str(n % 4 + 1), '"a"'] for n in range(1, trials + 1))]
    score = [["id", "trial_id"], *([str(n), str(n)] for n in range(1, trials + 1))]
    made = written_down({"participant": PEOPLE + (extra or []), "info": info, "score": score})
    made.taken_at = TAKEN_AT + timedelta(minutes=Snapshot.objects.count())
    made.save()
    return made


@pytest.mark.each_database
def test_later_snapshots_are_mirrored_without_them():
    first = moment(40)
    mirror(first)
    withdraw.withdraw(first.deployment, [2])
    mirror(first)
    assert {named(face, 2) for face in FACES} == {0}
    assert Record.objects.using(ANONYMOUS).filter(table="score").count() == 30
    states = shows(IDENTIFIED, first.deployment)
    mirror(first)
    assert shows(IDENTIFIED, first.deployment) == states  # the same rows have the same state
    second = moment(60)
    mirror(second)
    assert {named(face, 2) for face in FACES} == {0}
    assert Trial.objects.using(IDENTIFIED).count() == 45
    assert set(Trial.objects.using(IDENTIFIED).values_list("participant_id", flat=True)) == {1, 3, 4}


def test_only_what_is_new_and_what_had_rows_of_theirs_is_read(monkeypatch):
    read = []
    blocks = participant_filter._Filter._blocks
    monkeypatch.setattr(
        participant_filter._Filter, "_blocks", lambda self, *which: read.append(which[0]) or blocks(self, *which)
    )
    first = moment(40, extra=[["5", "worker-000005x", "worker-000005x:a"]])
    mirror(first)
    withdraw.withdraw(first.deployment, [5])
    mirror(first)
    assert {"participant", "info", "score"} <= set(read)
    read.clear()
    mirror(first)
    assert read == ["participant"]  # who withdrew has no trials
    read.clear()
    mirror(moment(41, extra=[["5", "worker-000005x", "worker-000005x:a"]]))
    assert sorted(read) == ["info", "participant", "score"]


def test_what_the_mirror_stands_on_is_not_pruned(monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    first = moment(40)
    mirror(first)
    withdraw.withdraw(first.deployment, [2])
    mirror(first)
    age()
    prune()
    assert Snapshot.objects.filter(pk=first.pk).exists()
    second = moment(44)
    mirror(second)  # follows the stored state, and would fill anew without it
    assert Trial.objects.using(IDENTIFIED).count() == 33
    assert verify_snapshot(second).problems == []


@pytest.mark.each_database
def test_who_withdraws_while_the_mirror_is_filled_is_not_in_it(monkeypatch):
    first = moment(8)
    mirror(first)
    real, asked = withdrawals.withdrawn_ids, []

    def ids_of(deployment):
        found = real(deployment)
        if not asked:  # behind the look of the mirror, before it is filled
            asked.append(withdraw.withdraw(deployment, [2]))
        return found

    monkeypatch.setattr("exports.store.withdrawals.withdrawn_ids", ids_of)
    mirror(first)
    assert {named(face, 2) for face in FACES} == {0}


def test_deployments_that_continue_each_other_share_withdrawals(loaded):
    first = loaded("static")
    later = loaded("timeline")
    later.continues = first
    later.save()
    carry_out(later, 1)
    assert Withdrawal.objects.get().deployment == first
    assert not Participant.objects.using(IDENTIFIED).filter(id=1).exists()
    assert not Response.objects.using(ANONYMOUS).filter(participant_id=1).exists()


def test_who_never_took_part_and_who_withdrew_before(loaded):
    deployment = loaded("static")
    with pytest.raises(NotFound, match="no participant 77, 78"):
        withdraw.withdraw(deployment, [1, 77, 78])
    assert not Withdrawal.objects.exists()
    carry_out(deployment, 1)
    with pytest.raises(Conflict, match="withdrew before"):
        withdraw.withdraw(deployment, [1])
    with pytest.raises(NotFound, match="no participant 2 has withdrawn"):
        withdraw.take_back(deployment, [1, 2])
    assert Withdrawal.objects.count() == 1


def test_at_the_command_line(loaded, typed):
    loaded("static")
    assert typed("withdraw")[1].startswith("Nobody withdrew")
    status, out, _ = typed("withdraw", "1", "2-3")
    assert status == 0
    assert ": 1-3. Pages, sheets and exports no longer have them" in out
    assert [line.split("  ")[0] for line in typed("withdraw")[1].splitlines()] == [
        f"participant {n}" for n in (1, 2, 3)
    ]
    assert typed("withdraw", "1")[::2] == (1, "They withdrew before; nothing was changed.\n")
    assert typed("withdraw", "P01")[0] == 2
    assert typed("withdraw", "--take-back")[0] == 2
    assert "that are shown again: 1-3" in typed("withdraw", "--take-back", "1-3")[1]
    assert not Export.objects.exists()
    assert io.StringIO(typed("withdraw")[1]).readline().startswith("Nobody withdrew")
