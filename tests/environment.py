"""A pytest plugin, named in pyproject.toml because it must come before Django reads its settings.

Each process of a run, each xdist worker too, has a data folder of its own; nothing reaches ./var.
"""

import gc
import os
import tempfile

_FOLDER = tempfile.TemporaryDirectory(prefix="psynetdata-tests-")
os.environ["DATA_DIR"] = _FOLDER.name
os.environ["API_RATE"] = "1000000/min"  # tests ask more often than people
# Thousands of tests and all modules are made now and stay: looking for garbage among them is a third of that time, and
# would be part of every later collection.
gc.disable()


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure():
    _FOLDER.cleanup()
