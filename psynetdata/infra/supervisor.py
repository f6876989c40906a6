"""Starts, watches and restarts child processes, and ends them all together.

Each child leads its own process group, so that a terminal's Ctrl-C reaches only the supervisor,
and the workers that a child started can be ended with it. If the supervisor itself is killed, they end by themselves
(psynetdata.infra.lifeline).
"""

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from psynetdata.psynet.problems import Problem

from .lifeline import Lifeline

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
WATCH_EVERY = 20.0
RESTART_PAUSE = 5.0
PATIENCE = 10.0  # seconds between SIGTERM and SIGKILL


@dataclass
class Child:
    """A command, and a function that detects that it hangs although its processes are alive."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    stands_still: Callable[[], bool] = lambda: False
    on_start: Callable[[], None] = lambda: None
    process: subprocess.Popen | None = None
    not_before: float = 0.0

    def start(self, lifeline: Lifeline) -> None:
        self.on_start()
        self.process = subprocess.Popen(self.command, **lifeline.options(os.environ | self.environment))
        self.not_before = monotonic() + RESTART_PAUSE

    def signal_group(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Runs children until `stop` is set. `each_watch` is called before each check whether one of them hangs."""

    def __init__(self, children: list[Child], *, each_watch: Callable[[], object] = lambda: None):
        self.children = children
        self._each_watch = each_watch
        self.stop = threading.Event()
        self._lifeline = Lifeline()

    def run(self) -> None:
        """Start all children; return when `stop` is set and all children have ended."""
        watched_at = monotonic()
        try:
            for child in self.children:
                child.start(self._lifeline)
            while not self.stop.wait(LOOK_EVERY):
                self._restart_ended()
                if monotonic() - watched_at >= WATCH_EVERY:
                    watched_at = monotonic()
                    self._each_watch()
                    self._restart_standing_still()
        finally:
            self._end_all()
            self._lifeline.close()

    def _restart_ended(self) -> None:
        for child in self.children:
            if child.process.poll() is not None and monotonic() >= child.not_before:
                logger.warning("%s ended with status %s and is started again", child.name, child.process.returncode)
                child.signal_group(signal.SIGKILL)  # its orphans would continue to take tasks
                child.start(self._lifeline)

    def _restart_standing_still(self) -> None:
        for child in self.children:
            if child.stands_still():
                logger.warning("%s shows no life and is started again", child.name)
                child.signal_group(signal.SIGKILL)
                child.process.wait()
                child.start(self._lifeline)

    def _end_all(self) -> None:
        started = [child for child in self.children if child.process is not None]
        for child in started:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = monotonic() + PATIENCE
        for child in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - monotonic()))
            child.signal_group(signal.SIGKILL)
            child.process.wait()


@contextlib.contextmanager
def only_one(path: Path):
    """Hold a lock during a run. Raises Problem if there is already a run on the same data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                f"psynetdata is already running on the folder {path.parent}; "
                "stop it first, or choose another folder, like DATA_DIR=./var2."
            ) from None
        yield
