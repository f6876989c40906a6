"""A real desk: `serve` in one process or two, its commands, its HTTP interface and its rows of jobs."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import psycopg2

from tests.assets.servers.ports import children, free_port

ROOT = Path(__file__).resolve().parents[2]
QUICK = "tools.faults.settings"
_UP_WITHIN = 300.0  # seconds
_FACES = ("Traceback (most recent call last)", "<title>Server Error")


class Violation(Exception):
    """What must not happen after a fault did; its text is one sentence."""


class Answer:
    def __init__(self, status: int, body: bytes, headers):
        self.status, self.body, self.headers = status, body, headers

    def json(self):
        return json.loads(self.body)


class Desk:
    """`folder` is its DATA_DIR; `environment` adds settings. A desk with `hosts` > 1 has workers on others too.

    Every host has a DATA_DIR of its own; database, storage and keys are common.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *, hosts: int = 1, settings: str = QUICK):
        self.folder, self.hosts = folder, hosts
        self.port = free_port()
        self.environment = os.environ | {
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": settings,
            "API_RATE": "1000000/min",
        } | environment  # fmt: skip
        self.log = folder.parent / "desk.log"
        self.token = ""
        self.serving: list[subprocess.Popen | None] = [None] * hosts
        self._ticker: subprocess.Popen | None = None

    def start(self) -> None:
        """Start what does not run; return when it answers."""
        for host in range(self.hosts):
            if self.serving[host] is None or self.serving[host].poll() is not None:
                self._serve(host)
            if host == 0:
                self.wait_until_up()
        if self._ticker is None and self.environment["DJANGO_SETTINGS_MODULE"] == QUICK:
            self._ticker = self._start([sys.executable, "-m", "tools.faults.ticker"], self.environment)
        if not self.token:
            self.token = self.command("token", "admin", "--identified").stdout.split()[-1]

    def stop(self) -> None:
        for process in (self._ticker, *self.serving):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self._ticker, *self.serving):
            if process is not None:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def wait_until_up(self, within: float = _UP_WITHIN) -> None:
        deadline = time.monotonic() + within
        while True:
            answer = self.ask("/healthz")
            if answer is not None and answer.status == 200:
                return
            if time.monotonic() > deadline:
                said = answer.body.decode()[:300] if answer else "no answer"
                raise Violation(f"the desk did not come back within {within:.0f} seconds: {said}")
            time.sleep(0.2)

    def command(self, *words: str, within: float = 300.0, **environment: str) -> subprocess.CompletedProcess:
        """Run a command to its end; a traceback is a Violation, a status above 0 is not."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=self.environment | environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=within,
        )  # fmt: skip
        if _FACES[0] in done.stderr:
            raise Violation(f"`{words[0]}` showed a traceback that ends in: {done.stderr.strip().splitlines()[-1]}")
        return done

    def ask(self, path: str, body: dict | None = None, *, within: float = 60.0) -> Answer | None:
        """Send a request; None if no connection is possible. An answer with a traceback is a Violation."""
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:
                return Answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.read(), error.headers)
        except (OSError, ValueError, EOFError, urllib.error.URLError):
            return None
        except Exception as error:  # http.client's own: the server went away in the middle
            if type(error).__module__ == "http.client":
                return None
            raise
        if any(face.encode() in answer.body for face in _FACES):
            raise Violation(f"{path} was answered with {answer.status} and a page for programmers")
        return answer

    def rows(self, sql: str) -> list[tuple]:
        """Read the site's database past the desk."""
        url = self.environment.get("DATABASE_URL")
        opened = psycopg2.connect(url) if url else sqlite3.connect(self.folder / "site.sqlite3", timeout=30)
        with closing(opened) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()

    def processes(self, kind: str) -> list[int]:
        """Return the ids of processes: `web`, `cluster` (its parent), `worker`, `child` of a worker, or `all`."""
        found = {"web": [], "cluster": [], "worker": [], "child": []}
        for serve in self.serving:
            for top in _children_of(serve.pid) if serve and serve.poll() is None else []:
                if "gunicorn" in _command_of(top):
                    found["web"] += [top, *children(top)]
                elif "qcluster" in _command_of(top):
                    found["cluster"].append(top)
                    for sentinel in _children_of(top):
                        found["cluster"].append(sentinel)
                        for worker in _children_of(sentinel):
                            found["worker"].append(worker)
                            found["child"] += children(worker)
        return [pid for pids in found.values() for pid in pids] if kind == "all" else found[kind]

    def _serve(self, host: int) -> None:
        words = [sys.executable, str(ROOT / "manage.py"), "serve"]
        environment = dict(self.environment)
        if host:
            environment["DATA_DIR"] = str(self.folder.with_name(f"{self.folder.name}-host{host + 1}"))
            words += ["--only", "workers"]
        self.serving[host] = self._start(words, environment)

    def _start(self, words: list[str], environment: dict[str, str]) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                words, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )


def _children_of(pid: int) -> list[int]:
    try:
        return [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _command_of(pid: int) -> str:
    try:
        return re.sub(r"\0", " ", Path(f"/proc/{pid}/cmdline").read_text())
    except OSError:
        return ""
