"""Real places that assets live in, on loopback: OpenSSH's SFTP server, Swift as an S3 store, and a web server."""

import os
import shutil
from pathlib import Path

import pytest

_SBIN = "/usr/sbin:/sbin"


def program(name: str) -> str | None:
    """Its absolute path, also where PATH leaves out the administrators' folders."""
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def need(*packages: str, programs: tuple[str, ...]) -> None:
    """Skip where a program is missing, with a line that names its Debian package; in CI that is a failure."""
    missing = [name for name in programs if not (program(name) or Path(name).exists())]
    if missing:
        sentence = f"{', '.join(missing)} is not here; apt-get install {' '.join(packages)}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
