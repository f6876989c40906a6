"""Each end of each incident is told once through every channel, whatever happens on the way."""

import logging
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from exports.models import Incident, Notice
from exports.notify import notices
from exports.notify import slack as slack_channel
from exports.notify.delivery import deliver
from exports.notify.undelivered import Undelivered
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import NotFound

pytestmark = pytest.mark.django_db(databases="__all__")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def begin():
    """begin("late") → a new incident of a deployment; begin("storage") of the desk."""

    def make(kind="unreachable", at=NOW, sentence="The host is gone.", label="Zoo"):
        deployment = None
        if kind != "storage":
            deployment, _ = Deployment.objects.get_or_create(deployment_id=f"{label}__launch=1", label=label)
        return Incident.objects.create(kind=kind, deployment=deployment, sentence=sentence, began_at=at)

    return make


def end(incident, at):
    incident.ended_at = at
    incident.save()


def texts(server) -> list[str]:
    return [message["text"] for message in server.got]


def test_beginning_and_end_are_told_once_each(slack, begin):
    incident = begin()
    for minute in range(3):
        notices.note(NOW + minute * MINUTE)
        deliver("slack", NOW + minute * MINUTE)
    end(incident, NOW + 5 * MINUTE)
    for minute in range(5, 8):
        notices.note(NOW + minute * MINUTE)
        deliver("slack", NOW + minute * MINUTE)
    number = incident.deployment.pk
    assert texts(slack) == [
        "The data desk: Source unreachable: Zoo\n\n"
        "Source unreachable: Zoo\nDeployment Zoo__launch=1\nThe host is gone.\nSince 2026-11-22 12:00:00 UTC.\n"
        f"https://data.example.org/admin/psynetdata/deployment/{number}/change/\n",
        "The data desk: Over: source unreachable: Zoo\n\n"
        "Over: source unreachable: Zoo\nDeployment Zoo__launch=1\nThe host is gone.\n"
        "It began 2026-11-22 12:00:00 UTC and was over 2026-11-22 12:05:00 UTC.\n"
        f"https://data.example.org/admin/psynetdata/deployment/{number}/change/\n",
    ]


def test_several_go_in_one_mail_ends_last(mail_server, begin):
    mail = mail_server()
    old = begin(label="Old")
    notices.note(NOW)
    deliver("email", NOW)
    end(old, NOW + MINUTE)
    begin("storage", at=NOW + MINUTE, sentence="There is hardly any space left.")
    begin("late", at=NOW + MINUTE)
    notices.note(NOW + MINUTE)
    assert deliver("email", NOW + MINUTE) == 3
    sent = mail.got[1][2]
    subject, parts = sent["Subject"], sent.get_content().replace("\r\n", "\n").split("\n\n")
    assert subject == "The data desk: 2 alarms, 1 over"
    assert [part.splitlines()[0] for part in parts] == [
        "Storage nearly full", "No new snapshot: Zoo", "Over: source unreachable: Old"
    ]  # fmt: skip
    assert "/admin/exports/incident/" in parts[0]


def test_what_is_over_before_it_was_told_is_told_once(slack, begin):
    slack.answers = ["500"]
    incident = begin()
    notices.note(NOW)
    with pytest.raises(Undelivered):
        deliver("slack", NOW)
    end(incident, NOW + MINUTE)
    notices.note(NOW + MINUTE)
    deliver("slack", NOW + MINUTE)
    [text] = texts(slack)
    assert text.count("source unreachable: Zoo") == 2  # subject and body
    assert "It began 2026-11-22 12:00:00 UTC and was over 2026-11-22 12:01:00 UTC." in text
    assert not Notice.objects.waiting().exists()


def test_a_paused_deployment_has_not_got_well(slack, begin):
    incident = begin()
    notices.note(NOW)
    Deployment.objects.update(state="paused")
    end(incident, NOW + MINUTE)
    notices.note(NOW + MINUTE)
    deliver("slack", NOW + MINUTE)
    assert "was over 2026-11-22 12:01:00 UTC, as the deployment is paused." in texts(slack)[0]


def test_a_channel_that_fails_is_tried_again_and_the_other_is_told_once(slack, mail_server, begin, caplog):
    mail = mail_server()
    begin()
    slack.answers = ["channel_not_found"] * 2
    for minute in range(3):
        now = NOW + minute * MINUTE
        notices.note(now)
        for name in ("slack", "email"):
            with suppress(Undelivered):
                deliver(name, now)
    assert len(slack.got) == len(mail.got) == 1
    assert mail.got[0][2]["Subject"] == "The data desk: Source unreachable: Zoo"
    assert caplog.text.count("channel_not_found") == 1  # not each minute


def test_patience_that_slack_asks_for_is_kept(slack, begin, monkeypatch):
    slack.answers, slack.retry_after = ["ratelimited"], "90"
    begin()
    notices.note(NOW)
    with pytest.raises(Undelivered):
        deliver("slack", NOW)
    assert deliver("slack", NOW + MINUTE) == 0
    assert deliver("slack", NOW + 2 * MINUTE) == 1
    assert slack.asked == 2


@pytest.mark.parametrize(("claim", "longest"), [("", 60), ("another worker", 5)])
def test_a_wait_that_was_written_before_the_clock_was_set_back_is_over(slack, begin, claim, longest):
    begin()
    notices.note(NOW)
    Notice.objects.update(not_before=NOW + longest * MINUTE, claim=claim)
    assert deliver("slack", NOW) == 0
    assert deliver("slack", NOW - MINUTE) == 1


def test_given_up_after_a_day_with_a_line_in_the_log(slack, begin, caplog):
    slack.answers = ["invalid_auth"]
    incident = begin()
    notices.note(NOW)
    with pytest.raises(Undelivered):
        deliver("slack", NOW)
    caplog.clear()
    for minute in range(3):
        notices.note(NOW + DAY + minute * MINUTE)
        assert deliver("slack", NOW + DAY + minute * MINUTE) == 0
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"The beginning of incident {incident.pk} was not told through Slack")
    assert "invalid_auth" in record.getMessage()
    end(incident, NOW + 2 * DAY)
    notices.note(NOW + 2 * DAY)
    deliver("slack", NOW + 2 * DAY)
    assert "It began 2026-11-22" in texts(slack)[0]


def test_a_channel_that_is_set_up_later_is_told_what_is_still_open(slack, begin):
    open_one, over = begin(), begin("late")
    end(over, NOW)
    notices.note(NOW + 3 * DAY)
    deliver("slack", NOW + 3 * DAY)
    assert [notice.incident for notice in Notice.objects.all()] == [open_one]
    assert len(slack.got) == 1


def test_without_a_channel_nothing_is_noted_or_sent(begin):
    begin()
    notices.note(NOW)
    assert notices.send(NOW) == []
    assert not Notice.objects.exists()
    with pytest.raises(NotFound, match="email is not set up"):
        deliver("email")


def test_a_label_stays_on_its_line(slack, mail_server, begin):
    mail = mail_server()
    begin(label="Zoo\nBcc: all@lab.example " + "x" * 240)
    notices.note(NOW)
    deliver("email", NOW)
    [(_, recipients, message)] = mail.got
    assert len(recipients) == 2
    assert message["Bcc"] is None
    assert message["Subject"].strip().startswith("The data desk: Source unreachable: Zoo Bcc: all@lab.example xxx")


def test_a_long_list_is_cut_and_says_where_the_rest_is(mail_server, begin):
    mail = mail_server()
    for number in range(23):
        begin(label=f"Zoo {number}")
    notices.note(NOW)
    assert deliver("email", NOW) == 23
    text = mail.got[0][2].get_content()
    assert text.count("Deployment Zoo") == 20
    assert text.rstrip().endswith("And 3 more: https://data.example.org/admin/exports/incident/")


@pytest.fixture
def sent(monkeypatch):
    monkeypatch.setattr("psynetdata.clusters.async_task", lambda *_, **__: None)


def test_a_job_for_each_channel_and_one_at_a_time(slack, mail_server, begin, sent):
    mail = mail_server()
    begin()
    notices.note(NOW)
    slack.answers = ["invalid_auth"]
    made = notices.send(NOW)
    assert [job.options for job in made] == [{"channel": "email"}, {"channel": "slack"}]
    assert {job.cluster for job in made} == {"fast"}
    assert notices.send(NOW) == []
    for job in made:
        jobs.run(job.pk)
        job.refresh_from_db()
    assert [job.state for job in made] == [Job.State.DONE, Job.State.FAILED]
    assert made[1].reason == "Slack refuses the message (invalid_auth); see SLACK_BOT_TOKEN."
    assert len(mail.got) == 1
    assert [job.options for job in notices.send(NOW)] == [{"channel": "slack"}]


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_at_the_same_moment(slack, begin):
    for kind in ("late", "fell", "unreachable", "drill"):
        begin(kind)
    notices.note(NOW)
    start, told = threading.Barrier(4), []

    def work():
        start.wait()
        told.append(deliver("slack", NOW))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [0, 0, 0, 4]
    assert len(slack.got) == 1


def test_a_worker_that_died_while_telling_is_followed_by_another(slack, begin, monkeypatch):
    begin()
    notices.note(NOW)

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(slack_channel.WebClient, "chat_postMessage", die)
        with pytest.raises(SystemExit):
            deliver("slack", NOW)
    assert deliver("slack", NOW + 4 * MINUTE) == 0
    assert deliver("slack", NOW + 5 * MINUTE) == 1
    assert len(slack.got) == 1
