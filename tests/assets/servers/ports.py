"""Ports of the loopback address, and waiting until somebody listens on one."""

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_READY_WITHIN = 60.0  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(process: subprocess.Popen, port: int, log: Path) -> None:
    """Until the process listens on its port; raise RuntimeError with its log where it never does."""
    deadline = time.monotonic() + _READY_WITHIN
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"A server did not start:\n{log.read_text(errors='replace')}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)


def end(process: subprocess.Popen | None) -> None:
    if process is not None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that these did."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone by now
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return [*found, *(further for child in found for further in children(child))]
