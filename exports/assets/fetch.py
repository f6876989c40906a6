"""Bring asset files from where they live into a folder, each with its hash; nothing outside that place is ever read."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import UsageError

from .plan import PlannedAsset

# The trouble is with the place that files are copied to, and no other asset would fare better.
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class FetchedFile:
    """`inside`: its path within the asset where that is a folder, else empty."""

    path: Path
    inside: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Fetched:
    """An asset's files, or why there are none; `differs`: why the file may not be the one that the row describes."""

    files: tuple[FetchedFile, ...] = ()
    missing: str = ""
    differs: str = ""


class _Missing(Exception):
    """The reason, in words that hold no path."""


def check_assets_url(url: str) -> None:
    """Raise UsageError where assets live in a place that cannot be read yet."""
    if url and (urlsplit(url).scheme != "file" or not urlsplit(url).path.startswith("/")):
        raise UsageError(
            "Fetching assets from anywhere but a local folder (file:///…) does not work yet; use --assets none."
        )


def root_of(url: str) -> Path | None:
    """The folder behind `file:///folder`; None where nobody said where the assets live."""
    check_assets_url(url)
    return Path(unquote(urlsplit(url).path)) if url else None


def fetch(asset: PlannedAsset, root: Path | None, folder: Path) -> Fetched:
    """Copy the asset's file or files to `folder`/<id>. A bad file is a reason, not an error; a full disk is one."""
    if asset.host_path is None:
        return Fetched(missing=asset.why_none)
    if root is None:
        return Fetched(missing="nobody said where the assets of this deployment live")
    try:
        source = _inside(root, asset.host_path)
        if source.is_dir():
            found = _walk(source, root)
            return Fetched(
                tuple(_copy(path, folder / str(asset.id) / f"{n}", inside)[0] for n, (path, inside) in enumerate(found))
            )
        copied, md5 = _copy(source, folder / str(asset.id), "")
    except _Missing as reason:
        return Fetched(missing=str(reason))
    except OSError as error:
        if error.errno in _CANNOT_WRITE:
            raise
        return Fetched(missing=f"it cannot be read ({error.strerror})")
    differs = "its MD5 is not the one in its row" if asset.md5 and md5 != asset.md5 else ""
    return Fetched((copied,), differs=differs)


def _inside(root: Path, host_path: str) -> Path:
    """The file that `host_path` names; it must be below the root when all links are followed."""
    parts = host_path.replace("\\", "/").split("/")
    if "\0" in host_path or host_path.startswith(("/", "\\")) or ".." in parts:
        raise _Missing("its path leads out of the assets' folder")
    try:
        place = root.resolve(strict=True)
    except OSError:
        raise _Missing("the folder of the assets is not there") from None
    try:
        found = (place / host_path).resolve(strict=True)
    except (OSError, RuntimeError):
        raise _Missing("there is no such file") from None
    if place not in found.parents:
        raise _Missing("its path leads out of the assets' folder")
    return found


def _walk(source: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """(file, its path inside the folder), sorted; links that lead out of the root are left."""
    place = root.resolve()
    for path in sorted(source.rglob("*")):
        if path.is_file() and place in path.resolve().parents:
            yield path, path.relative_to(source).as_posix()


def _copy(source: Path, target: Path, inside: str) -> tuple[FetchedFile, str]:
    """(the copy, its MD5)"""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    # O_NONBLOCK: opening a pipe must not wait for someone to write into it.
    handle = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _Missing("it is no ordinary file")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            while block := file.read(BLOCK):
                sha256.update(block)
                md5.update(block)
                size += len(block)
                copy.write(block)
    return FetchedFile(target, inside, size, sha256.hexdigest()), md5.hexdigest()
