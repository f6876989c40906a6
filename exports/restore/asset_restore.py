"""Put asset files back where their rows say they belong: `<folder>/<host_path>`.

They are fetched into a folder next to their places first, so that nothing has moved while anything can still fail,
and each file appears complete.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from exports.assets.fetch import FetchedAsset, FetchedFile
from exports.assets.plan import PlannedAsset, plan, rows_of
from exports.assets.retrieval import obtain
from exports.sources.asset_urls import check_assets_url
from exports.store.reader import SnapshotReader
from psynetdata.jobs import Running
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, Problem, UsageError

_NAMED = 20  # missing files that are listed one by one


class AssetRestore:
    """The files of a restore. `placed`: how many are where they belong; `warnings`: sentences about the others."""

    placed = 0
    warnings: list[str] = []

    def stage(self) -> None:
        """Fetch all of them next to their places; this changes nothing yet."""

    def place(self) -> None:
        """Move all of them to their places."""


class _StagedAssets(AssetRestore):
    def __init__(self, reader: SnapshotReader, root: Path, folder: Path, replace: bool, running: Running | None):
        self.warnings = []
        self._reader = reader
        self._root = root
        self._folder = folder
        self._replace = replace
        self._running = running
        self._moves: dict[Path, Path] = {}

    def stage(self) -> None:
        missing = []
        for asset, fetched in self._fetched():
            if fetched.missing:
                missing.append(f"Asset {asset.id}: {fetched.missing}; it was not put back.")
            if fetched.differs:
                self.warnings.append(f"Asset {asset.id}: {fetched.differs}; it was put back as it is.")
            for file in fetched.files:
                self._take(asset, file)
        self.warnings += missing[:_NAMED]
        if len(missing) > _NAMED:
            self.warnings.append(f"{len(missing) - _NAMED} more assets were not put back.")

    def place(self) -> None:
        failed = 0
        for goal, file in self._moves.items():
            try:
                goal.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, goal)
                self.placed += 1
            except OSError:
                failed += 1
        if failed:
            raise Problem(
                f"All rows were restored, but {failed} asset files could not be put in place; "
                "make sure that the folder is writable, then restore again with --replace."
            )

    def _fetched(self) -> list[tuple[PlannedAsset, FetchedAsset]]:
        """Return all of them, in the order of their ids."""
        fetched: list[tuple[PlannedAsset, FetchedAsset]] = []
        deployment = self._reader.snapshot.deployment
        look = self._running.check if self._running else lambda: None
        try:
            for one in obtain(deployment, self._assets(), self._folder, check_cancelled=look, keep=False):
                fetched.append(one)
                if self._running:
                    self._running.progress("fetching assets", len(fetched))
        except OSError as error:
            raise _unwritable(error) from None
        return sorted(fetched, key=lambda one: one[0].id)

    def _assets(self) -> Iterator[PlannedAsset]:
        return (asset for asset in plan(rows_of(self._reader), "all") if asset.host_path is not None)

    def _take(self, asset: PlannedAsset, file: FetchedFile) -> None:
        goal = self._goal(asset, file)
        if goal is None:
            self.warnings.append(f"Asset {asset.id}: its path leads out of the folder; it was not put back.")
        elif goal in self._moves or _is_same(goal, file):
            self.placed += goal not in self._moves
        elif self._is_barred(goal) or (os.path.lexists(goal) and not self._replace):
            raise Conflict(
                f"Another file is where the file of asset {asset.id} belongs; "
                "nothing was changed. Choose an empty folder, or --replace to overwrite it."
            )
        else:
            self._moves[goal] = file.path
            return
        file.path.unlink()

    def _goal(self, asset: PlannedAsset, file: FetchedFile) -> Path | None:
        """Return where the file belongs, below the root after following all links; None if that is outside of it."""
        goal = self._root.joinpath(asset.host_path, *filter(None, [file.inside]))
        place = goal.parent.resolve() / goal.name
        return place if self._root in place.parents else None

    def _is_barred(self, goal: Path) -> bool:
        """Return whether a folder is where the file belongs, or a file where a folder of its path belongs."""
        above = goal.parents[: goal.parents.index(self._root)]
        return goal.is_dir() or any(path.exists() and not path.is_dir() for path in above)


@contextmanager
def no_assets() -> Iterator[AssetRestore]:
    yield AssetRestore()


@contextmanager
def staged(reader: SnapshotReader, url: str, *, replace: bool, running: Running | None) -> Iterator[AssetRestore]:
    """Yield the snapshot's asset files for the folder `url`. Raises UsageError if it is not a usable folder."""
    root = _root(url)
    _check_source(reader.snapshot.deployment)
    try:
        held = TemporaryDirectory(prefix=".restore-", dir=root)
    except OSError as error:
        raise _unwritable(error) from None
    with held as folder:
        yield _StagedAssets(reader, root, Path(folder), replace, running)


def _root(url: str) -> Path:
    path = _folder(url)
    if path is None:
        raise UsageError(
            "Asset files can only be put back into a folder of this machine so far; "
            "write it as --assets file:///folder."
        )
    if not path.is_dir():
        raise UsageError("The folder that --assets names does not exist; create it first.")
    return path.resolve()


def _check_source(deployment: Deployment) -> None:
    if not deployment.assets_url and not deployment.stored_assets.exists():
        raise UsageError(
            "The location of this deployment's asset files is not known; set it with `manage.py load … --assets DIR`, "
            "or restore without --assets."
        )
    check_assets_url(deployment.assets_url)


def _folder(url: str) -> Path | None:
    """Return the folder of `file:///folder`; None for any other address."""
    parts = urlsplit(url)
    local = parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/")
    return Path(unquote(parts.path)) if local else None


def _unwritable(error: OSError) -> Problem:
    return Problem(f"The folder that --assets names is not writable ({error.strerror}); nothing was changed.")


def _is_same(goal: Path, file: FetchedFile) -> bool:
    if goal.is_symlink() or not goal.is_file() or goal.stat().st_size != file.bytes:
        return False
    with goal.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest() == file.sha256
