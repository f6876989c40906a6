"""A pipe between a supervisor and all processes below it: when the supervisor is gone, however it ended, they end too.

Only the supervisor has the writing end, which the kernel closes with it. Every process below, forks of forks included,
waits for that in a thread and then kills its process group: a worker that lived on would keep taking jobs, with code
and settings that nobody runs any more.
"""

import os
import signal
import threading
from contextlib import suppress
from functools import partial

_VARIABLE = "PSYNETDATA_LIFELINE"  # the number of the reading end


class Lifeline:
    """The supervisor's side."""

    def __init__(self):
        self._reading, self._writing = os.pipe()

    def options(self, environment: dict[str, str]) -> dict:
        """Return the options of a Popen whose processes should `follow`; they need a process group of their own."""
        return {
            "env": environment | {_VARIABLE: str(self._reading)},
            "pass_fds": (self._reading,),
            "start_new_session": True,
        }

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


def follow() -> None:
    """End this process and all its forks when its supervisor ends. Does nothing in a process without a supervisor."""
    number = os.environ.pop(_VARIABLE, "")  # in a program that this process starts, the number is another file
    if number:
        watch = partial(_watch, int(number))
        os.register_at_fork(after_in_child=watch)
        watch()


def _watch(reading: int) -> None:
    threading.Thread(target=_end_with, args=(reading,), name="lifeline", daemon=True).start()


def _end_with(reading: int) -> None:
    with suppress(OSError):
        os.read(reading, 1)  # nothing is ever written: it returns when the writing end is closed
        os.killpg(os.getpgrp(), signal.SIGKILL)
