"""What every test stands on: a storage of its own, and real databases loaded the way a user loads them.

DATABASE_URL decides the database, as it does for a user; without it SQLite files are used.
"""

import gc
import os
import shutil
import signal
import tempfile

import pytest

from tests.assets.servers.fixtures import bucket, known_ssh_server, ssh_server, swift_server, web  # noqa: F401 - the same
from tests.budget import NIGHTLY
from tests.references import DATA
from tests.servers.fixtures import _servers, own_postgres, postgres  # noqa: F401 - pytest finds them here
from tests.servers.install import VERSIONS
from tests.servers.redis import redis_server  # noqa: F401
from tests.shared import stop_shared_servers

# A test that asks for one of these starts a server; `make test-fast` leaves it out.
SERVERS = {
    "postgres",
    "own_postgres",
    "swift_server",
    "ssh_server",
    "site",
    "live_server",
    "slack",
    "mail_server",
    "redis_server",
}

_MEMORY = "/dev/shm"
_ROOM = 6 << 30  # bytes; a run needs a third of it


def pytest_configure():
    """Write to memory, where there is enough: tests make thousands of small files, and what they test syncs each.

    TMPDIR says otherwise. Workers and commands inherit it.
    """
    gc.disable()  # until all tests are imported
    if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        tempfile.tempdir = os.environ["TMPDIR"] = _MEMORY


def pytest_collection_finish():
    """From now on Python looks for garbage, but never again through all modules and tests."""
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc):
    """A server's version matters to few tests; those that carry the marker run on each, at night all do."""
    each = NIGHTLY or metafunc.definition.get_closest_marker("each_version")
    if each and "postgres" in metafunc.fixturenames:
        metafunc.parametrize("postgres", VERSIONS, ids=[f"pg{version}" for version in VERSIONS], indirect=True)


def pytest_itemcollected(item):
    if SERVERS.intersection(item.fixturenames):
        item.add_marker("server")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The browser's tests first and together: they share a site, and take longest of all."""
    items.sort(key=lambda item: "/browser/" not in item.path.as_posix())


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):  # the workers have ended
        stop_shared_servers(session.config._tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of this run see, and no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker, shared_folder):
    """SiteDatabases instead of what pytest-django makes: migrated once a run, put back after tests that commit."""
    from django.db import connections
    from django.test import TransactionTestCase

    from tests.site_databases import site_databases

    with django_db_blocker.unblock():
        databases = site_databases(shared_folder)
        databases.create()
    TransactionTestCase._fixture_teardown = lambda _test: databases.reset()
    yield databases
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def data_dir(shared_folder, tmp_path):
    """A DATA_DIR with migrated SQLite databases, for commands that run in a process of their own."""
    from tests.site_databases import migrated_data_dir

    return shutil.copytree(migrated_data_dir(shared_folder), tmp_path / "data")


@pytest.fixture(scope="session")
def _beginnings(django_db_setup, tmp_path_factory):
    from tests.references import Beginnings

    return Beginnings(django_db_setup, tmp_path_factory.mktemp("beginnings"))


class _WithScratch(frozenset):
    """The databases a test may touch: those it names, and the scratch mirrors that code under test makes."""

    def __contains__(self, alias):
        return alias.startswith("scratch-") or super().__contains__(alias)


@pytest.fixture(scope="session", autouse=True)
def _scratch_mirrors_are_allowed():
    from django.test import SimpleTestCase

    named = SimpleTestCase._validate_databases.__func__
    SimpleTestCase._validate_databases = classmethod(lambda cls: _WithScratch(named(cls)))
    yield
    SimpleTestCase._validate_databases = classmethod(named)


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    """Each test has a storage of its own."""
    from psynetdata.env import local_storage

    settings.STORAGES = {**settings.STORAGES, "default": local_storage(tmp_path / "storage")}
    return tmp_path / "storage"


@pytest.fixture(scope="session", autouse=True)
def _no_lines_of_progress():
    """However slow the machine, none comes between what commands say."""
    from psynetdata.management import cli

    cli.LINE_EVERY = float("inf")


@pytest.fixture
def database_zip():
    """database_zip(name) → the path of a reference database's `database.zip`."""
    return lambda name: DATA / name / "database.zip"


@pytest.fixture
def loaded(transactional_db, _beginnings, own_storage):
    """loaded(name) → the Deployment of a reference database, loaded and mirrored."""
    return lambda name: _beginnings.load(name, own_storage)


@pytest.fixture
def begin(transactional_db, _beginnings, own_storage):
    """begin(name, make): the site as `make` leaves it; the second test that begins so gets a copy."""
    return lambda name, make: _beginnings.begin(name, make, own_storage)


@pytest.fixture
def typed(capsys):
    """typed("load", …) → (exit status, stdout, stderr), through the very entry that manage.py uses."""
    from django.core.management import execute_from_command_line

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words):
        status = 0
        try:
            execute_from_command_line(["manage.py", *map(str, words)])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
