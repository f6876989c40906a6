"""What an input may cost, and what counts as a failure."""

import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from psynetdata.psynet.problems import Problem

SECONDS = 5.0
MEGABYTES = 300.0
_SHOWN = 12  # failures


@dataclass
class Score:
    """How one target did. `answers`: {outcome: how often}."""

    name: str
    inputs: int = 0
    slowest: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def run(self, action: Callable[[], object], description: str) -> None:
        """Run one input: a Problem is an answer, every other exception a failure."""
        began = time.monotonic()
        try:
            outcome = str(action())
        except Problem as problem:
            outcome = type(problem).__name__
        except Exception as error:
            outcome = "failure"
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(f"{type(error).__name__} in {place.name} ({place.lineno}): {description}")
        took = time.monotonic() - began
        if took > SECONDS:
            self._fail(f"{took:.1f} s: {description}")
        self.inputs += 1
        self.slowest = max(self.slowest, took)
        self.answers[outcome] += 1

    def fail(self, description: str) -> None:
        self._fail(description)

    def _fail(self, description: str) -> None:
        if len(self.failures) < _SHOWN:
            self.failures.append(f"{self.name}: {description[:400]}")


def forget_peak() -> None:
    """Let `peak` count from now on; without this, one target's peak would hide what the next one needs."""
    with suppress(OSError):  # Linux only
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Return the most memory that this process had since `forget_peak`, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
