"""Snapshots over HTTP: compared, and asked for."""

import pytest

from exports.operations.deployments import add
from psynetdata import jobs
from psynetdata.models import Audit, Job
from tests.store.snapshot_factory import written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def steward(person, client_of):
    """A client that may change deployments."""
    return client_of(person("change_deployment", name="steward"))


def test_a_diff_gives_counts_and_no_rows(analyst, officer):
    old = written_down({"coin": [["id", "a"], ["1", "x"], ["2", "y"]]})
    new = written_down({"coin": [["id", "a"], ["2", "z"], ["3", "w"]]})
    # While nobody knows the identifiers, the names of own tables are withheld.
    found = analyst.get(f"/api/snapshots/{old.pk}/diff/{new.pk}/").json()
    assert [table["table"] for table in found["tables"]] == ["[withheld]"]
    answer = officer.get(f"/api/snapshots/{old.pk}/diff/{new.pk}/")
    assert answer.status_code == 200
    found = answer.json()
    assert found == {
        "before": old.pk,
        "after": new.pk,
        "same_deployment": True,
        "same": 6,
        "tables": [
            {
                "table": "coin",
                "before": 2,
                "after": 2,
                "added": 1,
                "changed": 1,
                "removed": 1,
                "columns_added": [],
                "columns_removed": [],
                "retyped": {},
            }
        ],
    }
    assert analyst.get(f"/api/snapshots/{old.pk}/diff/999/").status_code == 404
    assert analyst.get(f"/api/snapshots/999/diff/{old.pk}/").status_code == 404


def test_a_token_of_one_deployment_compares_only_that(person, client_of):
    mine, other = written_down({}, "one"), written_down({}, "two")
    client = client_of(person(), deployments=[mine.deployment])
    assert client.get(f"/api/snapshots/{mine.pk}/diff/{mine.pk}/").status_code == 200
    assert client.get(f"/api/snapshots/{mine.pk}/diff/{other.pk}/").status_code == 404


def test_asking_for_one_answers_at_once_and_the_rest_is_watched(steward, analyst, postgres):
    deployment = add(postgres.database("static")).deployment
    asked = steward.post("/api/snapshots/", {"deployment": deployment.deployment_id, "full": True}, format="json")
    assert asked.status_code == 202
    job = Job.objects.get(kind="snapshot")
    assert (job.options, job.owner.username) == ({"full": True}, "steward")
    assert asked.json() == steward.get(asked["Location"]).json()
    assert (asked.json()["state"], asked.json()["snapshot"]) == ("queued", None)
    assert Audit.objects.get(verb="snapshot").username == "steward"
    jobs.run(job.pk, raise_problems=True)
    found = steward.get(asked["Location"]).json()
    assert (found["state"], found["percent"], found["mirrored"]) == ("done", 100, False)
    jobs.run(Job.objects.get(kind="mirror").pk, raise_problems=True)
    assert steward.get(asked["Location"]).json()["mirrored"]
    assert steward.get(found["snapshot"]).json()["rows"] == deployment.snapshots.get().rows
    assert analyst.get(asked["Location"]).status_code == 404


def test_who_may_ask_and_for_what(steward, analyst, person, client_of):
    one, two = written_down({}, "one").deployment, written_down({}, "two", source="local").deployment

    def status(client, asked):
        return client.post("/api/snapshots/", asked, format="json").status_code

    assert status(analyst, {"deployment": two.deployment_id}) == 403
    assert status(steward, {"deployment": one.deployment_id}) == 409
    assert status(steward, {"deployment": "none"}) == 404
    assert status(steward, {}) == 400
    assert status(steward, ["one"]) == 400
    assert status(steward, {"deployment": two.deployment_id, "full": "yes"}) == 400
    assert status(steward, {"deployment": two.deployment_id, "fast": True}) == 400
    assert not Job.objects.exists()
    narrowed = client_of(person("change_deployment", name="narrow"), deployments=[one])
    assert status(narrowed, {"deployment": two.deployment_id}) == 404
    assert status(steward, {"deployment": two.deployment_id}) == 202
