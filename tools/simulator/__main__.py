"""`python -m tools.simulator URL …`, run in the checkout: `--help` says more."""

import os
import sys

import django


def main(*words: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "psynetdata.settings")
    django.setup()
    from .command import Command

    Command().run_from_argv(["python -m", "tools.simulator", *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
