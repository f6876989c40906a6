"""What the processes of one test run share: a folder, turns to fill it, and servers.

With xdist each worker is a process of its own; what is dear to make is made by the first that needs it.
"""

import fcntl
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_GONE_WITHIN = 10.0  # seconds


@contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """One process at a time inside, by a lock that ends with the process."""
    with open(folder / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared_server(folder: Path, name: str, start: Callable[[], object]):
    """The server that `start` starts, or a copy of the object by which another process of this run started it.

    It has `pids`, `folders` and `stop_signal`, survives pickling, and runs until the run ends.
    """
    file = folder / f"{name}.server"
    with turn(folder, name):
        if file.exists():
            return pickle.loads(file.read_bytes())
        server = start()
        file.write_bytes(pickle.dumps(server))
        return server


def stop_shared_servers(folder: Path) -> None:
    """For the process that outlives the workers."""
    for file in folder.glob("*.server"):
        server = pickle.loads(file.read_bytes())
        for pid in server.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, server.stop_signal)
        for pid in server.pids:
            _wait_for_end(pid)
        for path in server.folders:
            shutil.rmtree(path, ignore_errors=True)
        file.unlink()


def _wait_for_end(pid: int) -> None:
    """Of a child, or of a process that a worker left behind; what does not end by itself is killed."""
    deadline = time.monotonic() + _GONE_WITHIN
    while not _ended(pid):
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def _ended(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
        # A process whose parent has gone may wait for ever to be reaped.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except OSError:
        return False
