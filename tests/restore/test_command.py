"""The command `restore`, as people type it."""

import json
import signal

import pytest

from exports.management.commands import restore as command
from psynetdata.models import Audit, Job, Secret

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def typed(typed):
    """typed(word, …) → (exit status, stdout, stderr) of `manage.py restore word …`."""
    return lambda *words: typed("restore", *words)


def test_what_is_printed(typed, snapshot, database):
    taken, target = snapshot("timeline"), database(rows=False, keys=True)
    status, out, err = typed(taken.pk, "--database", target.url)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert "participant          7" in lines
    assert lines[-3:] == [
        "7 tables with rows, 25 empty, 26 sequences",
        "",
        f"{taken} is in {target.address.label}; every row was read back and compared",
    ]


def test_the_password_is_kept_nowhere(typed, snapshot, database):
    target = database(rows=False)
    password = target.address.password
    status, out, err = typed(snapshot("timeline").pk, "--database", target.url)
    assert status == 0
    job = Job.objects.get()
    held = json.dumps([job.options, job.result, list(Audit.objects.values_list("details", flat=True))])
    assert password not in held + out + err
    assert not Secret.objects.exists()


def test_a_password_of_the_environment(typed, monkeypatch, snapshot, database):
    target = database(rows=False)
    monkeypatch.setenv("TARGET_PASSWORD", target.address.password)
    url = target.address.url
    assert typed(snapshot("timeline").pk, "--database", url, "--password-env", "TARGET_PASSWORD")[0] == 0
    assert Job.objects.get().options["secret"] == "env:TARGET_PASSWORD"


def test_warnings_go_to_stderr(typed, made, tables):
    target = tables("CREATE TABLE purse (id int); INSERT INTO purse VALUES (1)")
    status, _, err = typed(made({}).pk, "--database", target.url)
    assert status == 0
    assert err == "Warning: Table purse is not in the snapshot; its rows stay as they are.\n"


def test_the_way_from_a_refusal_to_a_restore(typed, snapshot, database):
    target = database("static")
    words = snapshot("timeline").pk, "--database", target.url
    status, out, err = typed(*words)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "--replace" in err
    assert Job.objects.get().reason == err.strip()
    assert not Secret.objects.exists()
    assert typed(*words, "--replace")[0] == 0
    assert target.value("SELECT count(*) FROM participant") == 7


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["99", "--database", "postgres://me@localhost/x"], 1, "There is no snapshot 99."),
        (["HERE", "--database", "mysql://me@localhost/x"], 1, "source like postgres://"),
        (["HERE", "--database", "postgres://me@localhost"], 1, "does not name a database"),
        (["HERE", "--database", "postgres://me@127.0.0.1:1/x"], 1, "no PostgreSQL answers there"),
        (["HERE", "--database", "postgres://me:pw@h/x", "--password-env", "A"], 2, "leave one out"),
        (["HERE", "--database", "postgres://me@h/x", "--password-env", "NO_SUCH"], 1, "NO_SUCH is not set"),
        (["HERE", "--database", "postgres://me@h/x", "--assets", "s3://bucket"], 2, "--assets file:///folder"),
        (["HERE"], 2, "--database"),
        (["newest", "--database", "postgres://me@h/x"], 2, "invalid int value"),
    ],
)
def test_bad_input(typed, made, words, status, said):
    words = [str(made({}).pk) if word == "HERE" else word for word in words]
    ended, out, err = typed(*words)
    assert (ended, out) == (status, "")
    assert said in err
    assert "pw" not in err.replace("--password-env", "")


def test_a_secret_is_forgotten_when_the_work_is_ended(typed, monkeypatch, made, tables):
    def end(*args, **options):
        assert Secret.objects.count() == 1
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(command.Command, "job", end)
    status, _, err = typed(made({}).pk, "--database", tables().url)
    assert (status, err) == (143, "Interrupted; no unfinished results were kept.\n")
    assert not Secret.objects.exists()
