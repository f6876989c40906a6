"""The clock of a desk's processes: a file says how many seconds it is ahead. All files seem as old as they are.

libfaketime 0.9.10 cannot do it: under it, Python's `time.sleep` (3.11 and later) fails with EINVAL.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import time_machine

_READ_EVERY = 0.2  # seconds


def follow(path: Path) -> None:
    """Let this process and its forks have the clock that the file says, now and after each change."""
    clock = _Clock(path)
    os.register_at_fork(after_in_child=clock.watch)
    clock.watch()


class _Clock:
    def __init__(self, path: Path):
        self._path, self._ahead = path, 0.0
        self._traveller = time_machine.travel(time.time(), tick=True).start()
        self._stat = os.stat
        os.stat = self._stat_by_this_clock  # the kernel writes the time of its own clock

    def watch(self) -> None:
        self._set()
        threading.Thread(target=self._repeat, name="clock", daemon=True).start()

    def _repeat(self) -> None:
        while True:
            time.sleep(_READ_EVERY)
            self._set()

    def _set(self) -> None:
        with suppress(OSError, ValueError):  # it is just being written, or the world is ending
            ahead = float(self._path.read_text())
            if ahead != self._ahead:
                self._traveller.shift(ahead - self._ahead)
                self._ahead = ahead

    def _stat_by_this_clock(self, *args, **kwargs) -> os.stat_result:
        status = self._stat(*args, **kwargs)
        if not self._ahead:
            return status
        fields = {name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
        fields["st_mtime"] += self._ahead
        fields["st_mtime_ns"] += int(self._ahead * 1e9)
        return os.stat_result(tuple(status), fields)
