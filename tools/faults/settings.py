"""The desk's settings, with the waits of minutes cut down to seconds: otherwise each fault would take minutes.

Only these numbers, and the clock where a file sets it, differ from what a user runs; the code is the same.
"""

import os
from pathlib import Path

from psynetdata.settings import *  # noqa: F403 - every setting but the one below
from psynetdata.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tools.faults.pace.Pace"]

if os.environ.get("FAULTS_CLOCK"):
    from tools.faults.clock import follow

    follow(Path(os.environ["FAULTS_CLOCK"]))
