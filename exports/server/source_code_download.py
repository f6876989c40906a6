"""Ask the running experiment for its source code and store it. PsyNet serves it at /download_source."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from django.conf import settings

from exports.assets.fetch import Fetcher
from exports.assets.locations import registry
from exports.assets.locations.base import FileMissing
from exports.assets.locations.registry import AssetLocation
from exports.assets.plan import PlannedAsset
from exports.models import SourceCode
from exports.server import source_code
from exports.sources.source_code_zip import LARGEST, NAME
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Problem

_ROUTE = PlannedAsset(id=0, host_path="download_source", export_path=NAME)
_LONGEST = 600.0  # seconds in all, including repeated tries and pauses
_IN_WORDS = {"permission to read it was denied": "it asks for another user or password"}


class NotFetched(Problem):
    """The experiment did not send its source code. The sentence holds no address."""

    status = 502


def can_be_asked(deployment: Deployment) -> bool:
    """Return whether the experiment's address is known and this launch still answers there."""
    return bool(deployment.experiment_url) and deployment.state in deployment.OPEN


def fetch(
    deployment: Deployment,
    *,
    check_cancelled: Callable[[], None] = lambda: None,
    pause: Callable[[float], None] | None = None,
    timeout: float = 30.0,
) -> SourceCode:
    """Fetch and store it. Raises NotFetched with the reason; `check_cancelled` may raise to stop it, `pause` replaces
    waiting."""
    if not deployment.experiment_secret:
        raise _not_fetched("the experiment's user and password are missing (`deployment assets --experiment-env`)")
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="source-") as name:
        path = Path(name) / str(_ROUTE.id) / "0"
        bounds = _Bounds(path, check_cancelled)
        fetcher = Fetcher(
            _experiment(deployment, timeout), Path(name), pause=pause or bounds.pause, check_cancelled=bounds.check
        )
        try:
            fetched = fetcher.fetch(_ROUTE)
        finally:
            fetcher.close()
        if fetched.missing:
            raise _not_fetched(_IN_WORDS.get(fetched.missing, fetched.missing))
        path = path.rename(path.with_name(NAME))
        try:
            return source_code.keep(deployment, path)
        except BadInput as problem:
            raise _not_fetched(f"what was sent is not source code: {problem.sentence.removesuffix('.')}") from None


def _experiment(deployment: Deployment, timeout: float) -> AssetLocation:
    try:
        return registry.experiment_location(deployment, timeout=timeout)
    except Problem as problem:
        raise _not_fetched(problem.sentence.removesuffix(".")) from None


class _Bounds:
    """Limits for a download that turns out not to be source code: its size on disk, and the time."""

    def __init__(self, path: Path, check_cancelled: Callable[[], None]):
        self._path, self._check_cancelled, self._until = path, check_cancelled, monotonic() + _LONGEST

    def check(self) -> None:
        self._check_cancelled()
        if self._path.exists() and self._path.stat().st_size > LARGEST:
            raise FileMissing(f"it is larger than {LARGEST >> 20} MiB, too large for an experiment's source code")
        if monotonic() > self._until:
            raise FileMissing(f"it took longer than {_LONGEST / 60:.0f} minutes")

    def pause(self, seconds: float) -> None:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            self.check()
            sleep(min(left, 1.0))


def _not_fetched(why: str) -> NotFetched:
    return NotFetched(f"The source code could not be fetched from the experiment: {why}.")
