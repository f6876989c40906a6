"""Bring the files of one asset into a folder: check each, and try again as long as that may help."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings

from psynetdata.psynet.csvtext import BLOCK

from .folder_hash import md5_of_folder
from .locations.base import FileMissing, IsFolder, LocationGone, Session, Stream, TransferFailed, Unchanged
from .locations.registry import AssetLocation
from .locations.route import AddressRoute, AssetRoute, LocationRoute
from .plan import PlannedAsset

# Seconds between one try and the next.
PAUSES = (1.0, 4.0, 15.0)
_PAGE = (b"<!doctype html", b"<html")
_PAGE_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class FetchedFile:
    """`inside`: its path within the asset if that is a folder, else empty. `version`: as its location reports it."""

    path: Path
    inside: str
    bytes: int
    sha256: str
    version: str = ""
    content_type: str = ""


@dataclass(frozen=True)
class FetchedAsset:
    """An asset's files, or why there are none; `differs`: why the file may not be the one that the row describes.

    `unchanged`: nothing was fetched, because the location still has the known version. `fresh`: the files were fetched
    just now.
    """

    files: tuple[FetchedFile, ...] = ()
    missing: str = ""
    differs: str = ""
    unchanged: bool = False
    fresh: bool = False


# After so many assets in a row that could not be reached on one server, the others are not tried.
_HOPELESS = 10


@dataclass
class Health:
    """What a deployment's workers know about its servers, by name; the location of its assets has the empty name."""

    gone: dict[str, str] = field(default_factory=dict)  # {name: why nothing can be fetched from it}
    unreachable: Counter[str] = field(default_factory=Counter)  # assets in a row

    def check(self, name: str) -> None:
        if reason := self.gone.get(name):
            raise FileMissing(reason)

    def failed(self, name: str, trouble: TransferFailed) -> None:
        self.unreachable[name] += trouble.unreachable
        if self.unreachable[name] >= _HOPELESS:
            self.gone[name] = str(trouble)


class Fetcher:
    """One worker's fetcher, with its own connections, made when needed. `pause`: waits so many seconds, or raises."""

    def __init__(
        self, place: AssetLocation, folder: Path, *, pause: Callable[[float], None],
        check_cancelled: Callable[[], None],
        health: Health | None = None,
    ):  # fmt: skip
        self._place, self._folder, self._pause, self._check_cancelled = place, folder, pause, check_cancelled
        self._health = health or Health()
        self._sessions: dict[str, Session] = {}

    def fetch(self, asset: PlannedAsset, *, known: str = "") -> FetchedAsset:
        """Fetch the asset's files as `folder`/<id>/<number>. A bad file gives a reason; a full disk raises an error.

        `known`: the version that the caller has; if the location still has it, nothing is fetched.
        """
        try:
            way = self._route(asset)
            self._health.check(way.server)
            return self._files(asset, way, known)
        except Unchanged:
            return FetchedAsset(unchanged=True)
        except (FileMissing, TransferFailed) as reason:
            return FetchedAsset(missing=str(reason))
        except LocationGone as reason:
            self._health.gone[way.server] = str(reason)
            return FetchedAsset(missing=str(reason))

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def _route(self, asset: PlannedAsset) -> AssetRoute:
        if asset.url:
            return AddressRoute(lambda: self._session("web", self._place.web), asset.url)
        if asset.secret:
            if not self._place.experiment:
                raise FileMissing("the experiment makes it on demand, and the experiment's address is not known")
            asked = f"/on-demand-asset?{urlencode({'id': asset.id, 'secret': asset.secret})}"
            return AddressRoute(lambda: self._session("web", self._place.web), self._place.experiment + asked)
        if asset.host_path is None:
            raise FileMissing(asset.why_none)
        if self._place.place is None:
            raise FileMissing("the location of this deployment's assets is not known")
        return LocationRoute(lambda: self._session("place", self._place.place), asset.host_path)

    def _session(self, name: str, make: Callable[[], Session]) -> Session:
        if name not in self._sessions:
            self._sessions[name] = make()
        return self._sessions[name]

    def _files(self, asset: PlannedAsset, way: AssetRoute, known: str) -> FetchedAsset:
        target = self._folder / str(asset.id)
        inner = self._retry(way, way.list_files) if asset.is_folder else None
        if inner is None:
            try:
                return self._single(asset, way, target / "0", known)
            except IsFolder:
                inner = self._retry(way, way.list_files) or []
        files = [self._one(way, name, target / str(n)).finished(name) for n, name in enumerate(inner)]
        return FetchedAsset(tuple(files), differs=_folder_differs(asset, files))

    def _single(self, asset: PlannedAsset, way: AssetRoute, target: Path, known: str) -> FetchedAsset:
        differs = ""
        for _ in range(2 if way.is_remote else 1):  # a file that differs from its row may have been damaged on its way
            part = self._one(way, "", target, known)
            differs = asset.differs(part.md5.hexdigest(), part.size)
            if way.may_send_pages and part.is_page and (differs or not asset.may_be_a_page):
                raise FileMissing("a web page was sent instead")
            if not differs:
                break
        return FetchedAsset((part.finished(""),), differs=differs)

    def _one(self, way: AssetRoute, inside: str, target: Path, known: str = "") -> "_PartialFile":
        part = _PartialFile(target)

        def attempt() -> _PartialFile:
            with way.open(inside, start=part.size, version=part.version, known=known) as stream:
                part.take(stream, self._check_cancelled)
            return part

        return self._retry(way, attempt, part)

    def _retry(self, way: AssetRoute, attempt: Callable, part: "_PartialFile | None" = None):
        """Return the result of `attempt`, after several tries if needed; each block of progress restarts the count."""
        tries = 0
        while True:
            before = part.size if part else 0
            try:
                result = attempt()
                self._health.unreachable[way.server] = 0
                return result
            except TransferFailed as trouble:
                if part and trouble.restart:
                    part.forget()
                tries = 1 if part and part.size - before >= BLOCK else tries + 1
                if tries > len(PAUSES):
                    self._give_up(way, trouble)
                self._pause(max(PAUSES[tries - 1], trouble.after))

    def _give_up(self, way: AssetRoute, trouble: TransferFailed) -> None:
        self._health.failed(way.server, trouble)
        raise FileMissing(f"{trouble}; it was tried {len(PAUSES) + 1} times")


def _folder_differs(asset: PlannedAsset, files: list[FetchedFile]) -> str:
    """Return why a folder is not the one that its row describes; PsyNet's MD5 also covers empty folders in it."""
    if not asset.claim:
        return ""
    md5 = asset.md5 and md5_of_folder((file.inside, file.path) for file in files)
    return asset.differs(md5 or "", sum(file.bytes for file in files))


@dataclass
class _PartialFile:
    """A file being fetched: what has arrived so far, and its hashes."""

    path: Path
    size: int = 0
    version: str = ""
    content_type: str = ""
    head: bytes = b""
    sha256: object = field(default_factory=hashlib.sha256)
    md5: object = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def take(self, stream: Stream, check_cancelled: Callable[[], None]) -> None:
        """Write what arrives, after what is already there or instead of it."""
        if stream.start != self.size:
            self.forget()
        self.version, self.content_type = stream.version, stream.content_type
        self.path.parent.mkdir(parents=True, exist_ok=True)
        endless = None if stream.size is not None else settings.ASSET_MAX_MB * 1_000_000
        with self.path.open("ab" if self.size else "wb") as file:
            for block in stream.blocks:
                check_cancelled()
                if endless is not None and self.size > endless:
                    raise FileMissing(
                        f"its server did not report its length, and it did not end after {settings.ASSET_MAX_MB} MB "
                        "(ASSET_MAX_MB)"
                    )
                file.write(block)
                self._count(block)

    def forget(self) -> None:
        self.size, self.version, self.head = 0, "", b""
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def finished(self, inside: str) -> FetchedFile:
        return FetchedFile(self.path, inside, self.size, self.sha256.hexdigest(), self.version, self.content_type)

    @property
    def is_page(self) -> bool:
        """Whether it is a web page; what a server sends for a missing file can have status 200."""
        return self.content_type in _PAGE_TYPES or self.head.lstrip().lower().startswith(_PAGE)

    def _count(self, block: bytes) -> None:
        self.sha256.update(block)
        self.md5.update(block)
        self.size += len(block)
        if len(self.head) < 64:
            self.head += block[: 64 - len(self.head)]
