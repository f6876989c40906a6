"""The desk's settings, with the waits of minutes cut down to seconds: otherwise each fault would take minutes.

Only these numbers differ from what a user runs; the code is the same.
"""

from psynetdata.settings import *  # noqa: F403 - every setting but the one below
from psynetdata.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tools.faults.pace.Pace"]
