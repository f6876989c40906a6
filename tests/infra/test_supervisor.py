"""Children are started, watched, restarted, and ended with all they started."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from psynetdata.infra import supervisor
from psynetdata.infra.supervisor import Child, Supervisor, only_one
from psynetdata.psynet.problems import Problem

ROOT = Path(__file__).resolve().parents[2]
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


# A supervisor whose child forks, and whose fork forks; each writes its process id.
ROOF = """
import sys
from psynetdata.infra.supervisor import Child, Supervisor
Supervisor([Child("a tree", [sys.executable, "-c", sys.argv[1], sys.argv[2]])]).run()
"""
FORKS = """
import os, sys, time
from psynetdata.infra.lifeline import follow
follow()
for _ in range(2):
    open(f"{sys.argv[1]}/tree-{os.getpid()}", "w").close()
    if os.fork():
        break
else:
    open(f"{sys.argv[1]}/tree-{os.getpid()}", "w").close()
time.sleep(600)
"""


@pytest.mark.parametrize("with_it", ["the supervisor alone", "its child too"])
def test_a_killed_supervisor_ends_all_below_it_and_nothing_else(tmp_path, with_it):
    folders, roofs = [tmp_path / "a", tmp_path / "b"], []
    try:
        for folder in folders:
            folder.mkdir()
            roofs.append(subprocess.Popen([sys.executable, "-c", ROOF, FORKS, str(folder)], cwd=ROOT))
        first, second = [wait_for(lambda f=folder: len(ids(f, "tree")) == 3 and ids(f, "tree")) for folder in folders]
        if with_it == "its child too":
            os.kill(min(first), signal.SIGSTOP)
        roofs[0].kill()
        wait_for(lambda: not any(map(lives, first)), 10)
        assert all(map(lives, second))
    finally:
        for roof in roofs:
            roof.kill()
            roof.wait()
    wait_for(lambda: not any(map(lives, second)), 10)


def test_a_second_run_on_the_same_folder_is_refused(tmp_path):
    with (
        only_one(tmp_path / "serve.lock"),
        pytest.raises(Problem, match="already running"),
        only_one(tmp_path / "serve.lock"),
    ):
        pass
    with only_one(tmp_path / "serve.lock"):
        pass
