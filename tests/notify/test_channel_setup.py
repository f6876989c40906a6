"""Setting the channels up: the command that tries them, and the check that finds half-set ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from exports.notify.system_checks import half_set_up
from psynetdata.psynet.problems import Problem, UsageError

ROOT = Path(__file__).resolve().parents[2]


def test_the_test_message_goes_through_every_channel(slack, mail_server, capsys):
    mail = mail_server()
    call_command("notify", "--test")
    assert capsys.readouterr().out == "Slack: sent\nE-mail: sent\n"
    assert slack.got[0]["text"].startswith("The data desk: a test message")
    assert "https://data.example.org/admin/" in mail.got[0][2].get_content()


def test_one_that_fails_holds_up_no_other(slack, mail_server, capsys):
    mail = mail_server()
    slack.answers = ["not_in_channel"]
    with pytest.raises(Problem, match=r"^Slack: Slack refuses the message \(not_in_channel\)"):
        call_command("notify", "--test")
    assert capsys.readouterr().out == "E-mail: sent\n"
    assert len(mail.got) == 1


def test_no_channel_is_an_error_and_nothing_is_sent_unasked(slack, settings):
    with pytest.raises(UsageError):
        call_command("notify")
    settings.SLACK_CHANNEL = ""
    with pytest.raises(Problem, match="No channel is set up"):
        call_command("notify", "--test")
    assert slack.asked == 0


def test_half_a_channel_is_a_sentence(settings):
    assert half_set_up(None) == []
    settings.SLACK_CHANNEL, settings.EMAIL_FROM = "C1", "a@b"
    assert [warning.msg for warning in half_set_up(None)] == [
        "Slack is only partly set up and sends no alarms: SLACK_BOT_TOKEN is not set.",
        "E-mail is only partly set up and sends no alarms: EMAIL_URL and ALARM_EMAILS are not set.",
    ]
    settings.SLACK_BOT_TOKEN = "x"
    settings.EMAIL_HOST, settings.ALARM_EMAILS = "h", ["a@b"]
    assert half_set_up(None) == []


def test_as_a_user_types_it(slack, tmp_path):
    names = ("SLACK_BOT_TOKEN", "SLACK_CHANNEL", "EMAIL_URL", "ALARM_EMAILS", "EMAIL_FROM", "DATABASE_URL")
    variables = {name: value for name, value in os.environ.items() if name not in names} | {
        "DATA_DIR": str(tmp_path), "SLACK_BASE_URL": f"{slack.url}/", "SLACK_BOT_TOKEN": "xoxb-topsecret",
        "SLACK_CHANNEL": "C1", "EMAIL_URL": "smtps://me:topsecret@localhost", "NO_PROXY": "*",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "notify", "--test"],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ALARM_EMAILS and EMAIL_FROM are not set" in done.stderr
    assert "Slack: Slack refuses the message (invalid_auth); see SLACK_BOT_TOKEN." in done.stderr
    assert "topsecret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
