"""Published archives onto a folder: all of it or nothing, and never over anything that is there (law 2)."""

import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.core.files.storage import default_storage

from exports.models import Export, ExportArchive
from exports.snapshots.reader import SnapshotReader
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Conflict, Damaged, Problem

from . import manifest
from .names import safe_name
from .request import ANONYMOUS, REGULAR
from .verify import FolderTree, ZipTree, check, read_manifest


def default_path(export: Export, at: datetime) -> Path:
    """~/psynet-data/export/<deployment_id>/<label>__mode=<mode>__export=<time>, as PsyNet names it."""
    deployment = export.deployment
    label = re.sub(r"[^\w.-]+", "-", deployment.label.strip().lower()).strip("-") or "experiment"
    name = f"{label}__mode={launch_mode(SnapshotReader(export.snapshot))}__export={at:%Y-%m-%d--%H-%M-%S}"
    return Path.home() / "psynet-data" / "export" / safe_name(deployment.deployment_id) / safe_name(name)


def launch_mode(reader: SnapshotReader) -> str:
    """`debug`, `live`, …: what the experiment was launched as, from `deployment_config` in its vars."""
    names = [column.name for column in reader.columns("experiment")] if "experiment" in reader.tables() else []
    for row in reader.rows("experiment") if "vars" in names else ():
        found = jsontext.decode(row[names.index("vars")])
        config = found.get("deployment_config") if isinstance(found, dict) else None
        mode = config.get("mode") if isinstance(config, dict) else None
        if isinstance(mode, str) and re.fullmatch(r"[\w-]{1,30}", mode):
            return mode
    return "unknown"


def check_path(path: Path) -> None:
    """Raise Conflict where the folder cannot be made new."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise Conflict(f"{path} is not a folder; name one that does not exist yet.")
    if path.exists() and any(path.iterdir()):
        raise Conflict(f"{path} already holds something; name a folder that does not exist yet or is empty.")


def unpack(archives: list[ExportArchive], path: Path) -> dict:
    """The archives as one tree at `path`; gives its manifest. Raises Conflict, Damaged, Problem if the disk says no."""
    check_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part"))
        try:
            found = _fill(folder, archives)
            os.rename(folder, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise Problem(f"The export cannot be written to {path}: {error.strerror or error}.") from None
    return found


def _fill(folder: Path, archives: list[ExportArchive]) -> dict:
    found: dict[str, dict] = {}
    for archive in archives:
        with _opened(archive) as packed:
            tree = ZipTree(packed)
            found[archive.mode] = read_manifest(tree)
            _extract(tree, folder)
    both = found.keys() == {REGULAR, ANONYMOUS}
    told = manifest.merged(found[REGULAR], found[ANONYMOUS]) if both else next(iter(found.values()))
    (folder / manifest.NAME).write_bytes(manifest.to_bytes(told))
    problems = check(FolderTree(folder)).problems
    if problems:
        raise Damaged(f"The unpacked export is not as it should be and was removed: {problems[0]}")
    return json.loads((folder / manifest.NAME).read_bytes())


@contextmanager
def _opened(archive: ExportArchive) -> Iterator:
    try:
        file = default_storage.open(archive.file, "rb")
    except FileNotFoundError:
        raise Damaged(f"The file of {archive} is missing from the storage; export again.") from None
    with file:
        yield file


def _extract(tree: ZipTree, folder: Path) -> None:
    for name in tree.names():
        if name == manifest.NAME:
            continue
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise Damaged("The archive names a file outside its folder; export again.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tree.open(name) as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy, BLOCK)
        except zipfile.BadZipFile:
            raise Damaged(f"{name} in the stored archive is damaged; export again.") from None
