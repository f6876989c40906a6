"""A full disk, a locked or lost database: one sentence, nothing half-made, and the work goes on when it is over."""

import errno
import re
import sqlite3
import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, connections
from django.db.models import QuerySet

from exports.load.load import load
from exports.models import Export
from exports.package import publication
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata import jobs
from psynetdata.faces import IDENTIFIED
from psynetdata.infra.outages import Outage, outage
from psynetdata.models import Job, MirroredTable
from tests.conftest import DATA
from tests.site.test_jobs import kind, sent  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
STATIC = DATA / "static" / "database.zip"

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="made with SQLite's own means")
on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="made with PostgreSQL's own means")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EFBIG, "no space left"),
        (errno.EROFS, "cannot write its files (as the system says)"),
        (errno.EACCES, "cannot write"),
        (errno.EPERM, "cannot write"),
        (errno.ENOTDIR, "a file where a folder should be"),
        (errno.EISDIR, "a folder where a file should be"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.ELOOP, "lead in a circle"),
        (errno.EIO, "reports an error (as the system says)"),
        (errno.ENODEV, "reports an error"),
        (errno.ESTALE, "is not connected"),
        (errno.ENOTCONN, "is not connected"),
        (errno.ENOLCK, "cannot do what psynetdata needs"),
        (errno.EBUSY, "Another program uses"),
    ],
)
def test_what_the_system_says(number, words, settings):
    found = outage(OSError(number, "as the system says"))
    assert words in found.sentence
    assert f"DATA_DIR={settings.DATA_DIR}" in found.sentence
    assert found.exit_code == 1


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "x"), OSError(errno.ENOMEM, "x"), MemoryError()])
def test_what_the_machine_lacks(error):
    assert re.search("memory|Too many files", outage(error).sentence)


def test_it_says_where_but_shows_no_names(settings, tmp_path, own_storage):
    own_storage.mkdir()
    (own_storage / "a").touch()
    (tmp_path / "b").touch()
    for path, place in ((own_storage / "a", f"the storage ({own_storage})"), (tmp_path / "b", "that was named")):
        with pytest.raises(NotADirectoryError) as raised:
            (path / "worker-1234").write_text("x")
        assert place in outage(raised.value).sentence
        assert "worker-1234" not in outage(raised.value).sentence
    for found in (settings.DATA_DIR / "x", str(settings.DATA_DIR / "x")):
        assert f"DATA_DIR={settings.DATA_DIR}" in outage(OSError(errno.EIO, "Input/output error", found)).sentence


def test_a_job_ends_with_that_sentence(kind, tmp_path):  # noqa: F811
    (tmp_path / "file").touch()
    kind(lambda running: (tmp_path / "file" / "x").write_text(""))
    job = jobs.prepare("test")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "a file where a folder should be" in job.reason


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.ENOENT, "x"), sqlite3.IntegrityError("x")])
def test_other_errors_are_no_outage(error):
    assert outage(error) is None


def test_sqlite_that_is_full_or_locked(tmp_path):
    path = tmp_path / "a.sqlite3"
    with sqlite3.connect(path, isolation_level=None) as first, sqlite3.connect(path, timeout=0) as second:
        first.execute("PRAGMA max_page_count = 2")
        first.execute("CREATE TABLE a (b)")
        with pytest.raises(sqlite3.OperationalError) as full:
            first.execute("INSERT INTO a VALUES (zeroblob(100000))")
        first.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            second.execute("INSERT INTO a VALUES (1)")
    assert "no space left" in outage(full.value).sentence
    assert "locked" in outage(locked.value).sentence
    assert outage(locked.value).passes


@on_sqlite
def test_a_disk_that_is_full_while_mirroring():
    loaded = jobs.run_here("load", options={"path": str(STATIC), "mirror": False})
    with connections[IDENTIFIED].cursor() as cursor:
        cursor.execute("VACUUM")
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Outage, match="no space left"):
        jobs.run_here("mirror", deployment=loaded.deployment)
    assert [job.state for job in Job.objects.order_by("pk")] == [Job.State.DONE, Job.State.FAILED]
    assert not MirroredTable.objects.using(IDENTIFIED).exists()
    with connections[IDENTIFIED].cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    assert jobs.run_here("mirror", deployment=loaded.deployment).result["rows"]["participant"] == 15


class _Full(ContentFile):
    def chunks(self, chunk_size=None):
        yield b"a beginning"
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_while_storing(own_storage):
    with pytest.raises(OSError, match="No space"):
        default_storage.save("some/file", _Full(b""))
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


def test_a_disk_that_is_full_while_publishing(monkeypatch, own_storage):
    export = request_export(load(STATIC).deployment, ExportOptions(assets="none"), here=True)
    monkeypatch.setattr(publication, "File", lambda file: _Full(b""))
    with pytest.raises(Outage, match="no space left"):
        run_here(export)
    assert Export.objects.get().job.reason.startswith("There is no space left")
    assert not [path for path in (own_storage / "exports").rglob("*") if path.is_file()]


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), InterfaceError("already closed")])
def test_a_database_that_went_away_leaves_the_job_to_another_worker(error, kind, sent):  # noqa: F811
    def lose(running):
        if running.job.attempts == 1:
            raise error

    kind(lose)
    job = jobs.submit("test")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING  # with a heart that has stopped: see tick
    with pytest.raises(Outage, match="connection broke"):
        jobs.run_here("test")


@on_postgres
def test_postgresql_that_ends_the_connection(kind):  # noqa: F811
    def end(running):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    kind(end)
    with pytest.raises(Outage, match="connection broke"):
        jobs.run_here("test")
    job = Job.objects.get()
    assert (job.state, job.attempts) == (Job.State.FAILED, 1)


def test_the_heart_goes_on_after_the_database_was_away(kind, monkeypatch):  # noqa: F811
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    exists, failures, back = QuerySet.exists, [], threading.Event()

    def away_for_a_while(self):
        if len(failures) < 3:
            failures.append(1)
            raise OperationalError("the database system is starting up")
        back.set()
        return exists(self)

    def wait_for_cancel(running):
        monkeypatch.setattr(QuerySet, "exists", away_for_a_while)
        assert back.wait(20)
        Job.objects.filter(pk=running.job.pk).update(cancel_requested=True)
        return {"seen": running.cancelled.wait(20)}

    kind(wait_for_cancel)
    assert jobs.run_here("test").result == {"seen": True}
    assert len(failures) == 3
