"""Source code from the running experiment's /download_source, from the desk's page, and looked at by `verify`."""

import json
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from exports.models import SourceCode
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from exports.server import source_code_download
from exports.server.source_code_download import NotFetched, fetch
from exports.sources import source_code_zip
from psynetdata.models import Audit
from psynetdata.psynet.problems import UsageError
from tests.store.snapshot_factory import written_down

from .test_source_code import archive, code

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
LOGIN = "dashboard:pass/word"
ROUTE = "/download_source"


@pytest.fixture
def running(web):
    """A deployment whose experiment is the web server, which asks for a login."""
    web.login, web.files[ROUTE] = LOGIN, code()
    deployment = written_down({}).deployment
    set_asset_location(deployment, AssetLocationSettings(experiment=web.url.replace("//", "//dashboard:pass%2Fword@")))
    assert deployment.experiment_url == web.url
    return deployment


def notes(archive) -> list[str]:
    return json.loads(archive.read("manifest.json"))["notes"]


def test_it_is_fetched_once_and_kept(running, web, monkeypatch):
    first = archive(running, anonymize="no")
    assert (first.read("source_code.zip"), notes(first)) == (code(), [])
    assert SourceCode.objects.get(deployment=running).basic_data
    web.close()  # the experiment is gone
    assert archive(running, anonymize="no").read("source_code.zip") == code()
    assert [path for path, _ in web.asked] == [ROUTE]


def test_an_export_that_does_not_want_it_does_not_ask(running, web):
    archive(running, no_source=True)
    archive(running, "anonymous", anonymize="yes")
    archive(running, type="database")
    running.state = running.State.FINISHED  # another launch may answer there by now
    running.save()
    archive(running)
    assert web.asked == []


def _other_login(web, deployment):
    web.login = "other:one"


def _no_login(web, deployment):
    deployment.experiment_secret = ""


def _no_variable(web, deployment):
    deployment.experiment_secret = "env:NOBODY_SET_IT"


def _page(web, deployment):
    web.moods[ROUTE] = ["page"] * 2


def _no_zip(web, deployment):
    web.files[ROUTE] = b"no zip"


def _too_large(web, deployment):
    web.files[ROUTE] = bytes(30_000)


def _stalls(web, deployment):
    web.moods[ROUTE] = ["stall"] * 9


def _ill(web, deployment):
    web.moods[ROUTE] = ["ill"] * 9


TROUBLES = [
    (_other_login, "another user or password"),
    (_no_login, "the experiment's user and password are missing"),
    (_no_variable, "NOBODY_SET_IT is not set"),
    (_page, "a web page was sent instead"),
    (_no_zip, "not a zip archive"),
    (_too_large, "larger than"),
    (_stalls, "stopped sending; it was tried 4 times"),
    (_ill, "overloaded or failing; it was tried 4 times"),
]


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES, ids=lambda told: getattr(told, "__name__", ""))
def test_what_can_go_wrong_is_a_sentence(trouble, sentence, running, web, monkeypatch):
    monkeypatch.setattr(source_code_zip, "LARGEST", 20_000)
    monkeypatch.setattr(source_code_download, "LARGEST", 20_000)
    trouble(web, running)
    with pytest.raises(NotFetched, match=sentence) as raised:
        fetch(running, pause=lambda seconds: None, timeout=0.1)
    assert not SourceCode.objects.exists()
    assert not any(secret in str(raised.value) for secret in ("pass/word", "dashboard:", web.url))


def test_it_costs_a_line_and_not_the_export(running, web):
    web.login = "other:one"
    made = archive(running, anonymize="no")
    assert "source_code.zip" not in made.namelist()
    (note,) = notes(made)
    assert "another user or password" in note


def test_what_takes_too_long_or_is_cancelled_ends(running, web, monkeypatch):
    web.moods[ROUTE] = ["ill"] * 9
    monkeypatch.setattr(source_code_download, "_LONGEST", 0.2)
    with pytest.raises(NotFetched, match="took longer"):
        fetch(running)
    with pytest.raises(KeyboardInterrupt):
        fetch(running, check_cancelled=_interrupted)


def _interrupted():
    raise KeyboardInterrupt


def test_where_it_is_asked_for_is_set_by_a_command(running, web, typed, monkeypatch):
    monkeypatch.setenv("THE_LOGIN", LOGIN)
    status, out, _ = typed("deployment", "assets", running.number, "--experiment-env", "THE_LOGIN")
    assert (status, "its login        the environment variable THE_LOGIN" in out) == (0, True)
    assert fetch(running).bytes == len(code())
    # A login is for one address, and not sent to another.
    set_asset_location(running, AssetLocationSettings(experiment="https://other.lab.org"))
    assert running.experiment_secret == ""
    with pytest.raises(UsageError, match="user:password"):
        AssetLocationSettings(experiment_login="nonsense")
    assert LOGIN not in str(list(Audit.objects.values_list("details", flat=True)))


def test_verify_looks_at_it(running, typed):
    fetch(running)
    status, out, _ = typed("verify", "--all")
    assert (status, f"source code of {running}: ok, 1 files" in out) == (0, True)
    path = Path(default_storage.path(SourceCode.objects.get().file))
    for spoil in (lambda: path.write_bytes(b"spoilt"), path.unlink):
        spoil()
        status, out, err = typed("verify", "--all")
        assert (status, f"source code of {running}: The stored source code is missing" in out) == (1, True)
        assert "1 of 2 verified things" in err
