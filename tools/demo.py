"""`make demo`: watch a running experiment.

It starts a PostgreSQL with PsyNet's tables, the simulator that writes to it as PsyNet does, and a desk that watches it
with a snapshot each minute. Everything is removed at the end, after Ctrl-C. PORT chooses the desk's port.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers import Server  # noqa: E402 - the folder above must be on the path first

RATE = 3  # transactions a second


def main() -> int:
    with TemporaryDirectory(prefix="demo-") as folder, Server() as server:
        os.environ["DATA_DIR"] = folder
        url = server.url("postgres")
        manage("migrate", "-v0")
        call(simulator(url, "--create", "--rate", "50", "--seconds", "10"))
        manage("deployment", "add", url, "--label", "Demonstration")
        writer = subprocess.Popen(simulator(url, "--rate", str(RATE)), cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            return subprocess.call(command("serve"))
        except KeyboardInterrupt:
            return 0  # the desk got the signal too, and reports that it stopped
        finally:
            writer.terminate()
            writer.wait()


def manage(*words: str) -> None:
    call(command(*words))


def call(words: list[str]) -> None:
    if status := subprocess.call(words, cwd=ROOT):
        sys.exit(status)


def command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *words]


def simulator(*words: str) -> list[str]:
    """Return the command, to be run in ROOT."""
    return [sys.executable, "-m", "tools.simulator", *words]


if __name__ == "__main__":
    sys.exit(main())
