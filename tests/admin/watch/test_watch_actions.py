"""What one can do with a watched deployment and its snapshots, and who."""

import pytest
from django.test import Client

from exports.models import Snapshot
from psynetdata.models import Audit, Deployment, Job
from tests.admin.conftest import URL, page_of, sentences, text_of

pytestmark = pytest.mark.django_db(databases="__all__")
VERBS = ("snapshot-now", "pause", "resume", "archive")


@pytest.mark.parametrize("group", ["viewer", "analyst", "data officer"])
def test_without_the_right_there_are_no_buttons_and_no_actions(person, watched, take, group):
    snapshot = take(state="suspect")
    client = person(group)
    for row, verbs in ((watched, VERBS), (snapshot, ("accept", "pin", "unpin"))):
        text = text_of(client, row)
        for verb in verbs:
            assert page_of(row, verb) not in text
            assert client.get(page_of(row, verb)).status_code == 403
            assert client.post(page_of(row, verb)).status_code == 403
    for path in ("add/", "add/found/"):
        assert client.get(f"/admin/psynetdata/deployment/{path}").status_code == 403
        assert client.post(f"/admin/psynetdata/deployment/{path}", {"url": URL}).status_code == 403
    watched.refresh_from_db()
    assert (watched.state, Job.objects.count(), Snapshot.objects.get().state) == ("running", 0, "suspect")


def test_the_zip_is_for_those_who_may_export_it(person, take):
    snapshot = take()
    assert person("analyst").get(page_of(snapshot, "database-zip")).status_code == 403
    assert person("data officer").get(page_of(snapshot, "database-zip")).status_code == 200


@pytest.mark.parametrize(("state", "shown"), [
    ("running", {"snapshot-now", "pause", "archive"}), ("paused", {"snapshot-now", "resume", "archive"}),
    ("finished", {"resume", "archive"}), ("archived", {"resume"}),
])  # fmt: skip
def test_buttons_follow_the_state(person, watched, state, shown):
    Deployment.objects.update(state=state)
    text = text_of(person("admin"), watched)
    assert {verb for verb in VERBS if page_of(watched, verb) in text} == shown


def test_looking_changes_nothing(person, watched, take):
    snapshot, client = take(state="suspect"), person("admin")
    for row, verbs in ((watched, VERBS), (snapshot, ("accept", "pin", "unpin", "database-zip"))):
        for verb in verbs:
            answer = client.get(page_of(row, verb))
            assert answer.status_code == 200
            assert "what will happen" in answer.content.decode()
            assert client.head(page_of(row, verb)).status_code == 200
            client.put(page_of(row, verb))
    watched.refresh_from_db()
    snapshot.refresh_from_db()
    assert (watched.state, snapshot.state, snapshot.pinned) == ("running", "suspect", False)
    assert not Job.objects.exists()
    assert not Audit.objects.exists()


def test_a_form_of_another_site_does_nothing(person, watched):
    user = person("admin").user
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for verb in VERBS:
        assert client.post(page_of(watched, verb)).status_code == 403
    assert client.post("/admin/psynetdata/deployment/add/", {"url": URL}).status_code == 403
    watched.refresh_from_db()
    assert (watched.state, Job.objects.count()) == ("running", 0)


@pytest.mark.parametrize("name", ["x", "99", "9" * 30, "-1", "1%2F2"])
def test_what_is_not_there_is_404(person, watched, take, name):
    client = person("admin")
    for verb in VERBS:
        assert client.get(f"/admin/psynetdata/deployment/{name}/{verb}/").status_code == 404
        assert client.post(f"/admin/psynetdata/deployment/{name}/{verb}/").status_code == 404
    for verb in ("accept", "pin", "unpin", "database-zip"):
        assert client.post(f"/admin/exports/snapshot/{name}/{verb}/").status_code == 404


def test_pause_resume_archive_and_a_second_click(person, watched):
    client = person("admin")
    for verb, state in (("pause", "paused"), ("resume", "running"), ("archive", "archived")):
        assert client.post(page_of(watched, verb)).url == page_of(watched)
        again = client.post(page_of(watched, verb), follow=True)
        watched.refresh_from_db()
        assert watched.state == state
        assert f"is {state}; nothing was changed." in sentences(again)[-1]
        assert Audit.objects.filter(verb=verb, user=client.user, deployment=watched).count() == 1


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_snapshot_now_is_one_job_however_often_one_clicks(person, watched):
    client = person("admin")
    for _ in range(2):
        assert client.post(page_of(watched, "snapshot-now"), {"full": "on"}).url == page_of(watched)
    job = Job.objects.get()
    assert (job.kind, job.options, job.owner, job.deployment) == ("snapshot", {"full": True}, client.user, watched)
    assert f"/admin/psynetdata/job/{job.pk}/progress/" in text_of(client, watched)
    assert Audit.objects.filter(verb="snapshot", user=client.user).count() == 1


def test_no_snapshot_of_what_is_over_or_was_handed_in(person, watched):
    client = person("admin")
    Deployment.objects.update(state="archived")
    assert "is archived" in sentences(client.post(page_of(watched, "snapshot-now"), follow=True))[0]
    Deployment.objects.update(state="running", source="upload")
    assert "loaded from a file" in sentences(client.post(page_of(watched, "snapshot-now"), follow=True))[0]
    assert not Job.objects.exists()
