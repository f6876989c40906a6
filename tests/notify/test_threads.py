"""A thread in Slack for each deployment, that calls the experimenter; and what is told of exports."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from exports.models import Export, ExportArchive, Incident, Notice, Snapshot
from exports.notify import notices
from exports.notify.delivery import deliver
from exports.notify.undelivered import Undelivered
from psynetdata.models import Deployment, Job

from .test_restricted_deployments import account

pytestmark = pytest.mark.django_db(databases="__all__")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def no_members():
    cache.clear()


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="zoo__launch=1", label="Zoo", experimenter="Ada Lovelace")


def alarm(deployment, kind="late", at=NOW):
    notice = Incident.objects.create(deployment=deployment, kind=kind, sentence="Oh.", began_at=at)
    notices.note(at)
    deliver("slack", at)
    return notice


def over(incident, at):
    incident.ended_at = at
    incident.save()
    notices.note(at)
    deliver("slack", at)


def export(deployment, state="done", *, owner=None, finished=NOW, reason=""):
    job = Job.objects.create(kind="export", deployment=deployment, state=state, finished_at=finished, reason=reason)
    snapshot = Snapshot.objects.create(deployment=deployment, taken_at=NOW, tables={}, rows=0, bytes=0)
    options = {"anonymize": "yes", "assets": "none"}
    made = Export.objects.create(deployment=deployment, snapshot=snapshot, job=job, owner=owner, options=options)
    if state == "done":
        ExportArchive.objects.create(export=made, mode="anonymous", file="x", bytes=1_234_567, sha256="0" * 64)
    return made


def test_a_deployments_messages_stand_in_one_thread(slack, deployment):
    other = Deployment.objects.create(deployment_id="other", label="Other")
    first = alarm(deployment)
    alarm(other)
    alarm(deployment, "fell", NOW + MINUTE)
    over(first, NOW + 2 * MINUTE)
    root, of_other, again, end = slack.got
    assert ("thread_ts" in root, "thread_ts" in of_other) == (False, False)
    assert (again["thread_ts"], end["thread_ts"]) == ("1.1", "1.1")
    # What is wrong is seen in the channel too; that it is over is not.
    assert (str(again["reply_broadcast"]).lower(), str(end["reply_broadcast"]).lower()) == ("true", "false")


def test_a_thread_that_is_gone_is_begun_anew(slack, deployment):
    alarm(deployment)
    slack.answers = ["thread_not_found"]
    alarm(deployment, "fell", NOW + MINUTE)
    alarm(deployment, "drill", NOW + 2 * MINUTE)
    assert [message.get("thread_ts") for message in slack.got] == [None, None, "1.2"]


@pytest.mark.parametrize(("members", "called"), [
    ([("U1", "ada", "Ada Lovelace"), ("U2", "bob", "Bob")], "<@U1> "),
    ([("U1", "ada", "ada lovelace")], "<@U1> "),
    ([("U1", "ada", "Ada Lovelace"), ("U2", "ada2", "Ada Lovelace")], ""),
    ([("U2", "bob", "Bob")], ""),
    ([], ""),
])  # fmt: skip
def test_the_experimenter_is_called_where_one_person_has_the_name(slack, deployment, members, called):
    slack.members = [{"id": number, "name": name, "profile": {"real_name": real}} for number, name, real in members]
    alarm(deployment)
    assert slack.got[0]["text"].startswith(f"{called}The data desk: No new snapshot: Zoo")


def test_an_experimenters_name_is_no_way_to_call_others(slack, deployment):
    deployment.experimenter = "<!channel>"
    deployment.save()
    alarm(deployment)
    assert "<!" not in slack.got[0]["text"]


def test_an_export_is_told_of_once_with_its_link(slack, deployment):
    made = export(deployment, owner=User.objects.create_user("alice"))
    export(deployment)  # of a command: whoever waits for it sees it
    export(deployment, owner=made.owner, finished=NOW - timedelta(days=1))
    for minute in range(3):
        notices.note(NOW + minute * MINUTE)
        deliver("slack", NOW + minute * MINUTE)
    [message] = slack.got
    assert message["text"] == (
        "The data desk: Export ready: Zoo\n\nExport ready: Zoo\nDeployment zoo__launch=1\n"
        f"Export {made.pk} (anonymized, assets: none), requested by alice.\nanonymous 1.2 MB\n"
        f"https://data.example.org/admin/exports/export/{made.pk}/change/\n"
    )


def test_a_failed_export_says_why_and_goes_to_who_asked(slack, mail_server, deployment):
    mail = mail_server()
    owner = account("alice")
    export(deployment, "failed", owner=owner, reason="The leak scan found something.")
    alarm(deployment)
    assert deliver("email", NOW) == 2
    assert [(set(recipients), message["Subject"]) for _, recipients, message in mail.got] == [
        ({"me@lab.example", "you@lab.example"}, "The data desk: No new snapshot: Zoo"),
        ({"alice@lab.example"}, "The data desk: Export failed: Zoo"),
    ]
    assert "The leak scan found something." in slack.got[0]["text"]


def test_an_address_that_is_refused_holds_up_no_other(mail_server, deployment):
    mail = mail_server()
    mail.refused = {"gone@lab.example"}
    export(deployment, owner=account("gone"))
    export(deployment, owner=account("alice"))
    notices.note(NOW)
    with pytest.raises(Undelivered, match="the address of each account"):
        deliver("email", NOW)
    assert [recipients for _, recipients, _ in mail.got] == [["alice@lab.example"]]
    assert Notice.objects.waiting().count() == 1
