"""Scheduled exports: when they come, their score, and who is told when one stops."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from exports.models import Export, ExportSchedule, Snapshot
from exports.operations import export_schedule, schedule_notice
from exports.package.options import ExportOptions
from psynetdata import jobs
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Conflict, UsageError

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
OPTIONS = ExportOptions(anonymize="yes", assets="none")
NOW = timezone.now()


@pytest.fixture
def weekly():
    deployment = Deployment.objects.create(deployment_id="faces", label="Faces")
    owner = User.objects.create_superuser("ada", email="ada@lab.example")
    snapshot(deployment)
    return export_schedule.schedule(deployment, OPTIONS, every_days=7, owner=owner)


def snapshot(deployment: Deployment) -> Snapshot:
    return Snapshot.objects.create(deployment=deployment, taken_at=timezone.now(), tables={}, rows=0)


def look(row: ExportSchedule, days: float) -> ExportSchedule:
    """At the schedules, so many days after it was made."""
    export_schedule.send_due(row.created_at + timedelta(days=days, minutes=1))
    row.refresh_from_db()
    return row


def finish(row: ExportSchedule, state: str) -> None:
    Job.objects.filter(pk=row.last.job_id).update(state=state, reason="The disk is full." if state == "failed" else "")


def test_one_comes_at_once_and_then_each_week(weekly):
    made = look(weekly, 0).last
    assert (made.owner, made.options, made.job.state) == (weekly.owner, OPTIONS.to_json(), "queued")
    assert look(weekly, 6.9).last == made
    look(weekly, 14.5)  # the desk was away; the one before is not over, and is not overtaken
    assert Export.objects.count() == 1
    finish(weekly, "done")
    snapshot(weekly.deployment)
    assert look(weekly, 14.6).last != made
    assert weekly.due_at - weekly.created_at == pytest.approx(timedelta(days=21), abs=timedelta(minutes=1))
    assert list(Audit.objects.filter(target=str(weekly)).values_list("verb", flat=True)) == ["schedule"]


def test_a_date_from_before_the_clock_was_set_back_comes_nearer(weekly):
    look(weekly, 0)
    finish(weekly, "done")
    on_grid = weekly.due_at
    ExportSchedule.objects.update(due_at=on_grid + timedelta(days=70))
    assert look(weekly, 1).due_at == on_grid
    assert Export.objects.count() == 1


def test_without_a_newer_snapshot_it_is_left_out(weekly):
    look(weekly, 0)
    finish(weekly, "done")
    assert "there is no newer snapshot" in look(weekly, 7).reason
    assert (Export.objects.count(), weekly.failures, weekly.stopped_at) == (1, 0, None)


def test_failures_in_a_row_are_counted(weekly):
    for week, state in enumerate(["failed", "failed", "done", "failed", "cancelled"]):
        look(weekly, 7 * week)
        finish(weekly, state)
        snapshot(weekly.deployment)
    assert look(weekly, 29).failures == 1


def fail_for_good(row: ExportSchedule) -> None:
    for week in range(export_schedule.STOPS_AFTER):
        look(row, 7 * week)
        finish(row, "failed")
        snapshot(row.deployment)
    look(row, 30)


def test_five_failures_stop_it_until_somebody_resumes_it(weekly):
    with pytest.raises(Conflict, match="was not stopped"):
        export_schedule.resume(weekly, user=weekly.owner)
    fail_for_good(weekly)
    assert (weekly.failures, weekly.reason, weekly.stopped_at is not None) == (5, "The disk is full.", True)
    look(weekly, 60)
    assert Export.objects.count() == 5
    export_schedule.resume(weekly, user=weekly.owner)
    assert look(weekly, 60).failures == 0
    assert Export.objects.count() == 6


@pytest.mark.parametrize("lost", ["right", "sight", "account"])
def test_an_owner_who_lost_the_right_makes_none(weekly, lost):
    if lost == "account":
        User.objects.update(is_active=False)
    else:
        User.objects.update(is_superuser=False)
    if lost == "sight":
        may = Permission.objects.filter(codename__in=("export_anonymous", "view_deployment"))
        weekly.owner.user_permissions.set(may)
        Deployment.objects.update(restricted=True)
    assert "is no longer allowed to make such exports" in look(weekly, 0).reason
    assert (Export.objects.count(), weekly.failures) == (0, 1)


def test_a_rhythm_that_is_none(weekly):
    with pytest.raises(UsageError, match="every 1, 7, 30 days"):
        export_schedule.schedule(weekly.deployment, OPTIONS, every_days=3, owner=weekly.owner)


def tell() -> list[Job]:
    schedule_notice.send(timezone.now())
    made = list(Job.objects.filter(kind=schedule_notice.KIND).order_by("pk"))
    for job in made:
        jobs.run(job.pk)
        job.refresh_from_db()
    return made


def test_the_owner_is_told_once_by_mail(weekly, mail_server):
    server = mail_server()
    fail_for_good(weekly)
    ExportSchedule.objects.update(stopped_at=timezone.now())
    assert [job.state for job in tell()] == ["done"]
    assert len(tell()) == 1
    ((_, recipients, sent),) = server.got
    assert recipients == ["ada@lab.example"]
    text = sent.get_content()
    for part in ("Faces", "each week", "failed 5 times in a row", "The disk is full.", "/admin/psynetdata/deployment/"):
        assert part in text


def test_an_owner_without_an_address_is_told_through_the_channel_there_is(weekly, slack):
    User.objects.update(email="")
    fail_for_good(weekly)
    ExportSchedule.objects.update(stopped_at=timezone.now())
    (job,) = tell()
    assert job.result == {"told": ["slack"]}
    assert "that ada scheduled each week" in slack.got[0]["text"]


def test_nobody_can_be_told_and_nothing_is_tried(weekly):
    fail_for_good(weekly)
    ExportSchedule.objects.update(stopped_at=timezone.now())
    assert tell() == []
