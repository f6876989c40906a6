"""Keeps the desk busy: jobs of every kind are in flight when a fault happens."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from tests.references import DATA

from .desk import Desk, Violation
from .worlds import World

_SHEETS = ("trial", "participant", "response")
_MODES = ("yes", "no", "both")


class Bustle:
    """Two threads: one uses the HTTP interface all the time, one runs commands. `violations`: what they saw."""

    def __init__(self, world: World, rng: Random, *, commands: bool):
        self.world, self.violations, self.done = world, [], Counter()
        self._stop = threading.Event()
        work = [(self._request, Random(rng.random()), 0.7)]
        work += [(self._command, Random(rng.random()), 3.0)] if commands else []
        self._busy = [threading.Lock() for _ in work]
        self._threads = [
            threading.Thread(target=self._repeat, args=(*one, busy), daemon=True)
            for one, busy in zip(work, self._busy, strict=True)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(330)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing new is begun in the meantime."""
        with ExitStack() as stack:
            for busy in self._busy:
                stack.enter_context(busy)
            yield

    def _repeat(self, function, rng: Random, pause: float, busy: threading.Lock) -> None:
        while not self._stop.wait(rng.uniform(0.2, 2) * pause):
            try:
                with busy:
                    function(self.world.desk, rng)
            except Violation as violation:
                self.violations.append(str(violation))
            except subprocess.TimeoutExpired as error:
                self.violations.append(f"`{error.cmd[2]}` did not end within {error.timeout:.0f} seconds")

    def _request(self, desk: Desk, rng: Random) -> None:
        deployment = self.world.source.deployment_id
        what = rng.choice(("snapshot", "export", "sheet", "sheet", "page"))
        if what == "snapshot":
            answer = desk.ask("/api/snapshots/", {"deployment": deployment, "full": rng.random() < 0.2})
        elif what == "export":
            answer = desk.ask("/api/exports/", {"deployment": deployment, "anonymize": rng.choice(_MODES)})
        elif what == "sheet":
            form = rng.choice(("csv", "ndjson", "json"))
            answer = desk.ask(f"/api/basic_data/{rng.choice(_SHEETS)}/?deployment={deployment}&format={form}")
        else:
            answer = desk.ask(rng.choice(("/api/deployments/", "/api/exports/", "/metrics", "/admin/login/")))
        self.done[f"{what} {answer.status if answer else 'no answer'}"] += 1
        if answer and answer.status == 500 and what != "page":  # pages have one for every failure
            raise Violation(
                f"a request for a {what} was answered with 500: {answer.body[:200].decode(errors='replace')}"
            )

    def _command(self, desk: Desk, rng: Random) -> None:
        path = DATA / rng.choice(("static", "timeline", "custom_table_simple")) / "database.zip"
        words = rng.choice(
            (
                ("load", str(path)),
                ("prune",),
                ("verify", "--all"),
                ("backup", "--to", str(Path(desk.folder).with_name("backups"))),
                ("withdraw", str(rng.randrange(1, 4)), "--deployment", self.world.source.deployment_id),
                ("withdraw", "1-4", "--take-back", "--deployment", self.world.source.deployment_id),
            )
        )
        began = time.monotonic()
        status = desk.command(*words).returncode
        self.done[f"{words[0]} {status}"] += 1
        if status not in (0, 1):
            raise Violation(f"`{words[0]}` ended with {status} after {time.monotonic() - began:.0f} seconds")
