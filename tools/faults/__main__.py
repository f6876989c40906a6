"""`python -m tools.faults [--count N] [--seed S] [--worlds …]`: exit status 0 only if nothing was violated."""

import argparse
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from random import Random

from psynetdata.psynet.problems import Problem
from tools.commit import commit
from tools.endings import end_in_order

from . import worlds
from .bustle import Bustle
from .desk import Violation
from .invariants import nothing_lost, recovered
from .kinds import possible, strike


def main() -> int:
    options = _options()
    end_in_order()
    asked = options.worlds.split(",") if options.worlds else worlds.names()
    usable = []
    for name in asked:
        reason = worlds.missing(name)
        if reason:
            print(f"left out: the world {name}, because {reason}", flush=True)
        else:
            usable.append(name)
    print(f"faults: {options.count}, seed {options.seed}, commit {commit()}, worlds {', '.join(usable)}", flush=True)
    shares = [options.count // len(usable) + (number < options.count % len(usable)) for number in range(len(usable))]
    table = _Table()
    for name, count in zip(usable, shares, strict=True):
        if count:
            _one_world(name, count, options, table)
    table.print()
    return 1 if table.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many faults, over all worlds")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--worlds", help=f"some of {','.join(worlds.names())}; by default all that are possible here")
    parser.add_argument("--kinds", help="some kinds of faults, with commas; by default all that a world allows")
    parser.add_argument("--burst", type=int, default=1, help="faults between two checks, at most")
    parser.add_argument("--compare-every", type=int, default=8, help="checks between two complete comparisons")
    parser.add_argument("--cheap", action="store_true", help="only faults that are soon over; no commands")
    parser.add_argument("--rate", type=float, default=10.0, help="transactions of the experiment a second")
    return parser.parse_args()


class _Table:
    """How often each kind of fault happened where, and how long the desk took to be well again."""

    def __init__(self):
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.violations: list[str] = []
        self.compared: Counter[str] = Counter()

    def print(self) -> None:
        print("\n| fault | how often | where | well again after (median, longest) |\n|---|---|---|---|")
        for kind in sorted({kind for _, kind in self.seconds}):
            found = {world: seconds for (world, name), seconds in self.seconds.items() if name == kind}
            all_seconds = sorted(one for seconds in found.values() for one in seconds)
            where = ", ".join(f"{world} {len(seconds)}" for world, seconds in found.items())
            middle = all_seconds[len(all_seconds) // 2]
            print(f"| {kind} | {len(all_seconds)} | {where} | {middle:.1f} s, {all_seconds[-1]:.1f} s |")
        print("\ncompared: " + ", ".join(f"{number} {what}" for what, number in sorted(self.compared.items())))
        print(f"violations: {len(self.violations)}")
        for line in self.violations:
            print(f"  {line}")


def _one_world(name: str, count: int, options: argparse.Namespace, table: _Table) -> None:
    rng = Random(f"{options.seed}:{name}")
    began = time.monotonic()
    with worlds.world(name, rate=options.rate, seed=rng.randrange(1 << 30)) as world:
        bustle = Bustle(world, rng, commands=not options.cheap)
        bustle.start()
        try:
            _faults(world, bustle, count, rng, options, table)
        except (Violation, Problem, subprocess.TimeoutExpired) as error:
            table.violations.append(f"{name}: {error}")
            print(f"  VIOLATION {error}", flush=True)
            _show_log(world)
        bustle.stop()
        table.violations += [f"{name}: {line}" for line in bustle.violations]
        if bustle.violations:
            _show_log(world)
        print(f"  {name}: {time.monotonic() - began:.0f} s; {dict(bustle.done)}", flush=True)


def _faults(world, bustle: Bustle, count: int, rng: Random, options: argparse.Namespace, table: _Table) -> None:
    kinds, done, checks = possible(world, only_cheap=options.cheap), 0, 0
    if options.kinds:
        kinds = [kind for kind in kinds if kind in options.kinds.split(",")]
    recovered(world)
    while done < count:
        burst = min(rng.randint(1, options.burst), count - done)
        happened = []
        for _ in range(burst):
            time.sleep(rng.uniform(0, 1.5))
            kind = rng.choice(kinds)
            happened.append((kind, strike(kind, world, rng)))
        done, checks = done + burst, checks + 1
        seconds = recovered(world)
        for kind, what in happened:
            table.seconds[world.name, kind].append(seconds)
            print(f"  {world.name} {done}: {kind} ({what}), well after {seconds:.1f} s", flush=True)
        if checks % options.compare_every == 0 or done == count:
            compared = nothing_lost(world, bustle)
            table.compared.update(compared | {"times": 1})
            print(f"  {world.name} {done}: nothing lost: {compared}", flush=True)
        if bustle.violations:
            return


def _show_log(world) -> None:
    """Print the end of the desk's log, without the frames of tracebacks."""
    lines = [line for line in world.desk.log.read_text(errors="replace").splitlines() if not line.startswith("  ")]
    print("\n".join(lines[-40:]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
