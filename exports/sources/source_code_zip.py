"""The experiment's `source_code.zip`: at the top of a PsyNet export, above its database, or handed in by itself."""

import io
from pathlib import Path, PurePosixPath

from psynetdata.psynet import basic_data_method
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput

from .untrusted_zip import SafeZip, shown
from .upload import Folder, Upload

NAME = "source_code.zip"
# PsyNet refuses to deploy more than this (Dallinger's EXP_MAX_SIZE_MB).
LARGEST = 256 << 20
_SCRIPT = "experiment.py"
_READ = basic_data_method.LARGEST + 1


def of_upload(upload: Upload, folder: Path) -> Path | None:
    """The source code that came with a database, as a file; None where none did. Raises BadInput."""
    name = _beside(upload)
    if name is None:
        return None
    container, called = upload.outermost, f"{shown(name)} in {upload.outermost.label}"
    _check_size(container.files[name], called)
    if isinstance(container, Folder):
        return container.path(name)
    target = folder / NAME
    with container.open(name, text=False) as source, target.open("wb") as copy:
        while block := source.read(BLOCK):
            copy.write(block)
    return target


def method_in(path: Path) -> str:
    """The text of `get_basic_data` in experiment.py of the zip, "" where there is none; nothing of it is run.

    Raises BadInput for what is no zip archive of source code.
    """
    label = shown(path.name)
    _check_size(path.stat().st_size, label)
    archive = SafeZip(path, label)
    try:
        scripts = [name for name in archive.files if PurePosixPath(name).name == _SCRIPT]
        if not scripts:
            raise BadInput(f"{label} holds no {_SCRIPT}, so it is no experiment's source code.")
        # Others lie deeper: in packages that the experiment brings along.
        with archive.open(min(scripts, key=lambda name: (name.count("/"), name)), text=False) as script:
            return basic_data_method.find(_text(script))
    finally:
        archive.close()


def _beside(upload: Upload) -> str | None:
    """Its name in the outermost folder or zip: in the folder of the database or one above it, the nearest first."""
    names = [name for name in upload.outermost.files if PurePosixPath(name).name == NAME]
    above = [name for name in names if upload.where.startswith(name.removesuffix(NAME))]
    return max(above, key=len, default=None)


def _check_size(size: int, called: str) -> None:
    if size > LARGEST:
        raise BadInput(f"{called} is larger than {LARGEST >> 20} MiB, which is no experiment's source code.")


def _text(script: io.BufferedIOBase) -> bytes:
    """No more than is ever looked at, whatever the member would unpack to."""
    return script.read(_READ)
