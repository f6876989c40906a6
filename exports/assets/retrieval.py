"""Get asset files: from our storage if they are there, else from their location, and store them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from exports.models import StoredAsset
from psynetdata.models import Deployment

from .asset_files import AssetStorage, remember, stored_files
from .fetch import FetchedAsset, FetchedFile, Fetcher, Health
from .locations import registry
from .plan import PlannedAsset
from .thread_pool import Stop, run_in_threads

WORKERS = 8
_LOOKED_UP = 500  # assets whose rows are read together
_REMEMBERED = 100  # assets whose rows are written together


@dataclass(frozen=True)
class _Task:
    """`rows`: its files in our storage. `ask`: whether the location may now have another version."""

    asset: PlannedAsset
    rows: list[StoredAsset]
    ask: bool


def obtain(
    deployment: Deployment,
    assets: Iterable[PlannedAsset],
    folder: Path,
    *,
    n: int = WORKERS,
    check_cancelled: Callable[[], None] = lambda: None,
    pause: Callable[[float], None] | None = None,
    keep: bool = True,
    only_new: bool = False,
    timeout: float = 30.0,
) -> Iterator[tuple[PlannedAsset, FetchedAsset]]:
    """Yield (asset, its files) of each, in any order; `n` of them at a time, each over its own connection.

    The files are in the storage itself or below `folder`. With `keep=False` they are below `folder`, the caller may
    move them, and nothing is stored. A file that cannot be fetched gives a reason; a problem that concerns all files
    (a full disk, `check_cancelled` raising) is raised, and what was fetched before is kept. `pause` replaces the
    waiting between tries. With `only_new` stored files are skipped. Raises UsageError for a location of an unknown
    kind.
    """
    stop, health = Stop(), Health()
    of = registry.location_of(deployment, timeout=timeout)
    is_open = deployment.state in deployment.OPEN

    def worker() -> _Worker:
        return _Worker(
            Fetcher(of, folder, pause=pause or stop.pause, check_cancelled=stop.check, health=health),
            folder,
            keep,
            only_new,
        )

    fresh: list[tuple[PlannedAsset, FetchedAsset]] = []
    try:
        for task, fetched in run_in_threads(
            _tasks(deployment, assets, is_open, only_new), worker, n=n, stop=stop, check_cancelled=check_cancelled
        ):
            if fetched.fresh and keep:
                fresh.append((task.asset, fetched))
            if len(fresh) >= _REMEMBERED:
                remember(deployment, fresh)
                fresh = []
            yield task.asset, fetched
    finally:
        remember(deployment, fresh)


def _tasks(deployment: Deployment, assets: Iterable[PlannedAsset], is_open: bool, only_new: bool) -> Iterator[_Task]:
    source = iter(assets)
    while some := list(islice(source, _LOOKED_UP)):
        rows = stored_files(deployment, some)
        for asset in some:
            mine = rows.get(asset.id, [])
            ask = is_open and bool(mine) and _may_change(asset, mine)
            if ask or not (mine and only_new):
                yield _Task(asset, mine, ask)


def _may_change(asset: PlannedAsset, rows: list[StoredAsset]) -> bool:
    """Return False if it matches its row's claim, or if it cannot be known: for a folder, or a file made on demand."""
    vouched = asset.claim and not rows[0].differs
    return not (vouched or asset.is_folder or asset.secret) and bool(rows[0].version)


class _Worker:
    def __init__(self, fetcher: Fetcher, folder: Path, keep: bool, only_new: bool):
        self._fetcher, self._folder, self._keep, self._only_new = fetcher, folder, keep, only_new
        self._storage = AssetStorage()

    def do(self, task: _Task) -> FetchedAsset:
        if not task.rows:
            return self._fetched(task.asset)
        if not task.ask:
            return self._from_here(task) or self._fetched(task.asset)
        asked = self._fetched(task.asset, known=task.rows[0].version)
        if asked.files or self._only_new:
            return asked
        return self._from_here(task) or asked

    def close(self) -> None:
        self._fetcher.close()

    def _fetched(self, asset: PlannedAsset, known: str = "") -> FetchedAsset:
        fetched = self._fetcher.fetch(asset, known=known)
        if not fetched.files:
            return fetched
        stored = tuple(self._storage.put(file) for file in fetched.files) if self._keep else fetched.files
        return replace(fetched, files=stored, fresh=True)

    def _from_here(self, task: _Task) -> FetchedAsset | None:
        files = []
        for row in task.rows:
            path = self._storage.bring(row, self._folder / str(row.asset_id) / str(row.number), copy=not self._keep)
            if path is None:
                return None
            files.append(FetchedFile(path, row.inside, row.bytes, row.sha256, row.version))
        return FetchedAsset(tuple(files), differs=task.rows[0].differs)
