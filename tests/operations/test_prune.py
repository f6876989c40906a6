"""What prune lets go and removes, and what it must never touch."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from exports.models import Export, ExportArchive, Snapshot
from exports.operations import prune as prune_module
from exports.operations.prune import retention_reasons, submit_daily
from exports.operations.storage_check import verify_snapshot
from exports.package.options import ExportOptions
from exports.package.request import request_export
from exports.store.blobs import Store, file_of
from psynetdata.models import Audit, Deployment, Job, MirroredTable

from .aged_snapshots import age, file_of_coin, held, prune, stored, taken

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def own_files(monkeypatch):
    """Every blob in a file of its own."""
    monkeypatch.setattr("exports.store.writer.SMALL", 0)


# --- rows and files ----------------------------------------------------------------------------------


def test_what_goes_takes_its_files_along_and_what_is_shared_stays(own_files):
    old, new = taken("old", days=200), taken("new")
    age()
    before = stored()
    found = prune()
    assert held() == {new.pk}
    assert found["deployments"]["made__launch"] == {"goes": 1, "stays": {"the newest good one": 1}}
    gone = before - stored()
    assert gone == {file_of_coin_of_text("old"), file_of(old.tables["coin"]["state"], "json")}
    assert found["store"]["files"] == 2
    assert verify_snapshot(new).problems == []
    assert prune()["store"]["files"] == 0
    entry = Audit.objects.get(verb="prune")
    assert (entry.deployment.deployment_id, entry.target) == ("made__launch", "1 snapshots")


def file_of_coin_of_text(text: str) -> str:
    return file_of(hashlib.sha256(f"1,{text}\n".encode()).hexdigest(), "csv")


def test_a_pack_stays_while_one_of_its_blobs_is_named():
    first, second = taken("first", days=200), taken("second")
    mine, other = (file_of(one.tables["participant"]["state"], "json") for one in (first, second))
    second.tables["participant"] = first.tables["participant"]
    second.save()
    age()
    prune()
    assert held() == {second.pk}
    assert verify_snapshot(second).problems == []
    assert mine in stored()
    assert other in stored()  # its row changed without a decision, so it is in quarantine
    prune(quarantined=True)
    assert other not in stored()
    assert len(stored()) == len(second.tables)


def test_what_is_young_or_not_ours_stays(own_files):
    taken("old", days=200)
    new = taken("new")
    default_storage.save("snapshots/ab/cd/notes.txt", ContentFile(b"mine"))
    default_storage.save("somewhere/else.csv.gz", ContentFile(b"mine"))
    before = stored()
    prune()
    assert held() == {new.pk}
    assert stored() == before
    age()
    prune()
    assert before - stored() > set()
    assert {"snapshots/ab/cd/notes.txt", "somewhere/else.csv.gz"} < stored()


def test_leftovers_of_writers_that_were_killed():
    taken("new")
    part = f"{next(iter(stored()))}.{'0' * 32}.part"
    archive = f"exports/7/regular.zip.{'0' * 32}.part"
    for name in (part, archive, "exports/8/regular.zip"):
        default_storage.save(name, ContentFile(b"half"))
    age(hours=23)
    prune()
    assert {part, archive, "exports/8/regular.zip"} < stored()
    age(hours=25)
    found = prune()
    assert (found["store"]["files"], found["archives"]["files"]) == (1, 1)
    assert not {part, archive} & stored()
    # It is complete, so it is deleted only when its quarantine is over.
    assert prune(quarantined=True)["archives"]["files"] == 1
    assert "exports/8/regular.zip" not in stored()


def test_of_one_deployment_only(own_files):
    first, second = taken("a", days=200, name="one"), taken("b", days=200, name="two")
    new = {taken("c", name="one").pk, taken("d", name="two").pk}
    age()
    prune(deployment_id="one__launch")
    assert held() == {second.pk, *new}
    assert not default_storage.exists(file_of(first.tables["coin"]["state"], "json"))
    assert verify_snapshot(second).problems == []


def test_a_dry_run_says_it_all_and_does_nothing(own_files):
    taken("old", days=200)
    taken("new")
    age()
    rows, files = held(), stored()
    dry = prune(dry_run=True)
    assert (held(), stored()) == (rows, files)
    assert Audit.objects.filter(verb="prune").count() == 0
    wet = prune()
    for found in (dry, wet):
        assert found["deployments"]["made__launch"]["goes"] == 1
    assert dry["store"] == wet["store"]
    assert wet["store"]["bytes"] > 0


# --- what stays ---------------------------------------------------------------------------------------


def test_why_each_stays(own_files):
    pinned, exported = taken("a", days=200, pinned=True), taken("b", days=201)
    by_hand, shown, used = taken("c", days=202, origin="x.zip"), taken("d", days=203), taken("e", days=204)
    suspect, good, gone = taken("f", state="suspect"), taken("g", days=100), taken("h", days=101)
    request_export(exported.deployment, ExportOptions(assets="none"), snapshot=exported)
    for table, entry in shown.tables.items():
        told = {"state": entry["state"], "transform": "as it is", "columns": [], "rows": entry["rows"]}
        MirroredTable.objects.using("anonymous").create(deployment_number=shown.deployment_id, table=table, **told)
    Job.objects.create(kind="mirror", options={"snapshot": used.pk})
    assert retention_reasons(good.deployment, timezone.now()) == {
        pinned.pk: "pinned",
        exported.pk: "an export is made from it",
        by_hand.pk: "handed in; nobody can take it again",
        shown.pk: "the mirror shows it",
        used.pk: "a job works on it",
        suspect.pk: "recent",
        good.pk: "the newest good one",
        gone.pk: None,
    }
    age()
    prune()
    assert Snapshot.objects.count() == 7
    assert all(verify_snapshot(one).problems == [] for one in Snapshot.objects.all())


def test_the_states_that_the_mirror_shows_stay_even_without_a_snapshot(own_files):
    old = taken("old", days=200)
    taken("new")
    entry = old.tables["coin"]
    MirroredTable.objects.using("identified").create(
        deployment_number=old.deployment_id, table="coin", state=entry["state"], transform="", columns=[], rows=1
    )
    age()
    prune()
    assert not Snapshot.objects.filter(pk=old.pk).exists()
    state = Store().state(entry["state"])
    assert Store().check(state.segments[0].blob) == len(b"1,old\n")


def test_what_someone_hands_in_stays_for_ever():
    snapshot = taken("old", days=2000)
    taken("new")
    Deployment.objects.update(source=Deployment.Source.UPLOAD)
    prune()
    assert Snapshot.objects.filter(pk=snapshot.pk).exists()


def test_what_was_pinned_or_exported_since_the_decision_stays(monkeypatch):
    first, second, third = (taken(str(days), days=days) for days in (200, 201, 202))
    taken("new")
    decide = prune_module.retention_reasons

    def and_then_others_come(*args):
        decided = decide(*args)
        Snapshot.objects.filter(pk=first.pk).update(pinned=True)
        request_export(second.deployment, ExportOptions(assets="none"), snapshot=second)
        return decided

    monkeypatch.setattr(prune_module, "retention_reasons", and_then_others_come)
    found = prune()
    assert found["deployments"]["made__launch"]["goes"] == 1
    assert not Snapshot.objects.filter(pk=third.pk).exists()
    assert Snapshot.objects.filter(pk__in=(first.pk, second.pk)).count() == 2


def test_a_state_that_cannot_be_read_keeps_what_it_may_name(own_files):
    spoilt, old = taken("spoilt", days=1), taken("old", days=200)
    new = taken("new")
    of_old, of_spoilt = file_of_coin(old), file_of_coin(spoilt)
    Path(default_storage.path(file_of(spoilt.tables["coin"]["state"], "json"))).write_bytes(b"junk")
    age(hours=25)
    found = prune()
    assert found["unreadable"] == 1
    assert not Snapshot.objects.filter(pk=old.pk).exists()
    # It was there before the spoilt one was stored: perhaps it is named there.
    assert {of_old, of_spoilt} < stored()
    later = taken("later")
    name = file_of_coin(later)
    later.delete()
    age(hours=2)
    prune(quarantined=True)
    assert name not in stored()
    assert verify_snapshot(new).problems == []


# --- exports ------------------------------------------------------------------------------------------


def test_an_expired_archive_goes_and_its_row_stays():
    export = request_export(taken("new").deployment, ExportOptions(assets="none"))
    Job.objects.filter(pk=export.job_id).update(state=Job.State.DONE)
    now = timezone.now()
    for mode, hours in (("regular", -1), ("anonymous", 1)):
        name = default_storage.save(f"exports/{export.pk}/{mode}.zip", ContentFile(b"1234567"))
        ExportArchive.objects.create(
            export=export, mode=mode, file=name, bytes=7, sha256="", expires_at=now + timedelta(hours=hours)
        )
    found = prune()
    assert found["archives"] == {"files": 1, "bytes": 7, "waits": False}
    assert not default_storage.exists(f"exports/{export.pk}/regular.zip")
    assert default_storage.exists(f"exports/{export.pk}/anonymous.zip")
    assert export.archives.count() == 2
    ExportArchive.objects.update(expires_at=now)
    prune()
    call_command("verify", "--all")  # what has expired is not missing


def test_an_archive_that_waits_for_its_row_stays():
    export = request_export(taken("new").deployment, ExportOptions(assets="none"))
    name = default_storage.save(f"exports/{export.pk}/regular.zip", ContentFile(b"1"))
    age(hours=30)
    prune()
    assert default_storage.exists(name)
    Export.objects.all().delete()
    prune(quarantined=True)
    assert not default_storage.exists(name)


# --- by itself, and as a command -----------------------------------------------------------------------


def test_it_is_asked_for_once_a_day():
    submit_daily()
    submit_daily()
    first = Job.objects.get(kind="prune")
    assert (first.cluster, first.state) == ("slow", "queued")
    Job.objects.filter(pk=first.pk).update(state=Job.State.DONE)
    submit_daily()
    prune()  # by hand: it does not count
    assert Job.objects.filter(options__daily=True).count() == 1
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    submit_daily()
    assert Job.objects.filter(options__daily=True).count() == 2


def test_the_command(capsys, own_files):
    old, new = taken("old", days=200), taken("new")
    age()
    call_command("prune", "--dry-run", "-v", "2")
    out = capsys.readouterr().out
    assert "made__launch: 1 snapshots would go, 1 stay\n  1  the newest good one\n" in out
    assert re.search(rf"^ *{old.pk}  \S+  goes$", out, re.MULTILINE)
    assert re.search(rf"^ *{new.pk}  \S+  the newest good one$", out, re.MULTILINE)
    assert "2 files of snapshots, 0 of expired exports and 0 of assets would go" in out
    call_command("prune", "--deployment", "made__launch")
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "made__launch: 1 snapshots went, 1 stay"
    assert out[-1].endswith(" bytes were freed")
    assert held() == {new.pk}
