"""Mutation testing on a sample: how many small changes of the code do the tests notice? `make mutation` runs this.

Each mutant is written into a copy of a checkout, one at a time, and the package's own tests run on it until one fails;
on the mutants that survive those, a few slower tests of the wiring above run too. A table shows the shares killed,
then the diff of each survivor. With --same-as FILE the mutants of an earlier run are run again, and the exit status is
1 if one that was killed then survives now.
"""

import argparse
import difflib
import json
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from .mutants import Mutant, sample
from .trial import GONE, KILLED, SURVIVED, TIMED_OUT, Copy

ROOT = Path(__file__).resolve().parents[2]
# A package, its own tests, then the slower ones that run on mutants that survive those.
TESTS = {
    "psynetdata/anonymize": (
        ["tests/anonymize"],
        [
            "tests/operations/test_policy.py",
            "tests/management/test_keys_command.py",
            "tests/mirroring/test_mirror.py",
            "tests/package/test_withheld_texts.py",
            "tests/leakscan/test_agreement.py",
        ],
    ),
    "exports/leakscan": (
        ["tests/leakscan"],
        ["tests/leakscan/test_leak_check.py", "tests/package/test_withheld_texts.py"],
    ),
}


def main() -> int:
    words = argparse.ArgumentParser(description="Mutation testing of anonymize and leakscan on a sample.")
    words.add_argument("--sample", type=int, default=120, help="how many mutants, half of each package")
    words.add_argument("--seed", type=int, default=15)
    words.add_argument("--same-as", type=Path, metavar="FILE", help="run the mutants of this result again")
    words.add_argument("--checkout", type=Path, default=ROOT, help="the code and the tests; it is not changed")
    words.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python", help="the Python that runs the tests")
    words.add_argument("--result", type=Path, default=ROOT / "var/mutation.json", help="where the result is written")
    options = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the tests that run end too, and the copy is removed
    before = json.loads(options.same_as.read_text()) if options.same_as else []
    halves = [sample(options.checkout, package, options.sample // 2, options.seed) for package in TESTS]
    chosen = [Mutant(**each["mutant"]) for each in before] or list(chain.from_iterable(zip(*halves, strict=True)))
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Copy(options.checkout, Path(folder) / "checkout", options.python.absolute())
        results = _run(copy, chosen, options.result)
    _print_table(results)
    _print_survivors(results, options.checkout)
    return _compare(before, results)


def _run(copy: Copy, chosen: list[Mutant], path: Path) -> list[dict]:
    """Run the packages' own tests on each mutant, then those of the wiring on those that survived.

    The result is written after each mutant, so that a run that is ended early has one too.
    """
    results = [{"mutant": asdict(mutant), "outcome": SURVIVED, "killer": "", "by_wiring": False} for mutant in chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    for by_wiring in (False, True):
        tests = {package: TESTS[package][by_wiring] for package in map(_package, chosen)}
        spared = {package: [] if by_wiring else TESTS[package][1] for package in tests}
        timeouts = {package: 3 * copy.time(tests[package], spared[package]) + 60 for package in tests}
        for number, (mutant, result) in enumerate(zip(chosen, results, strict=True), 1):
            package = _package(mutant)
            if result["outcome"] != SURVIVED:
                continue
            outcome, killer = copy.run(mutant, tests[package], spared[package], timeouts[package])
            result.update(outcome=outcome, killer=killer, by_wiring=by_wiring)
            path.write_text(json.dumps(results[: None if by_wiring else number], indent=1))
            print(f"{number}/{len(chosen)} {_place(mutant)} {mutant.operator}: {outcome} {killer}", flush=True)
    return results


def _package(mutant: Mutant) -> str:
    return next(package for package in TESTS if mutant.path.startswith(package + "/"))


def _place(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line}"


def _print_table(results: list[dict]) -> None:
    """A line for each module and each package: how many mutants were killed, by wiring alone, and how many survived."""
    counts: dict[str, Counter] = {}
    for result in results:
        mutant = Mutant(**result["mutant"])
        for name in (mutant.path, _package(mutant)):
            count = counts.setdefault(name, Counter())
            count[result["outcome"]] += 1
            count["by wiring"] += result["by_wiring"] and result["outcome"] in (KILLED, TIMED_OUT)
    print(f"\n{'module':42}{'mutants':>8}{'killed':>8}{'share':>7}{'by wiring':>11}{'survived':>10}{'gone':>6}")
    for name, count in sorted(counts.items(), key=lambda item: (item[0] in TESTS, item[0])):
        killed = count[KILLED] + count[TIMED_OUT]
        tried = killed + count[SURVIVED]
        share = f"{killed / tried:.0%}" if tried else ""
        print(f"{name:42}{tried:8}{killed:8}{share:>7}{count['by wiring']:11}{count[SURVIVED]:10}{count[GONE]:6}")


def _print_survivors(results: list[dict], checkout: Path) -> None:
    for result in results:
        mutant = Mutant(**result["mutant"])
        if result["outcome"] == SURVIVED:
            source = (checkout / mutant.path).read_text()
            old, new = source.splitlines(), mutant.apply(source).splitlines()
            print(f"\n{_place(mutant)} {mutant.operator}")
            print("\n".join(list(difflib.unified_diff(old, new, lineterm="", n=1))[3:]))


def _compare(before: list[dict], results: list[dict]) -> int:
    """Print the mutants that were killed before and are not now; 1 if there are any."""
    lost = [
        _place(Mutant(**new["mutant"]))
        for old, new in zip(before, results, strict=False)
        if old["outcome"] in (KILLED, TIMED_OUT) and new["outcome"] not in (KILLED, TIMED_OUT)
    ]
    print("\n".join(["\nKilled before, not now:", *lost]) if lost else "")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
