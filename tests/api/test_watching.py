"""Deployments over HTTP: how they are watched, and pausing, resuming and archiving them."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from exports.models import Incident, Snapshot
from psynetdata.models import Audit, Deployment

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
URL = "postgres://reader@db.lab.org:5432/exp"
NOBODY_ANSWERS = "exp on db.lab.org:5432: no PostgreSQL answers there."


@pytest.fixture
def watched():
    """watched("id") → a deployment with a good, a newer suspect snapshot and an alarm."""

    def make(name: str = "watched") -> Deployment:
        due = timezone.now() + timedelta(seconds=30)
        made = Deployment.objects.create(deployment_id=name, source="local", source_url=URL, every=60, due_at=due)
        now = timezone.now()
        for minutes, state in ((2, "good"), (1, "suspect")):
            Snapshot.objects.create(deployment=made, state=state, taken_at=now - timedelta(minutes=minutes))
        Incident.objects.create(deployment=made, kind="unreachable", sentence=NOBODY_ANSWERS, began_at=now)
        Incident.objects.create(deployment=made, kind="late", sentence="Over.", began_at=now, ended_at=now)
        return made

    return make


@pytest.fixture
def steward(person, client_of):
    """A client that may change deployments."""
    return client_of(person("change_deployment", name="steward"))


def test_a_deployment_says_how_it_is_watched(steward, analyst, watched):
    deployment = watched()
    good, suspect = Snapshot.objects.order_by("taken_at")
    found = steward.get("/api/deployments/watched/").json()
    assert (found["source"], found["source_url"], found["every"]) == ("local", URL, 60)
    assert found["due_at"] is not None
    assert (found["snapshot"], found["newest_snapshot"]["id"]) == (good.pk, suspect.pk)
    assert (found["newest_snapshot"]["state"], found["newest_snapshot"]["pinned"]) == ("suspect", False)
    assert [(one["kind"], one["sentence"]) for one in found["incidents"]] == [("unreachable", NOBODY_ANSWERS)]
    assert steward.get("/api/deployments/").json()["results"] == [found]
    other = analyst.get(f"/api/deployments/{deployment.number}/")
    assert "db.lab.org" not in other.content.decode()
    assert (other.json()["source"], other.json()["source_url"]) == ("local", None)
    assert other.json()["incidents"][0]["sentence"] == "The source does not answer, or does not let us in."


def test_one_without_snapshots(analyst):
    Deployment.objects.create(deployment_id="bare")
    found = analyst.get("/api/deployments/bare/").json()
    assert (found["newest_snapshot"], found["incidents"], found["every"], found["source"]) == (None, [], None, "upload")


def test_pause_resume_archive(steward, watched):
    deployment = watched()
    for verb, state in (("pause", "paused"), ("resume", "running"), ("archive", "archived")):
        answer = steward.post(f"/api/deployments/watched/{verb}/")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        again = steward.post(f"/api/deployments/watched/{verb}/")
        assert (again.status_code, "nothing was changed" in again.json()["detail"]) == (409, True)
        deployment.refresh_from_db()
        assert deployment.state == state
        line = Audit.objects.get(verb=verb)
        assert (line.username, line.deployment) == ("steward", deployment)


@pytest.mark.parametrize("verb", ["pause", "resume", "archive"])
def test_only_for_those_who_may_change_deployments(analyst, officer, watched, verb):
    watched()
    for client in (analyst, officer):
        answer = client.post(f"/api/deployments/watched/{verb}/")
        assert (answer.status_code, verb in answer.json()["detail"]) == (403, True)
    assert APIClient().post(f"/api/deployments/watched/{verb}/").status_code == 401
    assert Deployment.objects.get().state == "running"


def test_looking_changes_nothing(steward, watched):
    watched()
    for verb in ("pause", "resume", "archive"):
        for ask in (steward.get, steward.put, steward.delete, steward.patch):
            assert ask(f"/api/deployments/watched/{verb}/").status_code == 405
    assert steward.post("/api/deployments/watched/retire/").status_code == 404
    assert Deployment.objects.get().state == "running"


def test_a_form_of_another_site_does_nothing(watched):
    watched()
    user = get_user_model().objects.create_superuser("root")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get("/api/deployments/watched/").status_code == 200
    assert client.post("/api/deployments/watched/pause/").status_code == 403
    assert Deployment.objects.get().state == "running"


def test_a_token_of_one_deployment_moves_only_that(person, client_of, watched):
    own, other = watched("own"), watched("other")
    client = client_of(person("change_deployment"), deployments=[own])
    assert [one["id"] for one in client.get("/api/deployments/").json()["results"]] == ["own"]
    for named in ("other", str(other.number), "nothing"):
        assert client.post(f"/api/deployments/{named}/pause/").status_code == 404
    assert client.post("/api/deployments/own/pause/").status_code == 200
    other.refresh_from_db()
    assert other.state == "running"


def test_what_was_handed_in_cannot_be_resumed(steward):
    Deployment.objects.create(deployment_id="file", state="finished")
    answer = steward.post("/api/deployments/file/resume/")
    assert (answer.status_code, "loaded from a file" in answer.json()["detail"]) == (409, True)


def test_as_many_queries_for_thirty_as_for_one(steward, watched):
    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            assert steward.get("/api/deployments/").status_code == 200
        return len(captured)

    watched("first")
    queries()
    one = queries()
    for number in range(29):
        watched(f"more {number}")
    assert queries() == one
