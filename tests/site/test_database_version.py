"""An older version does not touch a database that a newer one wrote."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from exports.models import Withdrawal
from psynetdata import jobs
from psynetdata.database_version import applied_migrations, check_not_newer, known_migrations

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def newer(loaded):
    deployment = loaded("static")
    MigrationRecorder(connection).record_applied("exports", "9999_from_the_future")
    yield deployment
    MigrationRecorder(connection).record_unapplied("exports", "9999_from_the_future")


def test_a_database_of_this_version():
    check_not_newer()
    assert {name for name in applied_migrations() if name.startswith("exports.")} <= known_migrations()


@pytest.mark.parametrize("words", [["export"], ["withdraw", "1"], ["prune"], ["serve", "--only", "workers"]])
def test_a_newer_database_is_refused_in_one_sentence(newer, typed, words, tmp_path):
    status, _, err = typed(*words)
    assert status == 1
    assert err.startswith("The site's database was written by a newer version of psynetdata (exports.9999_from_the_")
    assert err.count("\n") == 1
    assert not Withdrawal.objects.exists()


def test_healthz_is_ill(newer, client, monkeypatch):
    monkeypatch.setattr("psynetdata.api.health._storage", {})
    assert client.get("/healthz").json()["installation"] is False


def test_migrations_of_other_apps_do_not_matter():
    MigrationRecorder(connection).record_applied("another_app", "0001_initial")
    jobs.check_ready()
    MigrationRecorder(connection).record_unapplied("another_app", "0001_initial")
