"""`python -m tools.simulator` as people type it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.simulator import dangling
from tools.simulator.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def typed(capsys):
    """typed(word, …) → (exit status, stdout, stderr) of `python -m tools.simulator word …`."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words):
        status = 0
        try:
            main(*map(str, words))
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, err

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_empty_database_becomes_an_experiment(typed, postgres):
    url = postgres.empty()
    status, out, err = typed(url, "--create", "--deployment-id", "tried", "--rate", 200, "--seconds", 0.5, "--json")
    assert (status, err) == (0, "")
    first, last = out.splitlines()
    assert first == "deployment tried"
    told = json.loads(last)
    people, trials = (postgres.execute(url, f"SELECT count(*) FROM {table}")[0][0] for table in ("participant", "info"))
    assert (told["participants"], told["trials"]) == (people, trials)
    assert told["transactions"] > 0
    assert dangling(postgres.connect(url)) == {}


def test_a_second_run_goes_on_and_tells_in_words(typed, postgres):
    url = postgres.empty()
    typed(url, "--create", "--rate", 100, "--seconds", 0.1)
    status, out, err = typed(url, "--rate", 100, "--seconds", 0.1)
    assert (status, err) == (0, "")
    assert "transactions; a transaction took" in out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["postgres://nobody@127.0.0.1:1/none"], 1, "no PostgreSQL answers there"),
        (["mysql://x"], 1, "starts with postgres://"),
        (["URL"], 1, "not a PsyNet database"),
        (["URL", "--rate", "0"], 2, "--rate must be a number above 0"),
        (["URL", "--rate", "nan"], 2, "--rate must be a number above 0"),
        (["URL", "--participants", "0"], 2, "--participants must be"),
        (["URL", "--seconds", "-1"], 2, "--seconds must be"),
        (["URL", "--deployment-id", "x"], 2, "--deployment-id is for --create"),
        (["URL", "--password-env", "NOT_SET_ANYWHERE"], 2, "NOT_SET_ANYWHERE, which is not set"),
        (["STATIC", "--seconds", "1"], 1, "did not make; --into-existing"),
        (["STATIC", "--create", "--seconds", "1"], 1, "needs an empty database"),
    ],
)
def test_bad_input_is_one_sentence(typed, postgres, words, status, sentence):
    if words[0] == "URL":
        words = [postgres.empty(), *words[1:]]
    elif words[0] == "STATIC":
        words = [postgres.database("static"), *words[1:]]
    found, out, err = typed(*words)
    assert (found, out) == (status, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert "password@" not in err


def test_a_wrong_password(typed, postgres, monkeypatch):
    url = postgres.empty()
    status, _, err = typed(url.replace(":password@", ":astonishing@"))
    assert status == 1
    assert "password of the role postgres is wrong" in err
    assert "astonishing" not in err
    monkeypatch.setenv("SIMULATED_PASSWORD", "password")
    bare = url.replace(":password@", "@")
    assert typed(bare, "--password-env", "SIMULATED_PASSWORD", "--create", "--seconds", 0.1)[0] == 0


def test_ctrl_c_is_the_way_to_end_it(postgres):
    """The transaction in progress is finished, and the summary counts what is there."""
    url = postgres.empty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.simulator", url, "--create", "--rate", "200", "--json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("deployment ")
    with postgres.connect(url) as connection, connection.cursor() as cursor:
        while not _joined(cursor):
            assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out.splitlines()[-1])
    assert told["trials"] == postgres.execute(url, "SELECT count(*) FROM info")[0][0]
    assert told["participants"] == postgres.execute(url, "SELECT count(*) FROM participant")[0][0]


def _joined(cursor) -> bool:
    cursor.execute("SELECT EXISTS (SELECT 1 FROM info)")
    return cursor.fetchone()[0]
