"""A whole site in a folder of its own, filled and started as a user does it; and its database, where one sees what was
done."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from tests.notify.servers import TOKEN

from .site_contents import ROOT

START_WITHIN = 120  # seconds
DONE_WITHIN = 120


@dataclass(frozen=True)
class Site:
    """`n`: what tests/browser/site_contents.py made, by name; `postgres`: where experiments run
    (tests.servers.databases);
    `slack` and `mail`: the servers that its messages go to."""

    address: str
    folder: Path
    n: dict
    postgres: object
    slack: object
    mail: object

    def rows(self, sql: str, *values) -> list[tuple]:
        """As its database has them at this moment."""
        with closing(sqlite3.connect(self.folder / "site.sqlite3", timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()

    def value(self, sql: str, *values):
        (found,) = self.rows(sql, *values)
        return found[0]

    def job(self, kind: str) -> tuple[str, str]:
        """(state, reason) of the newest job of a kind, once it is over."""
        until = monotonic() + DONE_WITHIN
        while monotonic() < until:
            found = self.rows("SELECT state, reason FROM psynetdata_job WHERE kind = ? ORDER BY id DESC LIMIT 1", kind)
            if found and found[0][0] not in ("queued", "running"):
                return found[0]
            sleep(0.1)
        raise AssertionError(f"The job {kind} is not over: {found}.")

    def audited(self, verb: str) -> int:
        """How many lines the audit log has of it."""
        return self.value("SELECT count(*) FROM psynetdata_audit WHERE verb = ?", verb)


@contextmanager
def running(folder: Path, postgres, slack, mail, *, migrated: Path) -> Iterator[Site]:
    """Fill a site in `folder` and run it. It begins with copies of the databases in `migrated`, a DATA_DIR."""
    for database in migrated.glob("*.sqlite3"):
        shutil.copy(database, folder)
    port = _free_port()
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "STORAGE_URL")}
    environment |= {"DATA_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    numbers = _prepared(environment, postgres.database("timeline"))
    # Only now: what was prepared is told nobody.
    environment |= {
        "SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0123456789", "SLACK_BASE_URL": f"{slack.url}/",
        "EMAIL_URL": f"smtp://{mail.host}:{mail.port}", "EMAIL_FROM": "desk@lab.example",
        "ALARM_EMAILS": "me@lab.example", "NO_PROXY": "*",
    }  # fmt: skip
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(port, server)
        yield Site(f"http://127.0.0.1:{port}", folder, numbers, postgres, slack, mail)
    finally:
        _end(server)


def _prepared(environment: dict, watched_url: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.site_contents", watched_url],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int, server: subprocess.Popen) -> None:
    until = monotonic() + START_WITHIN
    while monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise AssertionError("The web server did not come up.")


def _end(server: subprocess.Popen) -> None:
    """SIGTERM, as a service manager does; what is left of its own process group after that is killed."""
    server.terminate()
    try:
        server.wait(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
