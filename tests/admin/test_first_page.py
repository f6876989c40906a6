"""The sidebar, the first page, what is not there."""

import re

import pytest
from django.contrib import admin
from django.db import connections
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from exports.admin.dashboard.overview import overview
from exports.models import Export, Incident, Snapshot, Summary
from psynetdata.admin.sidebar import navigation
from psynetdata.models import Audit, Deployment, Job

pytestmark = pytest.mark.django_db(databases="__all__")


def request_of(client):
    request = RequestFactory().get("/admin/")
    request.user, request.session = client.user, client.session
    return request


def titles(client) -> list[str]:
    return [item["title"] for group in navigation(request_of(client)) for item in group["items"]]


DATA = ["Participants", "Trials", "Responses", "Assets", "Nodes", "Networks", "Other tables", "Saved sheets"]
WORK = ["Overview", "Deployments", "Snapshots", "Exports", "Jobs", "Incidents"]


@pytest.mark.parametrize(("group", "more"), [
    ("viewer", []), ("analyst", ["API tokens", "Sheet links"]),
    ("data officer", ["API tokens", "Sheet links", "Withdrawals", "Audit log"]),
    ("superuser", ["API tokens", "Sheet links", "Withdrawals", "Audit log", "Accounts", "Groups"]),
])  # fmt: skip
def test_the_sidebar_holds_what_one_may_view(person, group, more):
    assert titles(person(group)) == [*WORK, *DATA, *more]


def test_the_sidebar_of_somebody_without_rights(person):
    assert titles(person("nobody")) == ["Overview"]


@pytest.mark.parametrize("carrier", [Success, Failure, Schedule, OrmQ])
def test_the_queues_own_tables_are_hidden(carrier):
    assert not admin.site.is_registered(carrier)


def test_every_link_of_the_sidebar_opens(person):
    client = person("superuser")
    for group in navigation(request_of(client)):
        for item in group["items"]:
            assert client.get(item["link"]).status_code == 200


def summary_of(deployment, **told) -> Summary:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    told = {"participants": {"finished": 1, "failed": 1}, "by_hour": {hour.isoformat(): 3}} | told
    fields = {"snapshot_number": 1, "taken_at": timezone.now(), "progress": [0] * 9 + [2], **told}
    return Summary.objects.create(deployment=deployment, **fields)


def test_the_first_page_has_a_card_per_deployment_that_runs(person, deployment, snapshot):
    Deployment.objects.create(deployment_id="bare")
    Deployment.objects.create(deployment_id="over", state="archived")
    summary_of(deployment)
    context = overview(request_of(person("viewer")), {})
    bare, faces = [card.context for card in context["running"]]
    assert (bare["name"], faces["name"]) == ("bare", "Faces")
    assert (bare["people"], faces["people"]) == ("– participants", "2 started: 1 finished, 1 failed")
    assert faces["told"].startswith("3 trials in the last 24 hours, at most 3 an hour")
    assert re.search(r">\d+ seconds?<", faces["age"])
    assert faces["trial_count"] == "3"
    others, exports, storage, jobs = context["cards"]
    assert ["over" in row[0] for row in others.rows] == [True]
    assert (exports.rows, storage.facts[0][0], jobs.facts[0][0]) == ([], "snapshots", "running")


def test_what_has_alarms_comes_first(person, deployment):
    Deployment.objects.create(deployment_id="calm")
    Incident.objects.create(deployment=deployment, kind="fell", sentence="Fewer.", began_at=timezone.now())
    context = overview(request_of(person("viewer")), {})
    assert [card.context["name"] for card in context["running"]] == ["Faces", "calm"]
    assert "rows fell" in context["running"][0].context["alarms"][0]


def test_exports_at_work_stand_on_the_first_page(person, deployment, snapshot):
    job = Job.objects.create(kind="export", deployment=deployment, state="running", phase="scanning", done=1, total=4)
    Export.objects.create(deployment=deployment, snapshot=snapshot, job=job, options={})
    text = person("viewer").get("/admin/overview/").content.decode()
    assert "Exports at work" in text
    assert 'value="25"' in text


def test_the_first_page_shows_only_what_one_may_view(person):
    context = overview(request_of(person("nobody")), {})
    assert [context[part] for part in ("first", "running", "cards")] == [[], [], []]


def test_the_first_page_opens(person, snapshot):
    assert person("viewer").get("/admin/").status_code == 200
    assert person("nobody").get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/overview/", "/admin/psynetdata/deployment/", "/admin/exports/snapshot/"]
)
def test_as_many_queries_for_many_deployments_as_for_one(person, deployment, snapshot, address):
    client = person("viewer")

    def count():
        with CaptureQueriesContext(connections["default"]) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    count()
    one = count()
    for number in range(20):
        more = Deployment.objects.create(deployment_id=f"more {number}")
        summary_of(more)
        Snapshot.objects.create(deployment=more, taken_at=timezone.now(), tables=snapshot.tables)
    assert count() == one


def test_the_audit_log_is_only_read(person, deployment):
    line = Audit.record("export", target="export 1", deployment=deployment, identified=True, snapshot=3)
    client = person("superuser")
    address = f"/admin/psynetdata/audit/{line.pk}/"
    page = client.get(f"{address}change/").content.decode()
    assert "export export 1" in page
    assert "command line" in page
    for attempt in ("change/", "delete/"):
        assert client.post(address + attempt, {"post": "yes", "verb": "x"}).status_code == 403
    client.post("/admin/psynetdata/audit/", {"action": "delete_selected", "_selected_action": [line.pk], "post": "yes"})
    assert Audit.objects.filter(pk=line.pk).exists()
    assert person("analyst").get("/admin/psynetdata/audit/").status_code == 403


def test_a_line_names_places_to_those_who_may_know_them(person, deployment):
    line = Audit.record(
        "restore", target="snapshot 1", deployment=deployment, database="postgres://db.lab.org/x", rows=7
    )
    address = f"/admin/psynetdata/audit/{line.pk}/change/"
    officers, admins = (person(group).get(address).content.decode() for group in ("data officer", "admin"))
    assert ("db.lab.org" in officers, "db.lab.org" in admins) == (False, True)
    assert "rows" in officers
