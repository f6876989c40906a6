"""A Redis server, as REDIS_URL names one: Debian's program, on a free port of loopback, in memory alone."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.assets.servers.ports import end, free_port, wait

_PROGRAM = shutil.which("redis-server")


class RedisServer:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        words = [_PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        log = self.folder / "log"
        with log.open("wb") as file:
            self.process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
        wait(self.process, self.port, log)

    def stop(self) -> None:
        end(self.process)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def redis_server():
    if _PROGRAM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("redis-server is not installed (Debian: redis-server).")
    server = RedisServer()
    yield server
    server.close()
