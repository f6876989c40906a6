"""Everything that is stored is read again within 30 days; what is damaged is repaired or becomes an alarm."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.models import CheckedPart, Snapshot, SourceCode, StoredAsset
from exports.operations import rehash, upkeep_schedule
from exports.operations.stored_parts import PARTS, Pace, part_of
from exports.store import manifests
from exports.store.blobs import file_of
from psynetdata import jobs
from psynetdata.env import local_storage
from psynetdata.models import Job
from tests.operations.aged_snapshots import NOTHING, stored
from tests.store.snapshot_factory import written_down
from tests.store.test_repair import ROWS, blob_of, damage

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def snapshot():
    return written_down(ROWS)


def check(*parts: int) -> dict:
    """Check these parts, or all of them."""
    return jobs.run_here("rehash", options={"parts": list(parts) or list(range(PARTS))}).result


def asset_of(snapshot, content: bytes = b"a recording") -> StoredAsset:
    row = StoredAsset.objects.create(
        deployment=snapshot.deployment, asset_id=1, sha256=sha256(content).hexdigest(), bytes=len(content), source="x"
    )
    default_storage.save(row.file, ContentFile(content))
    return row


def spoil(name: str) -> None:
    path = Path(default_storage.path(name))
    path.write_bytes(b"damage" + path.read_bytes()[6:])


def test_all_parts_together_are_everything(snapshot, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    written_down(ROWS | {"die": [["id", "text"], ["1", "x"]]}, "two")
    asset_of(snapshot)
    code = SourceCode.objects.create(deployment=snapshot.deployment, sha256=sha256(b"zip").hexdigest(), bytes=3)
    default_storage.save(code.file, ContentFile(b"zip"))
    manifests.save_due()
    result = check()
    # No state names the segment of a table without rows.
    assert result["files"] == len(stored() - {file_of(NOTHING, "csv")})
    assert (result["parts"], result["damaged"], result["repaired"]) == (PARTS, 0, 0)
    assert CheckedPart.objects.exclude(checked_at=None).count() == PARTS


def test_each_day_takes_the_parts_that_were_checked_longest_ago(snapshot):
    days = [set(jobs.run_here("rehash").options["parts"]) for _ in range(3)]
    assert [len(day) for day in days] == [rehash.A_DAY] * 3
    assert len(set().union(*days)) == 3 * rehash.A_DAY
    CheckedPart.objects.filter(pk=200).update(added_at=timezone.now() - 29 * DAY)
    late = jobs.run_here("rehash").options["parts"]
    assert 200 in late
    assert len(late) == rehash.A_DAY + 1
    assert PARTS / rehash.A_DAY < 30


def test_a_job_goes_on_where_a_killed_attempt_ended(snapshot):
    job = jobs.prepare("rehash", options={"parts": [1, 2, 3]})
    rehash._add_parts()
    CheckedPart.objects.filter(pk=1).update(checked_at=timezone.now())
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.result["parts"] == 2


def test_what_is_left_when_the_time_is_over_is_for_the_next_job(snapshot, monkeypatch):
    monkeypatch.setattr(upkeep_schedule, "SECONDS", 0.0)
    assert check(4, 5, 6)["left"] == [5, 6]
    sent = []
    monkeypatch.setattr("psynetdata.jobs._send", sent.append)
    job = upkeep_schedule.submit_due()
    assert (job.kind, job.options) == ("rehash", {"parts": [5, 6]})
    assert upkeep_schedule.submit_due() is None  # it is active
    jobs.run(job.pk)
    jobs.run(upkeep_schedule.submit_due().pk)
    assert upkeep_schedule.submit_due() is None  # until tomorrow
    Job.objects.update(created_at=timezone.now() - 2 * DAY)
    assert upkeep_schedule.submit_due().kind == "rehash"


def test_a_long_check_and_a_long_copy_take_turns(snapshot, settings, tmp_path, monkeypatch):
    settings.STORAGES = {**settings.STORAGES, "second_copy": local_storage(tmp_path / "second")}
    monkeypatch.setattr(upkeep_schedule, "SECONDS", 0.0)
    monkeypatch.setattr("psynetdata.jobs._send", lambda job: None)
    kinds = []
    for _ in range(4):
        job = upkeep_schedule.submit_due()
        jobs.run(job.pk)
        kinds.append(job.kind)
    assert kinds == ["rehash", "copy"] * 2


def test_a_blob_is_repaired_from_another_pack(snapshot):
    written_down(ROWS, "two")
    damage(blob_of(snapshot))
    assert check(part_of(file_of(blob_of(snapshot), "csv")))["repaired"] == 1
    assert check()["damaged"] == 0


def test_damage_without_another_copy_is_noted_until_it_is_gone(snapshot):
    ref = blob_of(snapshot)
    whole = Path(default_storage.path(file_of(ref, "csv"))).read_bytes()
    damage(ref)
    assert check()["damaged"] == 1
    assert Snapshot.objects.get().damage == [ref]
    row = CheckedPart.objects.get(damaged=1)
    assert row.only_copies == []  # its source still has the rows
    assert row.pk in jobs.run_here("rehash").options["parts"]  # each day
    Path(default_storage.path(file_of(ref, "csv"))).write_bytes(whole)
    jobs.run_here("rehash")
    assert Snapshot.objects.get().damage == []
    assert not CheckedPart.objects.filter(damaged__gt=0).exists()


def test_only_copies_are_named(snapshot):
    snapshot.deployment.state = "archived"
    snapshot.deployment.save()
    damage(blob_of(snapshot))
    check()
    assert CheckedPart.objects.get(damaged=1).only_copies == [snapshot.deployment.pk]


def test_a_missing_state(snapshot, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    other = written_down({"die": [["id", "text"], ["1", "x"]]}, "two")
    state = other.tables["die"]["state"]
    default_storage.delete(file_of(state, "json"))
    assert check()["damaged"] == 1
    assert Snapshot.objects.get(pk=other.pk).damage == [state]


def test_other_files(snapshot):
    asset = asset_of(snapshot)
    manifests.save_due()
    spoil(asset.file)
    spoil(Snapshot.objects.get().manifest)
    result = check()
    assert (result["damaged"], result["repaired"]) == (1, 1)
    assert StoredAsset.objects.get().source == ""  # an export fetches it again
    manifests.save_due()  # and the manifest is written again
    default_storage.save(asset.file, ContentFile(b"a recording"))
    assert check()["damaged"] == 0


def test_verify_all_counts_as_a_check(snapshot, typed):
    assert typed("verify", "--all")[0] == 0
    assert CheckedPart.objects.exclude(checked_at=None).count() == PARTS
    damage(blob_of(snapshot))
    check()
    assert typed("verify", "--all")[0] == 1
    assert CheckedPart.objects.get(damaged=1)


def test_the_pace_is_kept(monkeypatch):
    now, waited = [0.0], []
    monkeypatch.setattr("exports.operations.stored_parts.monotonic", lambda: now[0])

    def pass_time(seconds):
        waited.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("exports.operations.stored_parts.sleep", pass_time)
    assert list(Pace(100).paced([b"x" * 50] * 6)) == [b"x" * 50] * 6
    assert sum(waited) == pytest.approx(3.0)
