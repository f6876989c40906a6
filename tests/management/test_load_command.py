"""The command `load`, as people type it: what it prints, where, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.db import transaction

from exports.load import load as load_module
from exports.models import Snapshot
from exports.store import installation
from psynetdata.management import cli
from psynetdata.models import Job
from psynetdata.psynet.problems import BadInput
from tests.load.uploads import DATA, reference, to_zip, with_cell

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_printed(typed):
    status, out, err = typed("load", DATA / "timeline" / "database.zip")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:6] == [
        "deployment  timeline-demo__mode=debug__launch=2026-11-22--08-05-26",
        "label       Timeline demo",
        "clock       UTC",
        "PsyNet      13.3.0",
        "Dallinger   12.4.0",
        "Python      3.11.7",
    ]
    assert "participant          7" in lines
    assert "7 tables with rows, 25 empty" in lines
    assert lines[-1] == f"snapshot {Snapshot.objects.get().pk}, of 2026-11-22T08:06:06Z (new)"


def test_the_second_time(typed):
    typed("load", DATA / "timeline" / "database.zip")
    status, out, _ = typed("load", DATA / "timeline" / "database.zip")
    assert status == 0
    assert out.splitlines()[-1].endswith("(already there; nothing was added)")


def test_warnings_go_to_stderr(typed, tmp_path):
    path = to_zip(tmp_path / "a.zip", with_cell(reference(), "participant", "vars", "{"))
    status, out, err = typed("load", path)
    assert status == 0
    assert err.splitlines() == ["Warning: Table participant, column vars: 1 text is not JSON; kept as plain text."]
    assert "Warning" not in out


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_bad_input_is_one_sentence(typed, tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    status, out, err = typed("load", tmp_path / "a.zip")
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("a.zip is ")
    assert Job.objects.get().reason == err.strip()


def test_a_usage_error(typed):
    status, out, err = typed("load")
    assert (status, out) == (2, "")
    assert "usage:" in err


def test_a_path_is_taken_from_where_the_user_stands(typed, monkeypatch):
    monkeypatch.chdir(DATA / "timeline")
    assert typed("load", "database.zip")[0] == 0
    assert Job.objects.get(kind="load").options["path"] == str(DATA / "timeline" / "database.zip")


def test_the_command_called_from_code_raises(tmp_path):
    with pytest.raises(BadInput):
        call_command("load", str(tmp_path / "missing.zip"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_it_cleanly(typed, monkeypatch, settings, own_storage, number, status):
    commit = load_module.commit

    def commit_and_press(*args, **options):
        with transaction.atomic():
            commit(*args, **options)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(load_module, "commit", commit_and_press)
    ended, _, err = typed("load", DATA / "timeline" / "database.zip")
    assert ended == status
    assert err.splitlines() == ["Interrupted; no unfinished results were kept."]
    assert Job.objects.get().state == Job.State.CANCELLED
    assert not Snapshot.objects.exists()
    assert [path.name for path in own_storage.rglob("*") if path.is_file()] == [installation.FILE]
    assert not [path for path in settings.TEMP_DIR.iterdir() if path.name.startswith("load-")]


def test_databases_that_are_not_migrated(tmp_path):
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "load", "x.zip", "--skip-checks"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert ended.stderr == "The site's databases do not have the current structure; run `manage.py migrate`.\n"


# --- progress ------------------------------------------------------------------------------


class Screen:
    """Takes what is written to it; says of itself whether it is a terminal."""

    def __init__(self, terminal: bool):
        self.terminal = terminal
        self.text = ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def _shown(terminal: bool, *states) -> str:
    screen = Screen(terminal)
    shown = cli.Progress(OutputWrapper(screen))
    for phase, done, total in states:
        shown(Job(phase=phase, done=done, total=total))
    shown.close()
    return screen.text


def test_a_bar_on_a_terminal():
    text = _shown(True, ("reading info", 50, 100), ("storing", 1, None))
    first, second, *rest = text.split("\r")[1:]
    assert first == "[############............]  50 %  reading info"
    assert second.rstrip() == "storing …"
    assert len(second) == len(first)  # nothing of the longer line stays
    assert "".join(rest).strip() == ""
    assert "\n" not in text


def test_a_line_now_and_then_elsewhere(monkeypatch):
    now = 0.0

    def clock():
        nonlocal now
        now += 4.0
        return now

    monkeypatch.setattr(cli, "monotonic", clock)
    monkeypatch.setattr(cli, "LINE_EVERY", 10.0)
    text = _shown(False, *[("reading", number, 10) for number in range(10)])
    lines = text.splitlines()
    assert all(line.startswith("reading: ") for line in lines)
    assert 2 <= len(lines) <= 5
