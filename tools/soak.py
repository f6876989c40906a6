"""`python -m tools.soak [--minutes N]`: a desk under a busy experiment for a long time. Does its memory stay flat?

The experiment writes as fast as it goes; the desk takes snapshots, mirrors, exports and answers. The memory of all its
processes is measured each second. Exit status 0 only if the last third needs at most 5 % more than the second, there
were no errors, and nothing was lost.
"""

import argparse
import secrets
import statistics
import sys
import threading
import time
from pathlib import Path
from random import Random

from psynetdata.psynet.problems import Problem
from tools.commit import commit
from tools.endings import end_in_order
from tools.faults.bustle import Bustle
from tools.faults.desk import Desk, Violation
from tools.faults.invariants import nothing_lost
from tools.faults.worlds import world

ALLOWED = 1.05
_EVERY = 1.0  # seconds
_GROUPS = ("web", "cluster", "worker")


class Memory:
    """Measures in a thread the memory of the desk's processes that live long: web server and clusters."""

    def __init__(self, desk: Desk):
        self._desk, self._stop = desk, threading.Event()
        self.samples: list[dict[str, float]] = []  # {group: MB}
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def thirds(self, *groups: str) -> list[float]:
        """Return the median of each third, in MB, of all processes or of those of some groups."""
        values = [sum(sample[group] for group in groups or _GROUPS) for sample in self.samples]
        size = len(values) // 3
        return [statistics.median(values[number * size : (number + 1) * size]) for number in range(3)]

    def _measure(self) -> None:
        while not self._stop.wait(_EVERY):
            pids = {group: self._desk.processes(group) for group in _GROUPS}
            self.samples.append({group: sum(map(_megabytes, set(pids[group]))) for group in _GROUPS})


def _megabytes(pid: int) -> float:
    """Return the memory that only this process uses (USS): forked processes share the rest."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    private = [line.split()[1] for line in text.splitlines() if line.startswith("Private_")]
    return sum(map(int, private)) / 1024


def _in_words(thirds: list[float]) -> str:
    return ", ".join(f"{value:.0f} MB" for value in thirds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=1e6, help="transactions a second, at most")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    options = parser.parse_args()
    end_in_order()
    print(f"soak: {options.minutes:g} minutes, seed {options.seed}, commit {commit()}", flush=True)
    rng = Random(options.seed)
    problems: list[str] = []
    with world("plain", rate=options.rate, seed=rng.randrange(1 << 30), settings="psynetdata.settings") as made:
        bustle, began = Bustle(made, rng, commands=False), time.monotonic()
        before = made.source.counts()["participant"]
        memory = Memory(made.desk)
        bustle.start()
        while time.monotonic() < began + options.minutes * 60 and not bustle.violations:
            time.sleep(1)
        memory.close()
        seconds = time.monotonic() - began
        joined = made.source.counts()["participant"] - before
        bustle.stop()
        problems += bustle.violations
        try:
            compared = nothing_lost(made, bustle)
        except (Violation, Problem) as error:
            problems.append(str(error))
            compared = {}
        errors = [line for line in made.desk.log.read_text(errors="replace").splitlines() if " ERROR " in line]
    problems += [f"in the log: {line[:200]}" for line in errors[:5]]
    thirds = memory.thirds()
    if thirds[2] > ALLOWED * thirds[1]:
        problems.append(f"memory grew by {100 * (thirds[2] / thirds[1] - 1):.1f} % from the second third to the last")
    print("\n| minutes | participants a second | rows at the end | memory by thirds | errors |\n|---|---|---|---|---|")
    rows = compared.get("rows", "–")
    print(f"| {seconds / 60:.1f} | {joined / seconds:.1f} | {rows} | {_in_words(thirds)} | {len(errors)} |")
    for group in _GROUPS:
        print(f"{group}: {_in_words(memory.thirds(group))}")
    print(f"requests: {dict(bustle.done)}")
    for problem in problems:
        print(f"  VIOLATION {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
