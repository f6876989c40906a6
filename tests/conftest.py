"""What every test stands on: a storage of its own, and real databases loaded the way a user loads them.

DATABASE_URL decides the database, as it does for a user; without it SQLite files are used.
"""

import signal
from pathlib import Path

import pytest

from tests.assets.servers.fixtures import bucket, ssh_server, swift_server, web  # noqa: F401 - the same
from tests.servers.fixtures import _servers, own_postgres, postgres, postgres18  # noqa: F401 - pytest finds them here

DATA = Path(__file__).parent / "data"
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    from django.conf import settings
    from django.core.management import call_command

    # There the aliases share one database and differ in their schema, so Django makes the first and takes
    # the faces for copies of it.
    if settings.DATABASE_URL is not None:
        with django_db_blocker.unblock():
            for face in settings.FACES:
                call_command("migrate", database=face, verbosity=0)


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
def loaded(transactional_db, database_zip):
    """loaded(name) → the Deployment of a reference database, loaded and mirrored."""
    from exports.snapshots.load import load

    return lambda name: load(database_zip(name)).deployment


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
