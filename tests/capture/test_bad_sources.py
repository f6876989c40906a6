"""What can be wrong with a source: one sentence that names it and the way out, and nothing kept."""

import io
import socket
from urllib.parse import quote

import pytest

from exports.capture.take import take
from exports.models import Snapshot
from exports.operations import deployments
from exports.sources import postgres as source
from exports.sources.postgres import Refused, Unreachable, parse
from exports.sources.read_transaction import ReadTransaction, read_transaction
from psynetdata import credentials
from psynetdata.models import Audit, Deployment, Secret
from psynetdata.psynet.problems import BadInput, Problem
from psynetdata.psynet.tables import REQUIRED_TABLES
from tests.capture.conftest import Experiment

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def files(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.each_version
def test_a_role_that_may_only_read_is_enough(postgres):
    url = postgres.role(postgres.database("static"), "SELECT ON ALL TABLES IN SCHEMA public")
    running = deployments.add(url).deployment
    taken = take(running)
    assert (taken.snapshot.state, taken.snapshot.rows_of("participant")) == ("good", 15)
    assert take(running).read == 0
    password = parse(url).password
    assert password not in running.source_url
    assert password not in str(list(Deployment.objects.values())) + str(list(Audit.objects.values()))
    assert credentials.reveal(running.source_secret) == password
    assert password not in Secret.objects.get().sealed


@pytest.mark.each_version
@pytest.mark.parametrize("missing", ["info", "request"])
def test_a_role_that_may_not_read_one_table(postgres, missing):
    url = postgres.database("static")
    role = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    user = parse(role).user
    postgres.execute(url, f"REVOKE SELECT ON {missing} FROM {user}")
    with pytest.raises(Refused) as caught:
        deployments.add(role)
    assert f"the role {user} has no right to read {missing};" in caught.value.sentence
    assert f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{user}".' in caught.value.sentence
    assert not Deployment.objects.exists()


@pytest.mark.each_version
def test_rows_that_a_policy_hides_are_no_smaller_snapshot(postgres):
    url = postgres.database("static")
    role = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    running = deployments.add(role).deployment
    postgres.execute(url, "ALTER TABLE info ENABLE ROW LEVEL SECURITY")
    with pytest.raises(Refused, match="row-level security policy"):
        take(running)
    assert not Snapshot.objects.exists()


def test_a_wrong_and_a_missing_password(postgres, monkeypatch):
    address = parse(postgres.role(postgres.database("static"), "SELECT ON ALL TABLES IN SCHEMA public"))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    for password in ("not-the-password", None):
        wrong = address.with_password(password)
        url = wrong.url if password is None else wrong.url.replace("@", f":{password}@", 1)
        with pytest.raises(Refused) as caught:
            deployments.add(url)
        assert "wrong or missing" in caught.value.sentence
        assert "not-the-password" not in caught.value.sentence
    monkeypatch.setenv("EXPERIMENT_PASSWORD", address.password)
    running = deployments.add(address.url, password_env="EXPERIMENT_PASSWORD").deployment
    assert running.source_secret == "env:EXPERIMENT_PASSWORD"
    assert take(running).snapshot.state == "good"
    monkeypatch.delenv("EXPERIMENT_PASSWORD")
    with pytest.raises(Problem, match="EXPERIMENT_PASSWORD is not set"):
        take(running)


@pytest.mark.each_version
def test_no_role_no_database_no_server(postgres):
    url = postgres.database("static")
    address = parse(url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wrong = {
        url.replace(f"//{address.user}:", "//nobody-here:"): "nobody-here",
        url.replace(f"/{address.database}", "/no-such-database"): "no such database",
        url.replace(f":{address.port}/", f":{port}/"): "no PostgreSQL answers there",
        f"postgres://a@no-such-host.invalid:{address.port}/b": "no host of that name",
    }
    for bad, words in wrong.items():
        with pytest.raises(Problem) as caught:
            deployments.add(bad)
        assert words in caught.value.sentence, bad
        assert isinstance(caught.value, Unreachable | Refused)


@pytest.mark.each_version
def test_what_the_server_says_no_to(postgres):
    url = postgres.database("static")
    role = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    user, database = parse(role).user, parse(role).database
    with pytest.raises(Refused, match="has no TLS, which sslmode in the address requires"):
        deployments.add(f"{role}?sslmode=require")
    postgres.execute(url, f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
    with pytest.raises(Refused, match=f"GRANT CONNECT ON DATABASE {database} TO {user}"):
        deployments.add(role)
    postgres.execute(url, f"GRANT CONNECT ON DATABASE {database} TO {user}; ALTER ROLE {user} CONNECTION LIMIT 1")
    with pytest.raises(Unreachable, match="a snapshot needs three"):
        deployments.add(role)
    postgres.execute(url, f"ALTER ROLE {user} NOLOGIN")
    with pytest.raises(Refused, match="is not allowed to log in"):
        deployments.add(role)


def test_text_that_is_in_no_encoding(postgres):
    """A database in SQL_ASCII takes any bytes; those that are UTF-8 can be kept."""
    url = postgres.empty()
    postgres.execute(url, "CREATE TABLE t (b bytea)")
    database = f"{parse(url).database}_ascii"
    postgres.execute(url, f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'SQL_ASCII'")
    odd = url.replace(parse(url).database, database)
    try:
        for table in REQUIRED_TABLES:
            postgres.execute(odd, f"CREATE TABLE {table} (id int PRIMARY KEY, t text)")
        postgres.execute(odd, "INSERT INTO info VALUES (1, chr(233))")
        with pytest.raises(Problem, match="text that is not UTF-8"), read_transaction(parse(odd)) as held:
            held.copy("SELECT * FROM public.info", io.BytesIO())
    finally:
        postgres.execute(url, f"DROP DATABASE {database} WITH (FORCE)")


def test_names_with_every_character(postgres):
    url = postgres.database("timeline")
    names = ["per%cent", "per%s", "new\nline", 'q"uote', "a'pos", "x" * 63, "ünï☃", "{0}", "back\\slash", "../up", "\t"]
    for name in names:
        column = '"' + name.replace('"', '""') + '"'
        postgres.execute(
            url, f"CREATE TABLE {column} (id int PRIMARY KEY, {column} text); INSERT INTO {column} VALUES (1)"
        )
    running = deployments.add(url).deployment
    assert set(names) <= set(take(running).snapshot.tables)
    assert take(running).read == 0


@pytest.mark.parametrize("password", ["a@b", "a:b", "a/b", "a%b", "a#b", "a?b", "a b", "é", "[a]", "a'\\", "%2F"])
def test_passwords_with_every_character(postgres, password):
    address = parse(postgres.role(postgres.database("static"), "SELECT ON ALL TABLES IN SCHEMA public"))
    postgres.execute(postgres.server.socket_url(), f"ALTER ROLE {address.user} PASSWORD %s", (password,))
    url = address.url.replace("@", f":{quote(password, safe='')}@", 1)
    assert parse(url).password == password
    assert credentials.reveal(deployments.add(url).deployment.source_secret) == password


def test_an_address_with_a_slash_in_the_name(postgres):
    assert parse("postgres://a@h/b%2Fc").database == "b/c"
    assert parse(parse("postgres://a@h/b%2Fc").url).database == "b/c"


BAD_URLS = {
    "mysql://a@b/c": "source like postgres://",
    "nonsense": "source like postgres://",
    "postgres://host/base": "does not name a role",
    "postgres://user@host": "does not name a database",
    "postgres://user@host/base/more": "does not name a database",
    "postgres://user:a/b@host/base": "write it as %2F",
    "postgres://user@host:99999/base": "not a number between 1 and 65535",
    "postgres://user@host/base?options=-c": "may only have the options sslmode",
}


@pytest.mark.parametrize("url", BAD_URLS)
def test_addresses_that_are_none(url):
    with pytest.raises(BadInput, match=BAD_URLS[url]):
        deployments.add(url)


def test_a_server_that_is_too_old(postgres, monkeypatch):
    """No such server is to be had; what this one says of itself is taken as too old."""
    monkeypatch.setattr(source, "OLDEST", 190000)
    with pytest.raises(BadInput, match="is PostgreSQL 18; psynetdata reads PostgreSQL 12 and later"):
        deployments.add(postgres.database("static"))


def test_which_deployment_it_is_of(postgres):
    url = postgres.database("static")
    with pytest.raises(BadInput, match="not to other"):
        deployments.add(url, deployment_id="other")
    postgres.execute(url, "UPDATE experiment SET vars = '{}'")
    with pytest.raises(BadInput, match="does not say which deployment it belongs to"):
        deployments.add(url)
    assert deployments.add(url, deployment_id="mine").deployment.deployment_id == "mine"
    assert take(Deployment.objects.get()).snapshot.state == "good"


def test_a_host_that_is_gone_and_comes_back(own_postgres, own_storage):
    running = Experiment(own_postgres, own_postgres.database("static"))
    first = take(running.deployment).snapshot
    before = files(own_storage)
    own_postgres.stop()
    with pytest.raises(Unreachable):
        take(running.deployment)
    assert (list(Snapshot.objects.all()), files(own_storage)) == ([first], before)
    own_postgres.start()
    assert take(running.deployment).snapshot.contents == first.contents


@pytest.mark.parametrize("when", ["figures", "rows"])
def test_a_connection_that_is_cut_in_the_middle(experiment, monkeypatch, own_storage, when):
    running = experiment()

    def cut_first(self, *args, **options):
        monkeypatch.undo()
        pids = [reader.info.backend_pid for reader in self.readers]
        running.sql("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", (pids,))
        return done(self, *args, **options)

    name = "query" if when == "figures" else "copy"
    done = getattr(ReadTransaction, name)
    monkeypatch.setattr(ReadTransaction, name, cut_first)
    with pytest.raises(Unreachable):
        take(running.deployment)
    assert (Snapshot.objects.count(), files(own_storage)) == (0, [])
    assert take(running.deployment).snapshot.state == "good"


def test_storage_that_fails_while_storing(experiment, monkeypatch, own_storage):
    running = experiment()
    take(running.deployment)
    running.sql("UPDATE info SET answer = '1'")
    before = files(own_storage)

    def full(self, name, content, max_length=None):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("psynetdata.infra.storage.AtomicFileSystemStorage.save", full)
    with pytest.raises(OSError, match="No space left"):
        take(running.deployment)
    assert (Snapshot.objects.count(), files(own_storage)) == (1, before)
    monkeypatch.undo()


def test_counts_that_do_not_agree(experiment, monkeypatch, own_storage):
    running = experiment()
    copy = ReadTransaction.copy
    monkeypatch.setattr(ReadTransaction, "copy", lambda self, *args, **options: copy(self, *args, **options) + 1)
    with pytest.raises(Problem, match="but the same transaction counted"):
        take(running.deployment)
    assert (Snapshot.objects.count(), files(own_storage)) == (0, [])
