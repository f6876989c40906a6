"""Fetch PostgreSQL 12 unless it is there. Where it cannot be had that is said; in CI it is a failure."""

import os
import sys

from .install import install, missing

print(install())
sys.exit(1 if os.environ.get("CI") and missing(12) else 0)
