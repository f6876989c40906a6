"""Adding a deployment: what is shown, what is kept, and where the password never is."""

import json
import logging
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core import serializers

from exports.admin.deployment import registration
from exports.models import Snapshot
from exports.operations import deployments
from psynetdata import credentials, jobs
from psynetdata.models import Audit, Deployment, Job, Secret

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
ADD = "/admin/psynetdata/deployment/add/"
FOUND = f"{ADD}found/"
PASSWORD = "S3cr3t/ & <word>"


@pytest.fixture
def source(postgres):
    """A database, and a role that may only read it, with PASSWORD; `.address` has no password in it."""
    url = postgres.database()
    grants = ("SELECT ON ALL TABLES IN SCHEMA public", "SELECT ON ALL SEQUENCES IN SCHEMA public")
    reader = urlsplit(postgres.role(url, *grants))
    postgres.execute(url, f"ALTER ROLE {reader.username} PASSWORD '{PASSWORD}'")
    yield f"postgres://{reader.username}@{reader.hostname}:{reader.port}{reader.path}"
    postgres.execute(url, f"DROP OWNED BY {reader.username}")


def sent(address: str, **more) -> dict:
    return {"url": address, "password": PASSWORD, "label": "", "deployment_id": "", "assets": "", "every": "60"} | more


def is_anywhere(secret: str) -> list[str]:
    """The tables whose rows hold the text, as it is or as JSON or percent-encoded."""
    forms = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret)}
    found = []
    for model in (Deployment, Snapshot, Job, Audit, Secret):
        text = serializers.serialize("json", model.objects.all())
        found += [model.__name__ for form in forms if form in text or json.dumps(form)[1:-1] in text]
    sessions = json.dumps([session.get_decoded() for session in Session.objects.all()])
    return found + ["Session" for form in forms if form in sessions or json.dumps(form)[1:-1] in sessions]


def test_a_look_then_the_registration(person, source, caplog):
    caplog.set_level(logging.DEBUG)
    client = person("admin")
    answer = client.post(ADD, sent(source, label="Ours"))
    assert (answer.status_code, answer.url) == (302, FOUND)
    assert not Deployment.objects.exists()
    shown = client.get(FOUND).content.decode()
    for words in ("Ours", "15 participants, 130 trials", "PostgreSQL 18", "launch=2026-11-22--08-12-41", "given"):
        assert words in shown
    answer = client.post(FOUND, follow=True)
    deployment = Deployment.objects.get()
    assert (deployment.label, deployment.source, deployment.source_url) == ("Ours", "local", source)
    assert (deployment.state, deployment.every) == ("running", 60)
    assert credentials.reveal(deployment.source_secret) == PASSWORD
    assert Audit.objects.get(verb="add").user == client.user
    pages = [shown, answer.content.decode(), client.get(ADD).content.decode(), client.get(FOUND, follow=True)]
    for text in pages[:3]:
        assert PASSWORD not in text
        assert "S3cr3t" not in text
    assert is_anywhere(PASSWORD) == []
    assert "S3cr3t" not in caplog.text
    assert registration.SESSION_KEY not in client.session


def test_between_the_steps_the_password_is_sealed(person, source):
    client = person("admin")
    client.post(ADD, sent(source))
    assert is_anywhere(PASSWORD) == []
    assert client.session[registration.SESSION_KEY]["sealed"].startswith("gAAAA")


def test_a_second_click_registers_once(person, source):
    client = person("admin")
    client.post(ADD, sent(source))
    client.post(FOUND)
    assert client.post(FOUND).url == ADD
    assert (Deployment.objects.count(), Audit.objects.filter(verb="add").count()) == (1, 1)


def test_a_look_that_is_too_old(person, source, monkeypatch):
    client = person("admin")
    client.post(ADD, sent(source))
    monkeypatch.setattr(registration, "_SEALED_FOR", -1)
    assert client.post(FOUND).url == ADD
    assert not Deployment.objects.exists()
    assert registration.SESSION_KEY not in client.session


def test_a_password_in_the_address_is_taken_out_of_it(person, source):
    inside = source.replace("@", f":{quote(PASSWORD, safe='')}@", 1)
    client = person("admin")
    text = client.post(ADD, sent(inside, password="", every="5")).content.decode()
    assert "not every 5" in text
    assert f'value="{source}"' in text
    assert "S3cr3t" not in text
    assert client.post(ADD, sent(inside, password="")).url == FOUND
    assert "another password" in client.post(ADD, sent(inside, password="other")).content.decode()


@pytest.mark.parametrize(("address", "words"), [
    ("postgres://reader:S3cr3t#x@host/db", "port"), ("postgres://reader:S3cr3t/x@host/db", "port"),
    ("postgres://reader:1/S3cr3t@host", "does not name a role"), ("postgres://a@b:1/S3cr3t@host", "own field"),
    ("postgres://reader:S3cr3t@[host/db", "port"), ("postgres://reader:S3cr3t@host/d%00b", "NUL"),
    ("postgres://reader:S3cr3t@host", "does not name a database"), ("mysql://reader:S3cr3t@host/db", "postgres://"),
    ("S3cr3t", "postgres://"), ("postgres://r:S3cr3t@h/d?options=S3cr3t", "sslmode"),
    ("postgres://reader:S3cr3t@host/" + "d" * 500, "at most 500"), ("postgres://r:S3cr3t@h/d\0", "Null characters"),
    ("ssh://reader:S3cr3t@host/app", "postgres://"), ("", "required"),
])  # fmt: skip
def test_a_wrong_address_is_one_sentence_and_not_shown_again(person, address, words):
    answer = person("admin").post(ADD, sent(address, password="S3cr3t"))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert words in text
    assert "S3cr3t" not in text


@pytest.mark.parametrize("address", ["postgres://me@localhost/exp", "ssh://me@127.0.0.1/app"])
def test_an_address_of_the_server_itself_is_not_looked_at(person, settings, address):
    settings.LOCAL_ADDRESSES = False
    text = person("admin").post(ADD, sent(address)).content.decode()
    assert "leads to this machine" in text
    assert not Deployment.objects.exists()


def test_what_a_connection_says_stands_in_the_form(person, source):
    client = person("admin")
    for change, words in (
        ({"password": "wrong-one"}, "is wrong or missing"), ({"url": f"{source}x"}, "no such database"),
        ({"url": "postgres://reader@127.0.0.1:1/x"}, "no PostgreSQL answers"),
        ({"deployment_id": "another"}, "not to another"), ({"assets": "ftp://bucket"}, "file:///folder"),
    ):  # fmt: skip
        text = client.post(ADD, sent(source) | change).content.decode()
        assert words in text
        assert "wrong-one" not in text
        assert "S3cr3t" not in text
    assert not Deployment.objects.exists()


def test_an_address_that_is_watched_for_another(person, source):
    Deployment.objects.create(deployment_id="another", source="local", source_url=source)
    assert "is already watched" in person("admin").post(ADD, sent(source)).content.decode()


def test_a_known_deployment_is_said_to_be_known(person, source):
    known = Deployment.objects.create(deployment_id="static-experiment-demo__mode=debug__launch=2026-11-22--08-12-41")
    client = person("admin")
    client.post(ADD, sent(source))
    assert "is already known" in client.get(FOUND).content.decode()
    client.post(FOUND)
    known.refresh_from_db()
    assert (Deployment.objects.count(), known.source_url) == (1, source)


def test_the_form_can_begin_with_a_deployment(person, deployment):
    Deployment.objects.update(source="local", source_url="postgres://reader@host:5432/exp", every=300)
    client = person("admin")
    way = f"{ADD}?of={deployment.number}"
    assert way in client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()
    text = client.get(way).content.decode()
    assert 'value="postgres://reader@host:5432/exp"' in text
    assert 'value="300"' in text
    for nothing in ("x", "99", "9" * 40, "-1"):
        assert client.get(f"{ADD}?of={nothing}").status_code == 200


def test_a_password_is_never_sent_to_another_address(person, source, postgres):
    added = deployments.add(source, password=PASSWORD).deployment
    elsewhere = postgres.database()
    deployments.add(elsewhere)
    added.refresh_from_db()
    assert credentials.reveal(added.source_secret) != PASSWORD
    added.source_secret = credentials.keep("left", PASSWORD)
    added.save()
    socket = postgres.server.socket_url(urlsplit(elsewhere).path[1:])
    deployments.add(socket)
    added.refresh_from_db()
    assert (added.source_secret, "%2F" in added.source_url) == ("", True)


def test_the_whole_way_to_an_accepted_snapshot(person, source, postgres):
    """Registered, two snapshots asked for with rows gone in between, the second accepted, its database fetched."""
    client = person("admin")
    client.post(ADD, sent(source))
    client.post(FOUND)
    deployment = Deployment.objects.get()
    page = f"/admin/psynetdata/deployment/{deployment.pk}/"
    url = postgres.server.socket_url(urlsplit(source).path[1:])
    for _ in range(2):
        client.post(f"{page}snapshot-now/")
        jobs.run(Job.objects.filter(kind="snapshot").latest("pk").pk, raise_problems=True)
        postgres.execute(url, "DELETE FROM info WHERE id > 100")
    bad, good = Snapshot.objects.all()
    assert (bad.state, good.state, good.pinned) == ("suspect", "good", True)
    assert "trials −30" in client.get(f"{page}change/").content.decode()
    client.post(f"/admin/exports/snapshot/{bad.pk}/accept/")
    job = Job.objects.latest("pk")
    jobs.run(job.pk, raise_problems=True)
    job.refresh_from_db()
    mirroring = Job.objects.get(kind="mirror")
    assert (job.state, job.result) == ("done", {"snapshots": [bad.pk], "mirror": mirroring.pk})
    assert Audit.objects.get(verb="accept").user == client.user
    # A worker that died after the acceptance leaves a job that is taken up again.
    Job.objects.filter(pk=job.pk).update(state="queued")
    jobs.run(job.pk, raise_problems=True)
    answer = client.post(f"/admin/exports/snapshot/{bad.pk}/database-zip/")
    content = b"".join(answer.streaming_content)
    answer.close()
    assert content.startswith(b"PK")
    assert "attachment" in answer["Content-Disposition"]
    assert Audit.objects.get(verb="download").identified
    assert is_anywhere(PASSWORD) == []
