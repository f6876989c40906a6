"""Fetching as a fixture; the places to fetch from are servers.fixtures."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exports.assets.fetch import FetchedAsset, Fetcher
from exports.assets.locations import registry
from exports.assets.plan import PlannedAsset
from psynetdata.models import Deployment


@pytest.fixture
def fetched(tmp_path) -> Callable[..., FetchedAsset]:
    """fetched(asset, deployment settings) → what came of it; `pauses` of it are the seconds it would have waited."""
    run = _Run(tmp_path / "copies")
    yield run
    run.close()


class _Run:
    def __init__(self, folder: Path):
        self.pauses: list[float] = []
        self._folder = folder
        self._check_cancelled = None
        self._fetchers: dict[str, Fetcher] = {}

    def __call__(
        self, asset: PlannedAsset, *, timeout=10.0, known="", check_cancelled=None, **settings
    ) -> FetchedAsset:
        """`check_cancelled` is called between blocks. One fetcher serves one set of settings, as a worker would."""
        self._check_cancelled, name = check_cancelled, f"{timeout} {settings} {os.environ.get('WRONG')}"
        if name not in self._fetchers:
            of = registry.location_of(Deployment(**settings), timeout=timeout)
            self._fetchers[name] = Fetcher(of, self._folder, pause=self.pauses.append, check_cancelled=self._called)
        return self._fetchers[name].fetch(asset, known=known)

    def close(self) -> None:
        for fetcher in self._fetchers.values():
            fetcher.close()
        self._fetchers.clear()

    def _called(self) -> None:
        if self._check_cancelled is not None:
            self._check_cancelled()


def planned(host_path: str | None = "a.wav", content: bytes | None = None, **more) -> PlannedAsset:
    """An asset whose row claims this content."""
    claims = {}
    if content is not None:
        claims = {"md5": hashlib.md5(content, usedforsecurity=False).hexdigest(), "size": len(content)}
    return PlannedAsset(**{"id": 1, "host_path": host_path, "export_path": "m/a.wav", **claims, **more})


def contents(found: FetchedAsset) -> dict[str, bytes]:
    """{path inside: bytes}, after a look that hash and size are theirs."""
    for file in found.files:
        data = file.path.read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return {file.inside: file.path.read_bytes() for file in found.files}
