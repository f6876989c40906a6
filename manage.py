#!/usr/bin/env python
"""The command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.umask(0o077)  # files with data about people are private, wherever they are written
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "psynetdata.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before the command began; from then on it says so itself
        sys.exit(130)
