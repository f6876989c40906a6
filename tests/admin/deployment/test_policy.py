"""The page on which staff decide what leaves."""

import json

import pytest

from exports.operations import policy
from psynetdata import jobs
from psynetdata.models import Audit, Decision, Deployment, Job
from tests.store.snapshot_factory import reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
CHORD = json.dumps(["response", "answer", "chord"])
DROPPED = {f"shared {CHORD}": "drop", f"open {CHORD}": "drop", f"kind {CHORD}": "choice", "place": CHORD}


@pytest.fixture
def address():
    return f"/admin/psynetdata/deployment/{reference('timeline').deployment_id}/policy/"


def test_an_officer_looks_decides_and_takes_back(person, address):
    officer = person("data officer")
    assert "No snapshot has been searched yet" in officer.get(address).content.decode()
    assert officer.post(address, {"verb": "look"}).status_code == 302
    jobs.run(Job.objects.get(kind=policy.KIND).pk, raise_problems=True)
    page = officer.get(address).content.decode()
    assert "text of 5 characters, 2 different" in page
    assert "chord" in page
    assert officer.post(address, {"verb": "decide", **DROPPED}).status_code == 302
    (decision,) = Decision.objects.all()
    assert (decision.selector, decision.shared, decision.decided_by) == ("chord", "drop", officer.user)
    assert Audit.objects.filter(verb="decide", user=officer.user).exists()
    assert Job.objects.filter(kind="mirror").exists()
    page = officer.get(address, follow=True).content.decode()
    assert "Decided about 1." in page
    assert page.count(">chord<") == 1
    officer.post(address, {"verb": "forget", "place": CHORD})
    assert not Decision.objects.exists()
    officer.post(address, {"verb": "decide"})
    officer.post(address, {"verb": "decide", "place": "[1"})
    officer.post(address, {"verb": "decide", "place": CHORD})
    said = officer.get(address).content.decode()
    assert "Nothing was ticked" in said
    assert "was not made by this page" in said
    assert "unknown action" in said


def test_an_officer_withholds_what_is_undecided(person, address):
    officer, analyst = person("data officer"), person("analyst")
    assert analyst.post(address, {"verb": "withhold"}).status_code == 403
    assert "Withhold all undecided data" not in analyst.get(address).content.decode()
    assert "Withhold all undecided data" in officer.get(address).content.decode()
    page = officer.post(address, {"verb": "withhold"}, follow=True).content.decode()
    assert "What is undecided is withheld." in page
    assert "Scrub all undecided data" in page
    assert Audit.objects.filter(verb="withhold undecided", user=officer.user, details={"everything": True}).exists()
    assert Job.objects.filter(kind="mirror").count() == 1
    assert "was already set" in officer.post(address, {"verb": "withhold"}, follow=True).content.decode()
    officer.post(address, {"verb": "scrub"})
    assert not Deployment.objects.filter(withhold_undecided=True).exists()


def test_an_analyst_sees_and_does_not_decide_and_a_viewer_does_not_see(person, address):
    analyst, viewer = person("analyst"), person("viewer")
    analyst.post(address, {"verb": "look"})
    jobs.run(Job.objects.get(kind=policy.KIND).pk, raise_problems=True)
    page = analyst.get(address).content.decode()
    assert "chord" in page
    assert "Decide about selected rows" not in page
    assert analyst.post(address, {"verb": "decide", **DROPPED}).status_code == 403
    assert viewer.get(address).status_code == 403
    assert viewer.post(address, {"verb": "look"}).status_code == 403
    assert not Decision.objects.exists()
