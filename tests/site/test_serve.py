"""`serve` as a user has it: everything comes up, says how to sign in once, and goes when it is told to."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.infra.test_private_files import open_to_others
from tests.infra.test_supervisor import lives, wait_for

ROOT = Path(__file__).resolve().parents[2]
SOON = 120  # seconds; a machine with much else to do takes its time to start a process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve(tmp_path):
    """serve(*words) starts `manage.py serve`; everything it started is gone at the end."""
    started = []

    def start(*words, port=None, data="data") -> subprocess.Popen:
        variables = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        variables |= {"DATA_DIR": str(tmp_path / data), "PORT": str(port or free_port()), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "serve", *words],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.port = int(variables["PORT"])
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until_announced(process) -> str:
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return said
    raise AssertionError(f"it ended: {said} {process.stderr.read()}")


def answers(port: int) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def descendants(pid: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found |= {child} | descendants(child)
    return found


def test_it_comes_up_and_goes_and_comes_again(serve, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "site.sqlite3").touch()  # as an earlier version made it
    for path, mode in ((data, 0o755), (data / "site.sqlite3", 0o644)):
        path.chmod(mode)
    first = serve("--sample")
    said = until_announced(first)
    assert re.search(r"Sign in as admin with the password \S{16}\n", said)
    assert wait_for(lambda: answers(first.port), 30) == 200
    below = wait_for(lambda: (found := descendants(first.pid)) and len(found) >= 8 and found)
    assert open_to_others(data) == []
    second = serve(port=first.port)
    assert "psynetdata is already running on the folder" in second.communicate(timeout=SOON)[1]
    assert second.returncode == 1
    first.send_signal(signal.SIGINT)
    rest, errors = first.communicate(timeout=SOON)
    assert first.returncode == 0
    assert "Stopped." in rest
    assert "Traceback" not in errors
    wait_for(lambda: not any(lives(pid) for pid in below))

    # Again, in two halves on one folder, as in containers.
    web = serve("--sample", "--only", "web")
    said = until_announced(web)
    assert "password" not in said
    assert "sample" not in said
    workers = serve("--only", "workers")
    assert "the workers are running" in until_announced(workers)
    assert wait_for(lambda: len(descendants(workers.pid)) >= 6)
    below_web = descendants(web.pid)
    assert len(below_web) <= 3

    # Killed, it leaves nobody behind who would go on with its code; the other half stays.
    below = descendants(workers.pid)
    workers.kill()
    wait_for(lambda: not any(lives(pid) for pid in below), 10)
    assert all(lives(pid) for pid in below_web)
    workers = serve("--only", "workers")
    assert "the workers are running" in until_announced(workers)
    for half in (workers, web):
        half.send_signal(signal.SIGTERM)
        half.communicate(timeout=SOON)
        assert half.returncode == 0
    wait_for(lambda: not any(lives(pid) for pid in below_web))


def test_a_taken_port_is_one_sentence(serve):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = serve(port=port)
        said, errors = process.communicate(timeout=SOON)
    assert process.returncode == 1
    assert said == ""
    assert errors.strip() == (
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use); "
        f"choose another, like PORT={port + 1} make run."
    )
