"""Children are started, watched, restarted, and ended with all they started."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from psynetdata.infra import supervisor
from psynetdata.infra.supervisor import Child, Supervisor, only_one
from psynetdata.psynet.problems import Problem

# Writes its process id, starts a child of its own that does the same, and waits.
PARENT = """
import os, subprocess, sys, time
folder = sys.argv[1]
open(f"{folder}/parent-{os.getpid()}", "w").close()
code = f"import os, time; open('{folder}/child-' + str(os.getpid()), 'w').close(); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(supervisor, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(supervisor, "WATCH_EVERY", 0.05)
    monkeypatch.setattr(supervisor, "RESTART_PAUSE", 0.05)


@pytest.fixture
def running():
    """running(child) starts a supervisor in a thread and gives it back; it is stopped at the end."""
    started = []

    def run(child: Child) -> Supervisor:
        roof = Supervisor([child])
        thread = threading.Thread(target=roof.run)
        thread.start()
        started.append((roof, thread))
        return roof

    yield run
    for roof, thread in started:
        roof.stop.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_for(question, seconds=120.0):
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        if found := question():
            return found
        pause.wait(0.02)
    raise AssertionError("it never happened")


def ids(folder: Path, kind: str) -> list[int]:
    return sorted(int(path.name.split("-")[1]) for path in folder.glob(f"{kind}-*"))


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_stop_ends_children_and_what_they_started(running, tmp_path):
    roof = running(Child("a tree", [sys.executable, "-c", PARENT, str(tmp_path)]))
    parent = wait_for(lambda: ids(tmp_path, "parent"))[0]
    child = wait_for(lambda: ids(tmp_path, "child"))[0]
    roof.stop.set()
    wait_for(lambda: not lives(parent) and not lives(child))


def test_a_child_that_ends_is_started_again_without_its_orphans(running, tmp_path):
    running(Child("a tree", [sys.executable, "-c", PARENT, str(tmp_path)]))
    parent = wait_for(lambda: ids(tmp_path, "parent"))[0]
    orphan = wait_for(lambda: ids(tmp_path, "child"))[0]
    os.kill(parent, 9)
    wait_for(lambda: len(ids(tmp_path, "parent")) == 2)
    wait_for(lambda: not lives(orphan))


def test_a_child_that_stands_still_is_started_again(running, tmp_path):
    still = threading.Event()
    child = Child(
        "a tree", [sys.executable, "-c", PARENT, str(tmp_path)], on_start=still.clear, stands_still=still.is_set
    )
    running(child)
    wait_for(lambda: ids(tmp_path, "parent"))
    still.set()
    wait_for(lambda: len(ids(tmp_path, "parent")) == 2)


def test_a_second_run_on_the_same_folder_is_refused(tmp_path):
    with (
        only_one(tmp_path / "serve.lock"),
        pytest.raises(Problem, match="already running"),
        only_one(tmp_path / "serve.lock"),
    ):
        pass
    with only_one(tmp_path / "serve.lock"):
        pass
