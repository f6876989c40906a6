"""A pytest plugin, named in pyproject.toml because it must come before Django reads its settings.

Each process of a run, each xdist worker too, has a data folder of its own; nothing reaches ./var.
"""

import os
import tempfile

_FOLDER = tempfile.TemporaryDirectory(prefix="psynetdata-tests-")
os.environ["DATA_DIR"] = _FOLDER.name
os.environ["API_RATE"] = "1000000/min"  # tests ask more often than people


def pytest_unconfigure():
    _FOLDER.cleanup()
