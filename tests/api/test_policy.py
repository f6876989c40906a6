"""The policy, over HTTP: listed, decided, taken back; each with its right."""

import json

import pytest

from exports.operations import policy
from psynetdata import jobs
from psynetdata.models import Audit, Decision, Job

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
CHORD = {"table": "response", "column": "answer", "selector": "chord"}
DROPPED = CHORD | {"shared": "drop", "open": "drop", "kind": "choice"}


@pytest.fixture
def address(loaded):
    return f"/api/deployments/{loaded('timeline').number}"


@pytest.fixture
def decider(person, client_of):
    return client_of(person("decide_policy", "view_identified", name="decider"), identified=True)


def test_a_look_lists_what_is_undecided(address, analyst):
    assert analyst.get(f"{address}/undecided/").json()["snapshot"] is None
    asked = analyst.post(f"{address}/undecided/")
    assert (asked.status_code, asked.json()["job"], asked.json()["undecided"]) == (202, "queued", [])
    analyst.post(f"{address}/undecided/")
    job = Job.objects.get(kind=policy.KIND)
    jobs.run(job.pk, raise_problems=True)
    found = analyst.get(f"{address}/undecided/").json()
    assert found["snapshot"] == found["newest_snapshot"]
    assert found["job"] == ""
    (chord,) = [each for each in found["undecided"] if each["selector"] == "chord"]
    assert chord["shape"] == "text of 5 characters, 2 different"
    assert (chord["rows"], chord["masked"], chord["shared"], chord["kind"]) == (7, False, "scrub", "choice")


def test_deciding_and_taking_back(address, decider):
    decider.post(f"{address}/undecided/")
    jobs.run(Job.objects.get(kind=policy.KIND).pk, raise_problems=True)
    decided = decider.post(f"{address}/decisions/", [DROPPED], format="json")
    assert decided.status_code == 202
    assert decided.json() == [DROPPED | {"reason": "decided by staff"}]
    assert Job.objects.filter(kind="mirror", state="queued").count() == 1
    assert Audit.objects.get(verb="decide").username == "decider"
    listed = decider.get(f"{address}/undecided/").json()["undecided"]
    assert "chord" not in [each["selector"] for each in listed]
    assert decider.get(f"{address}/decisions/").json() == decided.json()
    assert decider.delete(f"{address}/decisions/", CHORD, format="json").status_code == 204
    assert not Decision.objects.exists()
    assert decider.delete(f"{address}/decisions/", CHORD, format="json").status_code == 404


def test_withholding_what_is_undecided(address, decider):
    for withheld in (True, False):
        answer = decider.put(f"{address}/undecided/", {"withheld": withheld}, format="json")
        assert (answer.status_code, answer.json()["withheld"]) == (202, withheld)
    assert Job.objects.filter(kind="mirror").exists()
    assert Audit.objects.filter(verb="withhold undecided", username="decider").count() == 2
    for given in ({"withheld": "yes"}, {}, [True], {"withheld": True, "colour": "red"}):
        answer = decider.put(f"{address}/undecided/", given, format="json")
        assert (answer.status_code, "Say {" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([DROPPED, DROPPED | {"shared": "blur"}], "unknown action"),
        (DROPPED | {"colour": "red"}, "no colour"),
        ([3], "is an object"),
        (DROPPED | {"selector": 3}, "is an object"),
        ({"table": "response"}, "unknown action"),
    ],
)
def test_what_cannot_be_is_refused(address, decider, given, sentence):
    answer = decider.post(f"{address}/decisions/", json.dumps(given), content_type="application/json")
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]
    assert not Decision.objects.exists()


def test_each_needs_its_right(address, analyst, person, client_of, decider):
    nobody, narrowed = client_of(person("view_deployment")), client_of(decider.token_row.user)
    assert nobody.get(f"{address}/undecided/").status_code == 403
    assert nobody.post(f"{address}/undecided/").status_code == 403
    assert nobody.get(f"{address}/decisions/").status_code == 403
    for client in (analyst, narrowed):
        assert client.put(f"{address}/undecided/", {"withheld": True}, format="json").status_code == 403
        assert client.post(f"{address}/decisions/", [DROPPED], format="json").status_code == 403
        assert client.delete(f"{address}/decisions/", CHORD, format="json").status_code == 403
    assert not Decision.objects.exists()
