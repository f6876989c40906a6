"""The servers as fixtures: one of each version a process of the test run, started when first asked for."""

import os

import pytest

from .databases import Postgres, Templates
from .install import VERSIONS, missing
from .server import Server


@pytest.fixture(scope="session")
def _servers():
    """version → Templates of a running server."""
    started: dict[int, Templates] = {}

    def running(version: int) -> Templates:
        if version not in started:
            need(version)
            started[version] = Templates(Server(version, in_memory=True))
        return started[version]

    yield running
    for templates in started.values():
        templates.server.close()


@pytest.fixture(params=VERSIONS, ids=[f"pg{version}" for version in VERSIONS])
def postgres(request, _servers):
    """Postgres: a real server, each version in turn. Its databases and roles are dropped after the test."""
    yield from _cleaned(_servers(request.param))


@pytest.fixture
def postgres18(_servers):
    """The same for what does not depend on the version."""
    yield from _cleaned(_servers(18))


@pytest.fixture
def own_postgres():
    """A server for this test alone, which may stop and start it, or kill it."""
    with Server(18, in_memory=True) as server:
        yield Postgres(server)


def _cleaned(templates: Templates):
    found = Postgres(templates.server, templates)
    yield found
    found.clean()


def need(version: int) -> None:
    """Without its programs the tests of a version are skipped; not in CI, where that would hide them."""
    reason = missing(version)
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
