"""Unpack published archives into a folder: completely or not at all, and never over existing files (law 2)."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from exports.models import Export, ExportArchive
from exports.store.reader import SnapshotReader
from psynetdata.infra.processes import pool
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Conflict, Damaged, Problem

from . import manifest
from .archive_check import BAD_ZIP, ZipTree, read, read_manifest
from .options import ANONYMOUS, REGULAR
from .tree.file_names import safe_name

_Archive = tuple[str, AbstractContextManager[Path]]  # its mode, and the zip for as long as it is being read


def default_path(export: Export, at: datetime) -> Path:
    """Return the path for an export whose path was not given."""
    deployment, mode = export.deployment, launch_mode(SnapshotReader(export.snapshot))
    return path_of(deployment.deployment_id, deployment.label, mode, at)


def path_of(deployment_id: str, label: str, mode: str, at: datetime) -> Path:
    """Return ~/psynet-data/export/<deployment_id>/<label>__mode=<mode>__export=<time>, as PsyNet names it."""
    label = re.sub(r"[^\w.-]+", "-", label.strip().lower()).strip("-") or "experiment"
    name = f"{label}__mode={mode}__export={at:%Y-%m-%d--%H-%M-%S}"
    return Path.home() / "psynet-data" / "export" / safe_name(deployment_id) / safe_name(name)


def launch_mode(reader: SnapshotReader) -> str:
    """Return how the experiment was launched (`debug`, `live`, …), from `deployment_config` in its vars."""
    names = [column.name for column in reader.columns("experiment")] if "experiment" in reader.tables() else []
    for row in reader.rows("experiment") if "vars" in names else ():
        variables = jsontext.decode(row[names.index("vars")])
        config = variables.get("deployment_config") if isinstance(variables, dict) else None
        mode = config.get("mode") if isinstance(config, dict) else None
        if isinstance(mode, str) and re.fullmatch(r"[\w-]{1,30}", mode):
            return mode
    return "unknown"


def check_path(path: Path) -> None:
    """Raise Conflict if the folder cannot be created, Problem if nothing can be written there."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise Conflict(f"{path} is not a folder; name one that does not exist yet.")
    if path.exists() and any(path.iterdir()):
        raise Conflict(f"{path} is not empty; name a folder that does not exist yet or is empty.")
    there = next(parent for parent in path.parents if parent.exists())
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=f".{path.name[:40]}."):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def unpack(archives: list[ExportArchive], path: Path, *, processes: int = 1) -> dict:
    """Unpack archives as one tree at `path`; return its manifest. Raises Conflict, Damaged, Problem on disk errors."""
    return _unpack([(archive.mode, _on_disk(archive)) for archive in archives], path, processes)


def unpack_files(archives: dict[str, Path], path: Path, *, processes: int = 1) -> dict:
    """Unpack zip files of this machine, {mode: zip}, as one tree at `path`. Returns and raises as `unpack`."""
    return _unpack([(mode, nullcontext(packed)) for mode, packed in sorted(archives.items())], path, processes)


def _unpack(archives: list[_Archive], path: Path, processes: int) -> dict:
    check_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part"))
        try:
            content = _fill(folder, archives, processes)
            os.rename(folder, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise _unwritable(path, error) from None
    return content


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(f"The export cannot be written to {path}: {error.strerror or error}.")


def _fill(folder: Path, archives: list[_Archive], processes: int) -> dict:
    manifests: dict[str, dict] = {}
    for mode, on_disk in archives:
        with on_disk as packed:
            tree = ZipTree(packed)
            manifests[mode] = read_manifest(tree)
            _extract(tree.names(), packed, folder, manifests[mode], processes)
    both = manifests.keys() == {REGULAR, ANONYMOUS}
    merged_manifest = (
        manifest.merged(manifests[REGULAR], manifests[ANONYMOUS]) if both else next(iter(manifests.values()))
    )
    content = manifest.to_bytes(merged_manifest)
    (folder / manifest.NAME).write_bytes(content)
    return json.loads(content)


@contextmanager
def _on_disk(archive: ExportArchive) -> Iterator[Path]:
    """Yield the archive as a file of this machine: the storage's own, or a copy."""
    try:
        with default_storage.open(archive.file, "rb") as file:
            if isinstance(default_storage, FileSystemStorage):
                yield Path(file.name)
                return
            with tempfile.NamedTemporaryFile(dir=settings.TEMP_DIR, suffix=".zip") as copy:
                shutil.copyfileobj(file, copy, BLOCK)
                copy.flush()
                yield Path(copy.name)
    except FileNotFoundError:
        raise Damaged(f"The file of {archive} is missing from the storage; export again.") from None


@dataclass(frozen=True)
class _Extracting:
    packed: Path
    name: str
    target: Path


def _extract(names: list[str], packed: Path, folder: Path, entries: dict, processes: int) -> None:
    """Extract all members except the manifest, and compare each with it on the way. Raises Damaged."""
    listed = {file["path"]: (file["bytes"], file["sha256"]) for file in entries["files"]}
    if set(names) != {*listed, manifest.NAME} or len(names) != len(set(names)):
        raise Damaged("The stored archive does not hold the files that its manifest lists; export again.")
    tasks = []
    for name in listed:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise Damaged("The archive names a file outside its folder; export again.")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tasks.append(_Extracting(packed, name, folder / name))
    with pool(processes) as workers:
        for name, content in workers.each(_extracted, tasks):
            if content != listed[name]:
                raise Damaged(f"{name} in the stored archive has changed; export again.")


def _extracted(context: None, task: _Extracting) -> tuple[str, tuple[int, str]]:
    """Extract a member. Return (name, what came out of the archive: bytes and SHA-256)."""
    try:
        with ZipTree(task.packed).open(task.name) as file, task.target.open("xb") as copy:
            content = read(file, copy=copy)
    except BAD_ZIP:
        raise Damaged(f"{task.name} in the stored archive is damaged; export again.") from None
    if task.target.stat().st_size != content.bytes:
        raise Damaged(f"{task.name} was not completely written to the disk; export again.")
    return task.name, (content.bytes, content.sha256)
