"""History, deployments and decisions come back from the store alone; what was withdrawn or erased does not."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage

from exports.history.pin import pin
from exports.mirroring.mirror import mirror
from exports.models import DeploymentManifest, Note, Snapshot, StoredAsset, Withdrawal
from exports.operations import rebuild
from exports.operations.storage_check import verify_snapshot
from exports.store import installation, manifests
from psynetdata import credentials, jobs
from psynetdata.env import local_storage
from psynetdata.models import Decision, Deployment, Participant, Response, SavedSheet
from psynetdata.psynet.problems import Conflict, NotFound
from tests.ledger.moments import ANN, BOB, moment
from tests.references import DATA

from .aged_snapshots import age, file_of_coin, prune, stored, taken

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def exported(typed, path: Path, deployment_id: str) -> dict[str, bytes]:
    status, _, err = typed("export", "--deployment", deployment_id, "--assets", "none", "--path", path)
    assert status == 0, err
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def desk(typed, begin):
    """Three deployments with decisions, notes, a password, a pin and a withdrawal, all described in the store."""
    begin("rebuild", lambda: _make_desk(typed))
    return list(Deployment.objects.order_by("number"))


def _make_desk(typed):
    for name in ("static", "static_audio", "timeline"):
        assert typed("load", DATA / name / "database.zip")[0] == 0
    one, two, _ = Deployment.objects.order_by("number")
    one.source_secret = credentials.keep("source 1", "pass word")
    one.restricted, one.keep_daily_days = True, 7
    one.save()
    one.people.add(get_user_model().objects.create_user("ada"))
    Decision.objects.create(
        deployment=one, table="response", column="answer", selector="age", shared="drop", open="drop", kind="text",
        reason="asked for",
    )  # fmt: skip
    Note.objects.create(deployment=two, text="A note.")
    SavedSheet.objects.create(deployment=two, name="mine", base="trial", columns=[["id", "id"]])
    pin(Snapshot.objects.newest(two))
    assert typed("withdraw", "1", "--deployment", two.deployment_id)[0] == 0
    manifests.save_due()
    assert not manifests.are_due()


def rows_of(*models) -> dict:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


HISTORY = (Deployment, Snapshot, Decision, Note, SavedSheet, Withdrawal)


def without_account(rows: dict) -> dict:
    """Accounts are not in the store, so nobody in particular did what was done."""
    return json.loads(
        json.dumps(rows, default=str)
        .replace('"by_id": 1', '"by_id": null')
        .replace('"author_id": 1', '"author_id": null')
    )


def test_a_desk_from_the_store_alone(desk, typed, tmp_path, django_db_setup):
    before, history = {}, without_account(rows_of(*HISTORY))
    for one in desk:
        before[one.pk] = exported(typed, tmp_path / f"before-{one.pk}", one.deployment_id)
    django_db_setup.reset()
    assert not Deployment.objects.exists()
    with pytest.raises(installation.WrongStorage):
        jobs.run_here("prune")
    status, out, err = typed("rebuild")
    assert (status, err) == (0, "")
    assert "3 deployments, 3 snapshots, 1 withdrawals" in out
    assert without_account(rows_of(*HISTORY)) == history
    assert credentials.reveal(Deployment.objects.get(pk=desk[0].pk).source_secret) == "pass word"
    for one in desk:
        assert exported(typed, tmp_path / f"after-{one.pk}", one.deployment_id) == before[one.pk]
    for face in ("identified", "anonymous"):
        shown = Participant.objects.using(face).filter(deployment_number=desk[1].pk)
        assert shown.exists()
        assert not shown.filter(id=1).exists()
    assert typed("verify", "--all")[0] == 0
    assert not manifests.are_due()


def test_an_identifier_that_only_a_pruned_snapshot_held_is_still_known(typed, django_db_setup):
    old = moment(0, (1, ANN), (2, BOB))
    newest = moment(1, (1, ANN), answers=(f"I met {BOB} there",))
    mirror(newest)
    manifests.save_due()
    old.refresh_from_db()
    default_storage.delete(old.manifest)
    django_db_setup.reset()
    assert typed("rebuild")[0] == 0
    assert list(Snapshot.objects.values_list("pk", flat=True)) == [newest.pk]
    assert BOB not in str(Response.objects.using("anonymous").get().answer)
    assert typed("verify", "--all")[0] == 0


def test_new_rows_after_a_rebuild_have_new_numbers(desk, typed, django_db_setup):
    django_db_setup.reset()
    typed("rebuild")
    highest = Snapshot.objects.latest("pk").pk
    assert typed("load", DATA / "custom_table_simple" / "database.zip")[0] == 0
    assert Snapshot.objects.latest("pk").pk > highest
    assert Deployment.objects.count() == 4


def test_a_deployment_that_was_restricted_stays_so(desk, typed, django_db_setup):
    django_db_setup.reset()
    get_user_model().objects.create_user("ada")
    typed("rebuild")
    one = Deployment.objects.get(pk=desk[0].pk)
    assert one.restricted
    assert [user.username for user in one.people.all()] == ["ada"]


def test_what_was_pruned_does_not_come_back(typed, django_db_setup):
    old, new = taken("old", days=200), taken("new")
    manifests.save_due()
    age()
    prune()
    assert not default_storage.exists(f"{Path(DeploymentManifest.objects.get().name).parent}/{old.pk}.json.gz")
    django_db_setup.reset()
    rebuild.rebuild()
    assert list(Snapshot.objects.values_list("pk", flat=True)) == [new.pk]
    assert verify_snapshot(Snapshot.objects.get()).problems == []


def test_an_older_database_gets_what_it_lacks_and_forgets_no_withdrawal(desk, typed):
    two = desk[1]
    only_here = Withdrawal.objects.create(deployment=two, participant=77)
    Snapshot.objects.filter(deployment=desk[2]).delete()
    Decision.objects.all().delete()
    Withdrawal.objects.filter(participant=1).delete()
    result = rebuild.rebuild()
    assert (result.deployments, result.snapshots, result.withdrawals) == (0, 1, 1)
    assert {row.participant for row in Withdrawal.objects.all()} == {1, only_here.participant}
    assert Decision.objects.count() == 1


def test_a_database_of_other_deployments_is_refused(desk, typed, django_db_setup):
    django_db_setup.reset()
    Deployment.objects.create(number=desk[0].pk, deployment_id="another")
    with pytest.raises(Conflict, match="not one of this store's"):
        rebuild.rebuild()
    assert Deployment.objects.count() == 1


def test_a_snapshot_whose_files_are_gone_is_named_and_left_out(typed, django_db_setup, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    first, second = taken("one", days=1), taken("two")
    manifests.save_due()
    default_storage.delete(file_of_coin(first))
    django_db_setup.reset()
    status, _, err = typed("rebuild")
    assert status == 0
    assert f"Snapshot {first.pk} of made__launch is not rebuilt: table coin has segments that are missing" in err
    assert list(Snapshot.objects.values_list("pk", flat=True)) == [second.pk]


def test_manifests_that_this_master_key_did_not_sign(desk, typed, settings, django_db_setup):
    django_db_setup.reset()
    settings.MASTER_KEY = Fernet.generate_key().decode()
    status, _, err = typed("rebuild")
    assert status == 1
    assert "were not signed with this master key" in err
    assert not Deployment.objects.exists()


def test_a_forged_decision_is_noticed(desk, typed, django_db_setup):
    path = Path(default_storage.path(DeploymentManifest.objects.get(deployment=desk[0]).name))
    forged = json.loads(gzip.decompress(path.read_bytes()))
    for row in forged["content"]["rows"]:
        if row["model"] == "psynetdata.decision":
            row["fields"]["shared"] = "keep"
    path.write_bytes(gzip.compress(json.dumps(forged).encode()))
    django_db_setup.reset()
    with pytest.raises(Conflict, match="1 of "):
        rebuild.rebuild()


def test_a_storage_without_manifests(typed):
    with pytest.raises(NotFound):
        rebuild.rebuild()


def test_from_another_storage(desk, typed, django_db_setup, settings, tmp_path):
    StoredAsset.objects.create(deployment=desk[0], asset_id=1, sha256="ab" * 32, bytes=3)
    manifests.save_due()
    shutil.copytree(default_storage.location, tmp_path / "other")
    django_db_setup.reset()
    settings.STORAGES = {**settings.STORAGES, "default": local_storage(tmp_path / "new")}
    status, out, err = typed("rebuild", "--from", (tmp_path / "other").as_uri())
    assert (status, err) == (0, "")
    assert "3 deployments, 3 snapshots" in out
    assert StoredAsset.objects.get().sha256 == "ab" * 32
    assert typed("rebuild", "--from", "nonsense")[0] == 2


# --- when they are written ------------------------------------------------------------------------------


def test_each_change_is_noticed_and_nothing_is_written_twice(desk):
    files = {name: Path(default_storage.path(name)).stat().st_mtime_ns for name in stored() if "manifests/" in name}
    assert manifests.save_due() == 0
    assert {name: Path(default_storage.path(name)).stat().st_mtime_ns for name in files} == files
    Note.objects.create(deployment=desk[0], text="x")
    assert manifests.are_due()
    assert manifests.save_due() == 1
    pin(Snapshot.objects.newest(desk[0]))
    assert manifests.save_due() == 1


def test_the_tick_sends_a_job_for_what_is_due(desk, monkeypatch):
    sent = []
    monkeypatch.setattr("psynetdata.clusters.async_task", lambda name, argument, cluster, **_: sent.append(argument))
    Note.objects.create(deployment=desk[0], text="x")
    for _ in range(2):
        jobs.tick()
    (job,) = [
        number for number in sent if isinstance(number, int) and jobs.Job.objects.get(pk=number).kind == "manifests"
    ]
    jobs.run(job)
    assert not manifests.are_due()


def test_no_account_and_no_secret_is_in_them(desk):
    for name in stored():
        if name.startswith("manifests/"):
            text = gzip.decompress(Path(default_storage.path(name)).read_bytes()).decode()
            assert "pass word" not in text
            assert '"by"' not in text


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_as_many_queries_for_many_deployments_as_for_one(django_assert_max_num_queries):
    installation.check()
    for number in range(30):
        Deployment.objects.create(deployment_id=f"d{number}")
    manifests.save_due()
    with django_assert_max_num_queries(50):
        manifests.are_due()
