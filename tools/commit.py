"""The commit that a result belongs to."""

import subprocess
from pathlib import Path


def commit() -> str:
    """Return the short hash, with a + if files were changed since; a copy without git is `unknown`."""
    ask = ["git", "-C", str(Path(__file__).parent)]
    found = subprocess.run([*ask, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False)
    if found.returncode:
        return "unknown"
    changed = subprocess.run([*ask, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    return found.stdout.strip() + ("+" if changed.stdout.strip() else "")
