"""Source heroku: a server of ours speaks Heroku's API, and a real PostgreSQL with TLS is the app's database."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import psycopg2
import pytest

from exports.capture.take import take
from exports.operations import deployments
from exports.package.deployment_choice import chosen
from exports.sources import registry
from exports.sources.base import Access
from exports.sources.heroku import Heroku
from exports.sources.postgres import Refused, Unreachable
from psynetdata import credentials
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, NotFound, Problem
from tests.certificates import write_certificate
from tests.servers import Postgres, Server
from tests.servers.databases import Templates
from tests.servers.fixtures import need
from tests.servers.heroku import HerokuAPI

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
TOKEN = "HRKU-0123456789abcdef"


@pytest.fixture(scope="module")
def tls_templates():
    """PostgreSQL 12, which is built with TLS where that of 18 from PyPI is not."""
    need(12)
    folder = Path(tempfile.mkdtemp(prefix="pg-tls-"))
    pem = folder / "server.pem"
    write_certificate(pem, "localhost")  # signed by nobody, as those of Heroku's databases are
    if os.geteuid() == 0:  # the server is another user's then
        for path in (folder, pem):
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
    settings = {"ssl": "on", "ssl_cert_file": str(pem), "ssl_key_file": str(pem)}
    with Server(12, in_memory=True, **settings) as server:
        yield Templates(server)
    shutil.rmtree(folder)


@pytest.fixture
def api(settings):
    server = HerokuAPI()
    settings.HEROKU_API_URL = server.url
    server.tokens[TOKEN] = {"my-app", "empty"}
    server.apps |= {"my-app": {}, "empty": {"REDIS_URL": "redis://x"}, "others": {}}
    yield server
    server.close()


@pytest.fixture
def database(api, tls_templates):
    """The app's database, as a role of its own whose password can be changed."""
    postgres = Postgres(tls_templates.server, tls_templates)
    url = postgres.database("static")
    api.apps["my-app"]["DATABASE_URL"] = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    yield postgres, url
    postgres.clean()


def reach(app: str = "my-app", token: str | None = TOKEN):
    kind = Heroku()
    return kind.reach(kind.locate(f"heroku://{app}"), Access(token))


def test_it_is_watched_like_any_other(api, database, typed, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    status, out, err = typed("deployment", "add", "heroku://my-app", "--password-env", "MY_TOKEN")
    assert (status, err) == (0, "")
    assert "source      heroku://my-app" in out
    deployment = Deployment.objects.get()
    assert (deployment.source, deployment.app, deployment.source_secret) == ("heroku", "my-app", "env:MY_TOKEN")
    taken = take(deployment)
    assert (taken.snapshot.rows_of("info"), taken.snapshot.rows_of("participant")) == (130, 15)
    assert TOKEN not in out
    assert set(api.asked) == {"/apps/my-app/config-vars"}


def test_a_snapshot_is_restored_there(api, database, typed, monkeypatch):
    postgres, url = database
    api.apps["my-app"]["DATABASE_URL"] = url  # the owner of its tables, as Heroku's role is
    monkeypatch.setenv("HEROKU_API_KEY", TOKEN)
    taken = take(deployments.add("heroku://my-app").deployment)
    postgres.execute(url, "DELETE FROM info")
    status, out, err = typed("restore", taken.snapshot.pk, "--database", "heroku://my-app", "--replace")
    assert (status, "is in The Heroku app my-app" in out) == (0, True), err
    assert postgres.execute(url, "SELECT count(*) FROM info") == [(130,)]


def test_the_connection_is_encrypted(database):
    with reach() as address, psycopg2.connect(_dsn(address)) as connection:
        assert ("sslmode", "require") in address.options
        assert connection.info.ssl_in_use
        assert address.label == "The Heroku app my-app: its database"


def _dsn(address) -> str:
    password = address.password
    return psycopg2.extensions.make_dsn(address.url, password=password)


def test_a_database_without_tls_is_refused(api, postgres):
    api.apps["my-app"]["DATABASE_URL"] = postgres.database("static") + "?sslmode=disable"
    with pytest.raises(Refused, match="has no TLS"), reach():
        pass


def test_credentials_that_rotate_are_asked_for_anew(api, database):
    postgres, url = database
    before = api.apps["my-app"]["DATABASE_URL"]

    def rotate():
        """Just after they were told."""
        api.after = lambda: None
        postgres.execute(url, f"ALTER ROLE {before.split('//')[1].split(':')[0]} PASSWORD 'another'")
        api.apps["my-app"]["DATABASE_URL"] = before.replace(before.split(":")[2].split("@")[0], "another")

    api.after = rotate
    with reach() as address, psycopg2.connect(_dsn(address)):
        assert address.password == "another"
    assert len(api.asked) == 2
    api.apps["my-app"]["DATABASE_URL"] = before  # it goes on naming what no longer opens
    with pytest.raises(Refused, match="refuses the credentials that Heroku gives") as raised, reach():
        pass
    assert len(api.asked) == 4
    assert before.split(":")[2].split("@")[0] not in str(raised.value)


def test_a_busy_api_is_asked_again_and_not_for_ever(api, database):
    api.moods = [(429, {"Retry-After": "0"}), (503, {"Retry-After": "0"})]
    with reach():
        pass
    assert len(api.asked) == 3
    api.moods = [(429, {"Retry-After": "0"})] * 9
    with pytest.raises(Unreachable, match=r"asked 3 times; it is overloaded or failing \(status 429\)"), reach():
        pass
    assert len(api.asked) == 6


WRONG = [
    ("my-app", "revoked", Refused, "does not accept the token"),
    ("others", TOKEN, Refused, "has no right to read its config vars"),
    ("nothing", TOKEN, NotFound, "no such app"),
    ("empty", TOKEN, BadInput, "has no database"),
    ("my-app", None, Refused, "set HEROKU_API_KEY"),
    ("my-app", "to\nken", Refused, "no token for Heroku"),
]


@pytest.mark.parametrize(("app", "token", "kind", "sentence"), WRONG, ids=[one[3] for one in WRONG])
def test_what_can_go_wrong_is_a_sentence(app, token, kind, sentence, api, monkeypatch):
    monkeypatch.delenv("HEROKU_API_KEY", raising=False)
    with pytest.raises(kind, match=sentence) as raised, reach(app, token):
        pass
    assert app in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_strange_answers_are_a_sentence(api, settings, monkeypatch):
    monkeypatch.setattr("exports.sources.heroku._PAUSES", ())
    api.apps["my-app"]["DATABASE_URL"] = "mysql://u:secret@h/d"
    with pytest.raises(BadInput, match="not the address of a PostgreSQL") as raised, reach():
        pass
    assert "secret" not in str(raised.value)
    api.moods = [(418, {})]
    with pytest.raises(Unreachable, match="not understood"), reach():
        pass
    api.moods = [(302, {"Location": "http://elsewhere.example/"})]  # the token does not go there
    with pytest.raises(Unreachable, match="not understood"), reach():
        pass
    api.close()
    with pytest.raises(Unreachable, match="cannot be reached"), reach():
        pass


def test_a_token_within_the_address_is_sealed(api, database):
    deployment = deployments.add(f"heroku://:{TOKEN}@my-app").deployment
    assert (deployment.source_url, credentials.reveal(deployment.source_secret)) == ("heroku://my-app", TOKEN)
    with registry.reached(deployment) as address:
        assert address.password


@pytest.mark.parametrize("named", ["dlgr-1a2b3c4d-5e6f-7a8b", "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"])
def test_an_app_is_named_as_heroku_does_or_as_psynet_does(named):
    url = "heroku://dlgr-1a2b3c4d-5e6f-7a8b"
    deployment = Deployment.objects.create(deployment_id="one", source="heroku", source_url=url)
    assert chosen(None, source="heroku", app=named) == (deployment, None)


@pytest.mark.parametrize("url", ["heroku://", "heroku://My App", "heroku://a/b", "heroku://app@x:y", "heroku://a:1"])
def test_what_is_no_app_is_refused(url):
    with pytest.raises(Problem, match="heroku://my-app"):
        Heroku().locate(url)
