"""Verb: have asset files at hand, from our storage where they are, else from where they live, and then kept here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from exports.models import StoredAsset
from psynetdata.models import Deployment

from .asset_files import Shelf, kept, remember
from .fetch import Fetched, FetchedFile, Fetcher, Health
from .locations import registry
from .plan import PlannedAsset
from .thread_pool import Stop, spread

WORKERS = 8
_LOOKED_UP = 500  # assets whose rows are asked for at a time
_REMEMBERED = 100  # and written


@dataclass(frozen=True)
class _Task:
    """`rows`: its files in our storage. `ask`: whether where it lives may have another version by now."""

    asset: PlannedAsset
    rows: list[StoredAsset]
    ask: bool


def obtain(
    deployment: Deployment,
    assets: Iterable[PlannedAsset],
    folder: Path,
    *,
    n: int = WORKERS,
    look: Callable[[], None] = lambda: None,
    pause: Callable[[float], None] | None = None,
    keep: bool = True,
    only_new: bool = False,
    timeout: float = 30.0,
) -> Iterator[tuple[PlannedAsset, Fetched]]:
    """(asset, its files) of each, in no order; `n` of them at a time, each over a connection of its own.

    Files lie in the storage itself or below `folder`. Unless they are to be kept they lie there, are the caller's to
    move, and nothing is stored. A file that cannot be had is a reason; what stops everything (a full disk, `look`
    raising) is raised, and what was fetched until then is kept. `pause` waits between tries in place of a clock.
    With `only_new` nothing is said of what is here already. Raises UsageError for a place of no known kind.
    """
    stop, health = Stop(), Health()
    of = registry.of(deployment, timeout=timeout)
    is_open = deployment.state in deployment.OPEN

    def worker() -> _Worker:
        return _Worker(
            Fetcher(of, folder, pause=pause or stop.pause, look=stop.check, health=health), folder, keep, only_new
        )

    fresh: list[tuple[PlannedAsset, Fetched]] = []
    try:
        for task, found in spread(_tasks(deployment, assets, is_open, only_new), worker, n=n, stop=stop, look=look):
            if found.fresh and keep:
                fresh.append((task.asset, found))
            if len(fresh) >= _REMEMBERED:
                remember(deployment, fresh)
                fresh = []
            yield task.asset, found
    finally:
        remember(deployment, fresh)


def _tasks(deployment: Deployment, assets: Iterable[PlannedAsset], is_open: bool, only_new: bool) -> Iterator[_Task]:
    source = iter(assets)
    while some := list(islice(source, _LOOKED_UP)):
        rows = kept(deployment, some)
        for asset in some:
            mine = rows.get(asset.id, [])
            ask = is_open and bool(mine) and _may_change(asset, mine)
            if ask or not (mine and only_new):
                yield _Task(asset, mine, ask)


def _may_change(asset: PlannedAsset, rows: list[StoredAsset]) -> bool:
    """Not if it is what its row says, nor if nobody could tell: a folder's files, what is made when asked for."""
    vouched = asset.claim and not rows[0].differs
    return not (vouched or asset.is_folder or asset.secret) and bool(rows[0].version)


class _Worker:
    def __init__(self, fetcher: Fetcher, folder: Path, keep: bool, only_new: bool):
        self._fetcher, self._folder, self._keep, self._only_new = fetcher, folder, keep, only_new
        self._shelf = Shelf()

    def do(self, task: _Task) -> Fetched:
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

    def _fetched(self, asset: PlannedAsset, known: str = "") -> Fetched:
        found = self._fetcher.fetch(asset, known=known)
        if not found.files:
            return found
        stored = tuple(self._shelf.put(file) for file in found.files) if self._keep else found.files
        return replace(found, files=stored, fresh=True)

    def _from_here(self, task: _Task) -> Fetched | None:
        files = []
        for row in task.rows:
            path = self._shelf.bring(row, self._folder / str(row.asset_id) / str(row.number), copy=not self._keep)
            if path is None:
                return None
            files.append(FetchedFile(path, row.inside, row.bytes, row.sha256, row.version))
        return Fetched(tuple(files), differs=task.rows[0].differs)
