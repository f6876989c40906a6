"""`manage.py export --remote`: a desk that really listens, its worker, and a laptop that has no database."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections

from exports.models import Export
from exports.package.archive_check import verify_path
from exports.remote import archive_download
from exports.store import installation
from psynetdata import jobs
from psynetdata.models import Audit, Job
from tests.api.conftest import client_of, person  # noqa: F401 - pytest finds them here

from .broken_line import Line

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
ROOT = Path(__file__).resolve().parents[2]


class DeskElsewhere:
    """A desk on a line of its own, with a worker that does its exports."""

    def __init__(self, live_server, token: str):
        parts = urlsplit(live_server.url)
        self.line = Line(parts.hostname, parts.port)
        self.url, self.token = self.line.url, token
        self.works = threading.Event()
        self._over = threading.Event()
        self._worker = threading.Thread(target=self._work)
        self._worker.start()
        self.works.set()

    def close(self) -> None:
        self._over.set()
        self._worker.join()
        self.line.close()

    def _work(self) -> None:
        try:
            while not self._over.wait(0.05):
                for job in Job.objects.filter(kind="export", state="queued") if self.works.is_set() else ():
                    jobs.run(job.pk)
        finally:
            connections.close_all()


@pytest.fixture
def desk(loaded, live_server, person, client_of, monkeypatch):  # noqa: F811
    loaded("static")
    user = person("view_identified", "export_anonymous", "export_regular", name="officer")
    found = DeskElsewhere(live_server, client_of(user, identified=True).token)
    monkeypatch.setenv("PSYNETDATA_TOKEN", found.token)
    monkeypatch.setattr("exports.remote.remote_export.LOOK_EVERY", 0.05)
    monkeypatch.setattr(archive_download, "PAUSES", ())
    yield found
    found.close()


def tree(path):
    return {found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file()}


def test_a_laptop_without_a_database_gets_what_an_export_here_gets(desk, tmp_path, typed):
    """A process of its own, with an empty DATA_DIR and a database that does not exist."""
    home = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    environment = {**os.environ, **home, "HOME": str(tmp_path / "home"), "PSYNETDATA_TOKEN": desk.token}
    command = [sys.executable, ROOT / "manage.py", "export", "--remote", desk.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.splitlines()[-1])
    deployment = Export.objects.get().deployment
    assert path.parent == tmp_path / "home" / "psynet-data" / "export" / deployment.deployment_id
    assert path.name.startswith("static-experiment-demo__mode=debug__export=2")
    assert "searched for" in done.stdout
    assert not list((tmp_path / "data").glob("*.sqlite3*"))
    assert [part for part in path.parent.iterdir() if part != path] == []
    # The same files as of an export that is made here.
    assert verify_path(path).problems == []
    desk.works.clear()  # the worker would take this job too
    status, _, _ = typed("export", "--path", tmp_path / "here")
    assert (status, tree(path)) == (0, tree(tmp_path / "here"))
    assert all((path / name).read_bytes() == (tmp_path / "here" / name).read_bytes() for name in tree(path))
    made = Export.objects.earliest("pk")
    assert (made.owner.username, made.options["anonymize"]) == ("officer", "both")
    assert Audit.objects.filter(verb="download", user=made.owner).count() == 2


DATABASE = ("--type", "database", "--anonymize", "no")


def test_a_download_that_breaks_goes_on_where_it_broke(desk, tmp_path, typed):
    # Asked for, looked at until it is done; the file itself breaks, and the next time breaks for good.
    status, out, err = _typed_with_cuts(desk, typed, tmp_path / "x", [9_000, 5])
    assert (status, "failed repeatedly" in err) == (1, True)
    again = re.search(r"`manage.py (export --remote \S+ --export \d+ --path \S+)`", err)[1].split()
    (part,) = tmp_path.glob(".*.part")
    have = part.stat().st_size
    assert 0 < have < 9_000
    assert part.stat().st_mode & 0o77 == 0
    status, out, err = typed(*again)
    assert (status, out.splitlines()[-1]) == (0, str(tmp_path / "x"))
    assert verify_path(tmp_path / "x").problems == []
    assert list(tmp_path.glob(".*")) == []
    export = Export.objects.get()
    ranges = Audit.objects.filter(verb="download").order_by("pk").values_list("details__bytes", flat=True)
    assert list(ranges)[-1] == f"{have}-{export.archives.get().bytes - 1}"


def _typed_with_cuts(desk, typed, path, cuts):
    """Cuts lines from the download on; looks at the progress come before it."""
    real = archive_download.download

    def cut(*args, **options):
        desk.line.cuts = cuts
        return real(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("exports.remote.remote_export.download", cut)
        return typed("export", "--remote", desk.url, *DATABASE, "--path", path)


def test_what_came_and_is_not_it_is_thrown_away(desk, tmp_path, typed):
    def spoil(part: Path, size: int):
        part.write_bytes(b"x" * size)

    status, _, err = _typed_with_cuts(desk, typed, tmp_path / "x", [9_000, 5])
    (part,) = tmp_path.glob(".*.part")
    export = Export.objects.get()
    again = ("export", "--remote", desk.url, "--export", export.pk, *DATABASE, "--path", tmp_path / "x")
    spoil(part, part.stat().st_size)
    status, _, err = typed(*again)
    assert (status, "its SHA-256 is different" in err, list(tmp_path.glob(".*"))) == (1, True, [])
    spoil(part, export.archives.get().bytes + 9)  # longer than all of it
    assert typed(*again)[0] == 0
    assert verify_path(tmp_path / "x").problems == []


def test_the_desk_says_why_not(desk, tmp_path, typed, monkeypatch):
    def said(*words):
        status, _, err = typed("export", "--remote", desk.url, "--path", tmp_path / "x", *words)
        (line,) = [line for line in err.splitlines() if "django.request" not in line]  # the desk's own log
        return status, line

    status, err = said("--deployment", "nothing")
    assert (status, "says: There is no deployment 'nothing' here" in err) == (1, True)
    status, err = said("--snapshot", "99")
    assert (status, "has no snapshot 99" in err) == (1, True)
    status, err = said("heroku")
    assert (status, "whose source is heroku" in err) == (1, True)
    status, err = said("--app", "x", "--server", "srv.lab.org")
    assert (status, "may not name a deployment by its app" in err) == (1, True)
    status, err = said("--export", "77")
    assert (status, "There is no export 77" in err) == (1, True)
    monkeypatch.setenv("PSYNETDATA_TOKEN", "wrong")
    status, err = said()
    assert (status, "does not accept the token" in err, "wrong" in err) == (1, True, False)
    assert not (tmp_path / "x").exists()


def test_an_export_that_fails_there_is_its_sentence_here(desk, tmp_path, typed, own_storage):
    desk.works.clear()
    installation.check()
    for path in own_storage.glob("snapshots/*/*/*"):
        path.unlink()
    desk.works.set()
    status, _, err = typed("export", "--remote", desk.url, *DATABASE, "--path", tmp_path / "x")
    assert status == 1
    assert re.search(r"Export \d+ at \S+ is failed\. .*missing", err)


def test_ctrl_c_says_how_to_go_on(desk, tmp_path, typed):
    desk.works.clear()
    waits = threading.Event()

    def press():
        while not Export.objects.exists():
            waits.wait(0.05)
        connections.close_all()
        waits.wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    status, _, err = typed("export", "--remote", desk.url, *DATABASE, "--path", tmp_path / "x")
    thread.join()
    number = Export.objects.get().pk
    assert status == 130
    assert err.strip().splitlines()[-1] == (
        f"Interrupted. Export {number} continues at {urlsplit(desk.url).netloc}; fetch it with `manage.py export "
        f"--remote {desk.url} --export {number} --path {tmp_path / 'x'}`, or cancel it on its page there."
    )
    assert Export.objects.get().job.state == "queued"


BAD = [
    (("--remote", "ftp://x"), 2, "begins with http"),
    (("--remote", "https://user:pw@x"), 2, "contains more than"),
    (("--remote", "https://x:99999"), 2, "port"),
    (("--remote", "https://x", "--legacy"), 2, "leave out --remote or --legacy"),
    (("--export", "3"), 2, "name the desk"),
    (("--remote", "http://127.0.0.1:1"), 1, "it cannot be reached"),
    (("--remote", "https://no..host"), 1, "no..host: it cannot be reached"),
]


@pytest.mark.parametrize(("words", "status", "sentence"), BAD, ids=[one[2] for one in BAD])
def test_what_cannot_be(words, status, sentence, typed, monkeypatch):
    monkeypatch.setenv("PSYNETDATA_TOKEN", "t")
    got, _, err = typed("export", *words)
    assert (got, sentence in err, "pw" in err) == (status, True, False)


def test_without_a_token(typed, monkeypatch):
    monkeypatch.delenv("PSYNETDATA_TOKEN", raising=False)
    status, _, err = typed("export", "--remote", "https://data.lab.org")
    assert (status, "needs a token" in err) == (2, True)


def test_what_is_no_desk(web, typed, monkeypatch):
    monkeypatch.setenv("PSYNETDATA_TOKEN", "t")
    web.files["/api/exports/1/"] = json.dumps([1]).encode()
    for moods, sentence in (
        (["to http://127.0.0.1:1/"], "it redirects"),
        (["ill"], "status 503"),
        ([], "no psynetdata desk"),
    ):
        web.moods["/api/exports/1/"] = moods
        status, _, err = typed("export", "--remote", web.url, "--export", "1")
        assert (status, sentence in err) == (1, True), err
