"""`python -m tools.faults [--count N] [--seed S] [--worlds …]`: exit status 0 only if nothing was violated."""

import argparse
import math
import secrets
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from psynetdata.psynet.problems import Problem
from tools.commit import commit
from tools.endings import end_in_order

from . import worlds
from .bustle import Bustle
from .desk import Violation
from .invariants import nothing_lost, recovered
from .kinds import possible, strike
from .results import Results


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
    results = Results(options.results, options.seed, commit())
    print(f"faults: {options.count}, seed {results.seed}, commit {commit()}, worlds {', '.join(usable)}", flush=True)
    shares = [options.count // len(usable) + (number < options.count % len(usable)) for number in range(len(usable))]
    try:
        for name, share in zip(usable, shares, strict=True):
            count = share - len(results.faults(name))
            if count > 0 and time.monotonic() < options.until:
                _one_world(name, count, options, results)
    finally:
        results.print()
    return 1 if results.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many faults, over all worlds")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--continue", dest="results", type=Path, metavar="FILE", help="keep the results in FILE; a run "
                        "that was stopped goes on there until all its pieces have --count faults")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after about so many minutes")
    parser.add_argument("--worlds", help=f"some of {','.join(worlds.names())}; by default all that are possible here")
    parser.add_argument("--kinds", help="some kinds of faults, with commas; by default all that a world allows")
    parser.add_argument("--burst", type=int, default=1, help="faults between two checks, at most")
    parser.add_argument("--compare-every", type=int, default=8, help="checks between two complete comparisons")
    parser.add_argument("--cheap", action="store_true", help="only faults that are soon over; no commands")
    parser.add_argument("--rate", type=float, default=10.0, help="transactions of the experiment a second")
    options = parser.parse_args()
    options.until = time.monotonic() + 60 * options.minutes
    return options


def _one_world(name: str, count: int, options: argparse.Namespace, results: Results) -> None:
    rng = Random(f"{results.seed}:{name}:{len(results.faults(name))}")
    began = time.monotonic()
    with worlds.world(name, rate=options.rate, seed=rng.randrange(1 << 30)) as world:
        bustle = Bustle(world, rng, commands=not options.cheap)
        bustle.start()
        try:
            _faults(world, bustle, count, rng, options, results)
        except (Violation, Problem, subprocess.TimeoutExpired) as error:
            results.add(world=name, violation=str(error))
            print(f"  VIOLATION {error}", flush=True)
            _show_log(world)
        bustle.stop()
        for violation in bustle.violations:
            results.add(world=name, violation=violation)
        if bustle.violations:
            _show_log(world)
        print(f"  {name}: {time.monotonic() - began:.0f} s; {dict(bustle.done)}", flush=True)


def _faults(world, bustle: Bustle, count: int, rng: Random, options: argparse.Namespace, results: Results) -> None:
    kinds, done, checks = possible(world, only_cheap=options.cheap), 0, 0
    if options.kinds:
        kinds = [kind for kind in kinds if kind in options.kinds.split(",")]
    recovered(world)
    while True:
        burst = min(rng.randint(1, options.burst), count - done)
        happened = []
        for _ in range(burst):
            time.sleep(rng.uniform(0, 1.5))
            kind = rng.choice(kinds)
            happened.append((kind, strike(kind, world, rng)))
        done, checks = done + burst, checks + 1
        seconds = recovered(world)
        for kind, what in happened:
            results.add(world=world.name, kind=kind, seconds=round(seconds, 1))
            print(f"  {world.name} {done}: {kind} ({what}), well after {seconds:.1f} s", flush=True)
        is_over = done == count or time.monotonic() > options.until
        if is_over or checks % options.compare_every == 0:
            compared = nothing_lost(world, bustle)
            results.add(world=world.name, compared=compared | {"times": 1})
            print(f"  {world.name} {done}: nothing lost: {compared}", flush=True)
        if is_over or bustle.violations:
            return


def _show_log(world) -> None:
    """Print the end of the desk's log, without the frames of tracebacks."""
    lines = [line for line in world.desk.log.read_text(errors="replace").splitlines() if not line.startswith("  ")]
    print("\n".join(lines[-40:]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
