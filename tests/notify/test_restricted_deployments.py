"""Messages about a restricted deployment reach those who may see it; to all others they name nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache

from exports.models import Export, ExportSchedule, Incident, Snapshot
from exports.notify import notices
from exports.notify.channel_test import try_channels, try_own_channels
from exports.notify.delivery import deliver
from exports.notify.undelivered import Undelivered
from exports.operations import schedule_notice
from psynetdata.models import Deployment, Job

pytestmark = pytest.mark.django_db(databases="__all__")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TELLING = ("Secret", "zoo__launch", "db.lab.org", "Ada", "U1", "alice")


@pytest.fixture(autouse=True)
def members(slack):
    """A workspace that knows the experimenter, so that a mention would come."""
    cache.clear()
    slack.members = [{"id": "U1", "name": "ada", "profile": {"real_name": "Ada Lovelace"}}]


@pytest.fixture
def zoo():
    return Deployment.objects.create(
        deployment_id="zoo__launch=1", label="Secret", experimenter="Ada Lovelace", restricted=True
    )


def account(name: str, *rights: str, email: str | None = None, **fields) -> User:
    made = User.objects.create_user(name, email=f"{name}@lab.example" if email is None else email, **fields)
    made.user_permissions.set(Permission.objects.filter(codename__in=("view_deployment", *rights)))
    return made


def alarm(of: Deployment, kind="unreachable", at=NOW) -> Incident:
    return Incident.objects.create(deployment=of, kind=kind, sentence="exp on db.lab.org: no answer.", began_at=at)


def export(of: Deployment, owner: User, state="failed") -> Export:
    job = Job.objects.create(kind="export", deployment=of, state=state, finished_at=NOW, reason="Secret is too large.")
    snapshot = Snapshot.objects.create(deployment=of, taken_at=NOW, tables={}, rows=0, bytes=0)
    return Export.objects.create(deployment=of, snapshot=snapshot, job=job, owner=owner, options={"anonymize": "yes"})


def told(*names: str, at=NOW) -> None:
    notices.note(at)
    for name in names or ("slack",):
        deliver(name, at)


def end(incident: Incident, at) -> None:
    incident.ended_at = at
    incident.save()


def mails(server) -> list[tuple[list[str], str]]:
    return [(to, f"{message['Subject']}\n{message.get_content()}") for _, to, message in server.got]


def test_the_channel_of_all_gets_no_name_no_thread_and_no_mention(slack, zoo):
    incident, made = alarm(zoo), export(zoo, account("alice"))
    told()
    end(incident, NOW + MINUTE)
    told(at=NOW + MINUTE)
    site = "https://data.example.org/admin/exports"
    assert [message["text"] for message in slack.got] == [
        "The data desk: 1 alarm, 1 export\n\n"
        "Source unreachable: a deployment with restricted access\nSince 2026-11-22 12:00:00 UTC.\n"
        f"{site}/incident/{incident.pk}/change/\n\n"
        f"Export failed: a deployment with restricted access\nExport {made.pk}\n{site}/export/{made.pk}/change/\n",
        "The data desk: Over: source unreachable: a deployment with restricted access\n\n"
        "Over: source unreachable: a deployment with restricted access\n"
        "It began 2026-11-22 12:00:00 UTC and was over 2026-11-22 12:01:00 UTC.\n"
        f"{site}/incident/{incident.pk}/change/\n",
    ]
    assert not any("thread_ts" in message for message in slack.got)


def test_one_that_was_told_by_name_is_over_without_it(slack, zoo):
    Deployment.objects.update(restricted=False)
    incident = alarm(zoo)
    told()
    assert slack.got[0]["text"].startswith("<@U1> The data desk: Source unreachable: Secret")
    Deployment.objects.update(restricted=True)
    end(incident, NOW + MINUTE)
    told(at=NOW + MINUTE)
    assert "thread_ts" not in slack.got[1]
    assert not any(word in slack.got[1]["text"] for word in TELLING)


def test_a_channel_of_its_own_gets_it_all_in_a_thread(slack, zoo):
    Deployment.objects.update(slack_channel="C0SECRET")
    other = Deployment.objects.create(deployment_id="other", label="Other")
    first = alarm(zoo)
    alarm(other)
    told()
    end(first, NOW + MINUTE)
    told(at=NOW + MINUTE)
    own = [message for message in slack.got if message["channel"] == "C0SECRET"]
    assert [message.get("thread_ts") for message in own] == [None, f"1.{slack.got.index(own[0]) + 1}"]
    assert all("Secret" in message["text"] and "db.lab.org" in message["text"] for message in own)
    [general] = [message for message in slack.got if message not in own]
    assert (general["channel"], "Source unreachable: Other" in general["text"]) == ("C0123456789", True)


def test_the_channel_of_all_is_none_of_its_own(slack, zoo, settings):
    Deployment.objects.update(slack_channel="general")
    settings.SLACK_CHANNEL = "#general"
    alarm(zoo)
    told()
    assert not any(word in slack.got[0]["text"] for word in TELLING)


def test_a_wrong_channel_of_its_own_says_where_to_set_it(slack, zoo):
    Deployment.objects.update(slack_channel="C0SECRET")
    slack.answers = ["channel_not_found"]
    alarm(zoo)
    notices.note(NOW)
    with pytest.raises(Undelivered, match="see “Who sees it”") as caught:
        deliver("slack", NOW)
    assert "C0SECRET" not in caught.value.sentence


def test_mail_goes_to_those_who_may_see_it(mail_server, zoo, settings):
    server = mail_server()
    settings.ALARM_EMAILS = ["Chief@lab.example", "public@lab.example", "viewer@lab.example"]
    account("chief", "change_deployment")
    account("viewer")
    zoo.people.set([account("bob"), account("mute", email=""), account("left", is_active=False)])
    alarm(zoo)
    alarm(Deployment.objects.create(deployment_id="other", label="Other"))
    told("email")
    found = {tuple(sorted(to)): text for to, text in mails(server)}
    assert set(found) == {("bob@lab.example", "chief@lab.example"), tuple(settings.ALARM_EMAILS)}
    restricted, open_one = found["bob@lab.example", "chief@lab.example"], found[tuple(settings.ALARM_EMAILS)]
    assert "Secret" in restricted
    # Bob may not know where data comes from.
    assert ("db.lab.org" in restricted, "The source does not answer" in restricted) == (False, True)
    assert ("Secret" in open_one, "db.lab.org" in open_one) == (False, True)


def test_who_may_know_all_is_told_all(mail_server, zoo):
    server = mail_server()
    zoo.people.set([account("chief", "change_deployment")])
    alarm(zoo)
    told("email")
    [(to, text)] = mails(server)
    assert (to, "db.lab.org" in text) == (["chief@lab.example"], True)


def test_where_nobody_can_be_written_to_no_name_leaves(mail_server, zoo):
    server = mail_server()
    alarm(zoo)
    told("email")
    [(to, text)] = mails(server)
    assert to == ["me@lab.example", "you@lab.example"]
    assert "a deployment with restricted access" in text
    assert not any(word in text for word in TELLING)


@pytest.mark.parametrize("sees", [True, False])
def test_an_export_is_told_to_its_owner_while_they_see_it(mail_server, zoo, sees):
    server = mail_server()
    alice = account("alice")
    zoo.people.set([alice, account("bob")] if sees else [account("bob")])
    export(zoo, alice)
    told("email")
    [(to, text)] = mails(server)
    assert to == (["alice@lab.example"] if sees else ["bob@lab.example"])
    assert "Secret is too large." in text


@pytest.mark.parametrize("way", ["owner", "slack"])
def test_an_owner_who_lost_sight_of_it_is_told_that_it_stopped_and_no_more(slack, mail_server, zoo, settings, way):
    server = mail_server()
    if way == "slack":
        settings.EMAIL_HOST = ""
    row = ExportSchedule.objects.create(
        deployment=zoo, owner=account("alice"), options={}, every_days=7, due_at=NOW, stopped_at=NOW, failures=5,
        reason="Secret is too large.",
    )  # fmt: skip
    assert schedule_notice.notify_owner(row.pk) == [way]
    text = mails(server)[0][1] if way == "owner" else slack.got[0]["text"]
    assert "a deployment with restricted access" in text
    assert ("alice" in text) == (way == "owner")
    assert not any(word in text for word in TELLING if word != "alice")


def test_test_messages_go_into_channels_of_their_own_too(slack, zoo):
    Deployment.objects.update(slack_channel="C0SECRET")
    Deployment.objects.create(deployment_id="old", state="archived", slack_channel="C0OLD")
    slack.answers = ["ok", "not_in_channel"]
    assert try_channels() == [("Slack", "")]
    [own] = try_own_channels()
    assert own[0] == "Slack, the channel of Secret"
    assert "invite the app to the channel of “Who sees it”" in own[1]
    assert [message["channel"] for message in slack.got] == ["C0123456789"]
