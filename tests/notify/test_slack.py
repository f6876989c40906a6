"""Messages to a server that speaks Slack's chat.postMessage, and each way in which it may not take one."""

import logging
from types import SimpleNamespace

import pytest
from slack_sdk.http_retry import builtin_handlers

from exports.notify import slack as channel
from exports.notify.message import Text
from exports.notify.undelivered import Undelivered

from . import servers

TEXT = Text("Subject", "Body <!channel> & more\n")


@pytest.fixture
def waits(monkeypatch):
    """How long the SDK would have waited, each time."""
    found = []
    monkeypatch.setattr(builtin_handlers, "time", SimpleNamespace(sleep=found.append))
    return found


def test_a_message_arrives_with_the_token_in_the_channel(slack):
    channel.send(TEXT)
    [got] = slack.got
    assert got["channel"] == "C0123456789"
    assert got["text"] == "Subject\n\nBody &lt;!channel&gt; &amp; more\n"


@pytest.mark.parametrize(("code", "words"), [
    ("invalid_auth", "SLACK_BOT_TOKEN"), ("token_revoked", "SLACK_BOT_TOKEN"), ("channel_not_found", "SLACK_CHANNEL"),
    ("not_in_channel", "invite the app"), ("fatal_error", "fatal_error"),
])  # fmt: skip
def test_a_refusal_names_slacks_code(slack, code, words):
    slack.answers = [code]
    with pytest.raises(Undelivered) as caught:
        channel.send(TEXT)
    assert f"Slack refuses the message ({code})" in caught.value.sentence
    assert words in caught.value.sentence
    assert slack.asked == 1


def test_a_wrong_token_is_refused_and_not_told(slack, settings, caplog):
    settings.SLACK_BOT_TOKEN = "xoxb-wrong-topsecret"
    with caplog.at_level(logging.DEBUG), pytest.raises(Undelivered, match="invalid_auth") as caught:
        channel.send(TEXT)
    assert "topsecret" not in caught.value.sentence + caplog.text
    assert caught.value.__cause__ is None


def test_a_short_wait_is_kept_by_the_sdk(slack, waits):
    slack.answers, slack.retry_after = ["ratelimited", "ratelimited"], "7"
    channel.send(TEXT)
    assert slack.asked == 3
    assert len(slack.got) == 1
    assert [int(wait) for wait in waits] == [7, 7]


@pytest.mark.parametrize(("asked_for", "wait"), [("600", 600), ("999999", 3600), ("soon", 60)])
def test_a_long_wait_is_left_to_a_later_job(slack, waits, asked_for, wait):
    slack.answers, slack.retry_after = ["ratelimited"] * 5, asked_for
    with pytest.raises(Undelivered, match="ratelimited") as caught:
        channel.send(TEXT)
    assert caught.value.wait == wait
    assert sum(waits) < 5


@pytest.mark.parametrize(("answer", "status"), [("500", 500), ("page", 200)])
def test_an_answer_that_is_not_slacks(slack, answer, status):
    slack.answers = [answer]
    with pytest.raises(Undelivered, match=f"status {status} and no reason"):
        channel.send(TEXT)


def test_a_server_that_hangs_is_left(slack, monkeypatch):
    monkeypatch.setattr(channel, "TIMEOUT", 0.1)
    slack.answers = ["hang"]
    with pytest.raises(Undelivered, match="took too long"):
        channel.send(TEXT)
    assert slack.asked == 1


def test_nobody_there(settings):
    settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = servers.TOKEN, "C1"
    with servers.slack() as gone:
        settings.SLACK_BASE_URL = gone.url
    with pytest.raises(Undelivered, match="does not answer at SLACK_BASE_URL"):
        channel.send(TEXT)
