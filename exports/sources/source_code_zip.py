"""The experiment's `source_code.zip`: at the top of a PsyNet export, above its database, or provided on its own."""

import io
from pathlib import Path, PurePosixPath

from psynetdata.psynet import basic_data_method
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput

from .untrusted_zip import SafeZip, printable_name
from .upload import Folder, Upload

NAME = "source_code.zip"
# PsyNet refuses to deploy more than this (Dallinger's EXP_MAX_SIZE_MB).
LARGEST = 256 << 20
_SCRIPT = "experiment.py"
_READ = basic_data_method.LARGEST + 1


def find_in_upload(upload: Upload, folder: Path) -> Path | None:
    """Return the source code that came with a database, as a file; None if there is none. Raises BadInput."""
    name = _beside(upload)
    if name is None:
        return None
    container, called = upload.outermost, f"{printable_name(name)} in {upload.outermost.label}"
    _check_size(container.files[name], called)
    if isinstance(container, Folder):
        return container.path(name)
    target = folder / NAME
    with container.open(name, text=False) as source, target.open("wb") as copy:
        while block := source.read(BLOCK):
            copy.write(block)
    return target


def method_in(path: Path) -> str:
    """Return the text of `get_basic_data` in the zip's experiment.py, "" if it has none; none of it is run.

    Raises BadInput if it is not a zip of source code.
    """
    label = printable_name(path.name)
    _check_size(path.stat().st_size, label)
    archive = SafeZip(path, label)
    try:
        scripts = [name for name in archive.files if PurePosixPath(name).name == _SCRIPT]
        if not scripts:
            raise BadInput(f"{label} holds no {_SCRIPT}, so it is not an experiment's source code.")
        # Others are deeper: in packages that the experiment includes.
        with archive.open(min(scripts, key=lambda name: (name.count("/"), name)), text=False) as script:
            return basic_data_method.find(_text(script))
    finally:
        archive.close()


def _beside(upload: Upload) -> str | None:
    """Return its name in the outermost folder or zip: next to the database or in a folder above it, the nearest one."""
    names = [name for name in upload.outermost.files if PurePosixPath(name).name == NAME]
    above = [name for name in names if upload.where.startswith(name.removesuffix(NAME))]
    return max(above, key=len, default=None)


def _check_size(size: int, called: str) -> None:
    if size > LARGEST:
        raise BadInput(f"{called} is larger than {LARGEST >> 20} MiB, too large for an experiment's source code.")


def _text(script: io.BufferedIOBase) -> bytes:
    """Read no more than will be used, whatever size the member would unpack to."""
    return script.read(_READ)
