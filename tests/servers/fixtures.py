"""The servers as fixtures: one of each version for the test run, started when first asked for."""

import os
from functools import partial

import pytest

from tests.shared import shared_server

from .databases import Postgres, Templates
from .install import VERSIONS, missing
from .server import Server


@pytest.fixture(scope="session")
def _servers(shared_folder):
    """version → Templates of a running server."""
    started: dict[int, Templates] = {}

    def running(version: int) -> Templates:
        if version not in started:
            need(version)
            start = partial(Server, version, in_memory=True)
            started[version] = Templates(shared_server(shared_folder, f"postgres{version}", start), shared_folder)
        return started[version]

    return running


@pytest.fixture
def postgres(request, _servers):
    """Postgres: a real server, of version 18; under the marker `each_version` of every version in turn.

    Its databases and roles are dropped after the test.
    """
    templates = _servers(getattr(request, "param", VERSIONS[0]))
    found = Postgres(templates.server, templates)
    yield found
    found.clean()


@pytest.fixture
def own_postgres():
    """A server for this test alone, which may stop and start it, or kill it."""
    with Server(18, in_memory=True) as server:
        yield Postgres(server)


def need(version: int) -> None:
    """Without its programs the tests of a version are skipped; not in CI, where that would hide them."""
    reason = missing(version)
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
