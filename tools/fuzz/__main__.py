"""`python -m tools.fuzz [--inputs N] [--seed S]`: exit status 0 only if no input was too much for the desk."""

import argparse
import io
import logging
import os
import secrets
import sys
from random import Random
from tempfile import TemporaryDirectory

from tools.commit import commit

from .limits import MEGABYTES, Score, forget_peak, peak

_SHARES = {"loads": 0.01, "requests": 0.2, "CSV": 0.3, "JSON": 0.3, "times": 0.19}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--only", choices=sorted(_SHARES))
    options = parser.parse_args()
    print(f"fuzz: {options.inputs} inputs, seed {options.seed}, commit {commit()}", flush=True)
    with TemporaryDirectory(prefix="fuzz-") as folder:
        os.environ |= {"DATA_DIR": folder, "API_RATE": "1000000/min", "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
        os.environ.pop("DATABASE_URL", None)
        scores = _all_targets(options)
    return _print(scores)


def _all_targets(options: argparse.Namespace) -> list[Score]:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.references import DATA, REFERENCES

    from . import loads, requests, texts

    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    for name in REFERENCES:
        call_command("load", str(DATA / name / "database.zip"), stdout=io.StringIO())
    amount = {name: max(1, int(share * options.inputs)) for name, share in _SHARES.items()}
    seeds = {name: Random(f"{options.seed}:{name}") for name in _SHARES}
    targets = {
        "CSV": lambda: [texts.fuzz_csv(amount["CSV"], seeds["CSV"])],
        "JSON": lambda: [texts.fuzz_json(amount["JSON"], seeds["JSON"])],
        "times": lambda: [texts.fuzz_times(amount["times"], seeds["times"])],
        "requests": lambda: list(requests.fuzz_requests(amount["requests"], seeds["requests"].randrange(1 << 30))),
        "loads": lambda: [loads.fuzz_loads(amount["loads"], seeds["loads"])],
    }
    scores = []
    for name, run in targets.items():
        if options.only in (None, name):
            if name == "requests":
                requests.warm_up()
            forget_peak()
            before = peak()
            scores += run()
            grown = peak() - before
            print(f"  {name} done, {before:.0f} MB before and {peak():.0f} MB at most", flush=True)
            if grown > MEGABYTES:
                scores[-1].fail(f"the inputs needed {grown:.0f} MB more than the process had before")
    return scores


def _print(scores: list[Score]) -> int:
    print("\n| target | inputs | slowest | answers |\n|---|---|---|---|")
    for score in scores:
        answers = ", ".join(f"{name} {number}" for name, number in score.answers.most_common())
        print(f"| {score.name} | {score.inputs} | {score.slowest:.2f} s | {answers} |")
    failures = [line for score in scores for line in score.failures]
    print(f"\n{sum(score.inputs for score in scores)} inputs; failures: {len(failures)}")
    for line in failures:
        print(f"  {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
