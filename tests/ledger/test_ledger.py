"""An identifier that any stored snapshot held is replaced and searched for everywhere, whichever snapshot is shown."""

import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from exports.ledger.collection import Ledger, complete
from exports.mirroring.mirror import mirror
from exports.mirroring.outdated_faces import send_outdated
from exports.models import LedgerFile, Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment, Job, Response
from psynetdata.psynet.problems import LeakFound

from .moments import ANN, BOB, EVE, moment

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


def exported(snapshot: Snapshot, folder: Path) -> str:
    """All text of the snapshot's anonymous export."""
    call_command(
        "export", snapshot=snapshot.pk, anonymize="yes", path=folder, assets="none", type="database", n_parallel=1,
        deployment=snapshot.deployment.deployment_id, stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file() and path.suffix != ".zip"]
    for path in folder.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            texts += [archive.read(name).decode() for name in archive.namelist()]
    return "\n".join(texts)


def shown() -> list[str]:
    rows = Response.objects.using("anonymous").order_by("deployment_number", "id")
    return [str(answer) for answer in rows.values_list("answer", flat=True)]


def test_who_joins_later_is_replaced_in_earlier_snapshots(tmp_path):
    first = moment(0, (1, ANN), answers=(f"I met {BOB} there",))
    mirror(first)
    assert BOB in shown()[0]  # nobody knows yet that it is an id
    second = moment(1, (1, ANN), (2, BOB), answers=(f"I met {BOB} there",))
    text = exported(first, tmp_path / "first")
    assert "I met p_" in text
    assert BOB not in text
    mirror(second)
    assert BOB not in shown()[0]


def test_who_was_overwritten_is_replaced_in_later_snapshots(tmp_path):
    moment(0, (1, ANN), (2, BOB))
    second = moment(1, (1, ANN), (2, EVE), answers=(f"I met {BOB} and {EVE}",))
    mirror(second)
    assert not any(one in shown()[0] for one in (BOB, EVE))
    text = exported(second, tmp_path / "second")
    assert not any(one in text for one in (ANN, BOB, EVE))


def test_an_identifier_that_only_a_pruned_snapshot_held_is_replaced(tmp_path):
    old = moment(-24 * 200, (1, ANN), (2, BOB))
    Deployment.objects.update(source=Deployment.Source.LOCAL)
    moment(0, (1, ANN), answers=(f"I met {BOB} there",))
    newest = moment(1, (1, ANN), answers=(f"I met {BOB} there",))
    Snapshot.objects.filter(pk=newest.pk).update(taken_at=timezone.now())
    assert jobs.run_here("prune").state == "done"
    assert not Snapshot.objects.filter(pk=old.pk).exists()
    mirror(newest)
    assert BOB not in shown()[0]
    assert BOB not in exported(newest, tmp_path / "newest")


def test_deployments_that_continue_each_other_share_it(tmp_path):
    first = moment(0, (1, ANN), answers=(f"I met {BOB} there",), name="first")
    jobs.run_here("mirror", deployment=first.deployment)
    assert BOB in shown()[0]
    second = moment(1, (2, BOB), answers=(f"I met {ANN} there",), name="second")
    stranger = moment(1, (1, EVE), answers=(f"I met {BOB} there",), name="third")
    Deployment.objects.filter(pk=second.deployment.pk).update(continues=first.deployment)
    jobs.run_here("mirror", deployment=Deployment.objects.get(pk=second.deployment.pk))
    jobs.run_here("mirror", deployment=stranger.deployment)
    assert [name in text for name, text in zip((BOB, ANN, BOB), shown(), strict=True)] == [True, False, True]
    # The face of the first is outdated now; its next refresh is requested, and only that.
    (job,) = send_outdated()
    assert job.deployment == first.deployment
    jobs.run_here("mirror", deployment=first.deployment)
    assert [name in text for name, text in zip((BOB, ANN, BOB), shown(), strict=True)] == [False, False, True]
    Job.objects.filter(state="queued").delete()
    assert send_outdated() == []
    assert BOB not in exported(first, tmp_path / "first")


@pytest.mark.parametrize("later", [True, False])
def test_the_scan_finds_what_the_anonymizer_misses(tmp_path, monkeypatch, later):
    said = (f"I met {BOB} there",)
    if later:
        moments = moment(0, (1, ANN), answers=said), moment(1, (1, ANN), (2, BOB))
    else:
        moments = moment(1, (1, ANN), (2, EVE), answers=said), moment(0, (1, ANN), (2, BOB))
    asked = moments[0]
    monkeypatch.setattr(Ledger, "entries", ())
    with pytest.raises(LeakFound, match="worker_id"):
        exported(asked, tmp_path / "export")
    monkeypatch.undo()
    assert BOB not in exported(asked, tmp_path / "export")


def test_each_snapshot_adds_to_it_once():
    first = moment(0, (1, ANN))
    complete(first.deployment)
    second = moment(1, (1, ANN), (2, BOB))
    third = moment(2, (1, ANN), (2, BOB))
    complete(third.deployment)
    files = LedgerFile.objects.order_by("pk")
    assert [row.entries for row in files] == [files[0].entries] * 2  # of Ann, and of Bob
    assert not Snapshot.objects.filter(collected="").exists()
    assert complete(second.deployment).state == complete(third.deployment).state
    assert LedgerFile.objects.count() == 2


def test_an_asset_becomes_personal_when_a_row_links_it_to_somebody():
    """Neither the asset's row nor its node's changes; the ledger reads them again because of the link."""
    asset = [["id", "node_id", "host_path"], ["5", "3", "assets/a/the-long-name-of-a-clip.wav"]]
    node = [["id", "parent_id", "type"], ["3", None, "dallinger.nodes.Source"], ["4", "3", "dallinger.nodes.Source"]]
    first = moment(0, (1, ANN), asset=asset, node=node)
    assert not any("clip" in word for entry in complete(first.deployment).entries for word in entry)
    link = [["id", "asset_id", "participant_id"], ["1", "5", "1"]]
    second = moment(1, (1, ANN), asset=asset, node=node, asset_participant=link)
    assert ("trace", "5", "the-long-name-of-a-clip", "asset") in complete(second.deployment).entries
    third = moment(2, (1, ANN), node=node, asset=[*asset, ["6", "4", "assets/a/the-long-name-of-another.wav"]])
    assert ("trace", "6", "the-long-name-of-another", "asset") in complete(third.deployment).entries
