"""The settings of alarms: what they may say, and a sentence without the secret where they cannot be used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from psynetdata import env

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("url", "server"), [
    ("smtps://me:p%40ss%2F@mail.lab.org", ("mail.lab.org", 465, "me", "p@ss/", True, False)),
    ("smtp://me:secret@mail.lab.org", ("mail.lab.org", 587, "me", "secret", False, True)),
    ("smtp://me%40lab.org:secret@mail.lab.org:2525", ("mail.lab.org", 2525, "me@lab.org", "secret", False, True)),
    ("smtp://me:secret@localhost?starttls=no", ("localhost", 25, "me", "secret", False, False)),
    ("smtp://mail.lab.org/?starttls=yes", ("mail.lab.org", 587, "", "", False, True)),
    ("smtp://[::1]:25", ("::1", 25, "", "", False, False)),
])  # fmt: skip
def test_mail_servers(url, server):
    assert tuple(env.mail_server(url).values()) == server


@pytest.mark.parametrize(("text", "room"), [
    ("5%,2GB", {"share": 0.05, "bytes": 2e9}), ("500 mb", {"share": None, "bytes": 5e8}),
    ("2.5%", {"share": 0.025, "bytes": None}), ("1TB", {"share": None, "bytes": 1e12}),
])  # fmt: skip
def test_room(text, room):
    assert env.room(text) == pytest.approx(room)


def test_addresses():
    assert env.web_address("https://data.lab.org/desk/") == "https://data.lab.org/desk"
    assert env.addresses("me@lab.org, The desk <you@lab.org>") == ["me@lab.org", "The desk <you@lab.org>"]


@pytest.mark.parametrize(("name", "value"), [
    ("EMAIL_URL", "https://me:topsecret@mail.lab.org"), ("EMAIL_URL", "smtp://me:topsecret@mail.lab.org:99999"),
    ("EMAIL_URL", "smtps://me:topsecret@mail.lab.org?starttls=yes"), ("EMAIL_URL", "smtp://me:topsecret@host/path"),
    ("EMAIL_URL", "smtp://me:topsecret@mail.lab.org?tls=yes"), ("EMAIL_URL", "smtp://me:top/secret@mail.lab.org"),
    ("EMAIL_URL", "smtp://[me:topsecret@mail.lab.org"), ("ALARM_EMAILS", "me@lab.org,topsecret"),
    ("EMAIL_FROM", "me@lab.org topsecret"), ("SITE_URL", "data.lab.org"), ("SITE_URL", "https://me:topsecret@lab.org"),
    ("SLACK_BASE_URL", "file:///etc/passwd"), ("SLACK_BOT_TOKEN", "xoxb topsecret"), ("STORAGE_MIN_FREE", "much"),
    ("STORAGE_MIN_FREE", ","),
])  # fmt: skip
def test_what_cannot_be_used_is_refused(name, value):
    parse = {
        "EMAIL_URL": env.mail_server, "ALARM_EMAILS": env.addresses, "EMAIL_FROM": env.address,
        "SITE_URL": env.web_address, "SLACK_BASE_URL": env.web_address, "SLACK_BOT_TOKEN": env.token,
        "STORAGE_MIN_FREE": env.room,
    }[name]  # fmt: skip
    with pytest.raises(ValueError) as caught:
        parse(value)
    assert "secret" not in str(caught.value)


def test_it_is_one_sentence_at_the_start(tmp_path):
    variables = os.environ | {"DATA_DIR": str(tmp_path), "EMAIL_URL": "smtp://me:topsecret@mail.lab.org:x"}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The environment variable EMAIL_URL cannot be used: its port is not a number")
    assert "topsecret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
