"""Jobs: how far they are, and stopping them."""

import pytest

from psynetdata.models import Job
from tests.admin.conftest import sentences

pytestmark = pytest.mark.django_db(databases="__all__")
LIST = "/admin/psynetdata/job/"


@pytest.fixture
def job(deployment):
    def make(**columns):
        return Job.objects.create(kind="export", deployment=deployment, **columns)

    return make


def progress(client, job):
    return client.get(f"/admin/psynetdata/job/{job.pk}/progress/")


def test_progress_is_told_as_json(person, job):
    counts = {"rows": [1500, 3000], "bytes": [2_000_000, 3_500_000]}
    running = job(state="running", phase="scanning", done=15, total=30, counts=counts)
    response = progress(person("viewer"), running)
    assert "no-store" in response["Cache-Control"]
    assert response.json() == {
        "state": "running", "phase": "scanning", "percent": 50, "over": False,
        "counted": "1,500 of 3,000 rows, 2.0 MB of 3.5 MB",
    }  # fmt: skip


@pytest.mark.parametrize(("columns", "phase"), [
    ({"state": "queued"}, "waiting for a worker"),
    ({"state": "running"}, "beginning"),
    ({"state": "running", "phase": "scanning", "cancel_requested": True}, "stopping (cancelled)"),
    ({"state": "failed", "phase": "scanning"}, "scanning"),
])  # fmt: skip
def test_phases_in_words(person, job, columns, phase):
    assert progress(person("viewer"), job(**columns)).json()["phase"] == phase


def test_progress_needs_the_right(person, job):
    assert progress(person("nobody"), job()).status_code == 403


def test_the_owner_stops_a_job(person, job):
    client = person("analyst")
    mine = job(owner=client.user)
    page = client.get(f"/admin/psynetdata/job/{mine.pk}/change/").content.decode()
    assert f"/admin/psynetdata/job/{mine.pk}/cancel/" in page
    assert client.post(f"/admin/psynetdata/job/{mine.pk}/cancel/").status_code == 302
    mine.refresh_from_db()
    assert mine.state == "cancelled"


def test_nobody_else_does(person, job):
    other = job()
    client = person("data officer")
    assert client.post(f"/admin/psynetdata/job/{other.pk}/cancel/").status_code == 403
    told = client.post(
        LIST, {"action": "cancel_selected", "confirmed": "yes", "_selected_action": [other.pk]}, follow=True
    )
    assert sentences(told) == [f"Export {other.pk}: only its owner, or a user who may change jobs, can cancel it."]
    other.refresh_from_db()
    assert other.state == "queued"
    assert "cancel/" not in client.get(f"/admin/psynetdata/job/{other.pk}/change/").content.decode()


def test_who_administers_jobs_stops_them_from_the_list(person, job):
    jobs = [job(), job(state="running"), job(state="done")]
    client, asked = person("admin"), {"action": "cancel_selected", "_selected_action": [row.pk for row in jobs]}
    page = client.post(LIST, asked).content.decode()
    assert "do not start, the others stop" in page
    assert not Job.objects.filter(cancel_requested=True).exists()
    told = client.post(LIST, asked | {"confirmed": "yes"}, follow=True)
    assert sorted(sentences(told)) == [
        "2 of 3 were asked to stop.", f"Export {jobs[2].pk}: Export {jobs[2].pk} is already over.",
    ]  # fmt: skip
    for row in jobs:
        row.refresh_from_db()
    assert [row.state for row in jobs] == ["cancelled", "running", "done"]
    assert [row.cancel_requested for row in jobs] == [True, True, False]


def test_a_page_says_what_cancelling_does_and_leads_back(person, job):
    running, waiting, over = job(state="running"), job(), job(state="done")
    client, page = person("admin"), "/admin/psynetdata/job/{}/cancel/?next=/admin/exports/export/"
    for row, said in ((running, "stops at its next step"), (waiting, "does not start"), (over, "is already over")):
        assert said in client.get(page.format(row.pk)).content.decode()
    running.refresh_from_db()
    assert not running.cancel_requested
    told = client.post(page.format(running.pk), follow=True)
    assert told.redirect_chain == [("/admin/exports/export/", 302)]
    assert sentences(told) == [f"Export {running.pk} stops at its next step."]
    elsewhere = client.post(f"/admin/psynetdata/job/{running.pk}/cancel/?next=https://example.org/")
    assert elsewhere.url == f"/admin/psynetdata/job/{running.pk}/change/"


def test_the_page_says_why_it_failed(person, job):
    failed = job(state="failed", reason="There is <no> room left.", attempts=2)
    page = person("viewer").get(f"/admin/psynetdata/job/{failed.pk}/change/").content.decode()
    assert "There is &lt;no&gt; room left." in page
    assert "2 of 3" in page
    assert 'data-progress-url=""' in page


def test_jobs_cannot_be_changed_by_hand(person, job):
    row = job()
    client = person("superuser")
    assert client.post(f"/admin/psynetdata/job/{row.pk}/change/", {"state": "done"}).status_code == 403
    assert client.get("/admin/psynetdata/job/add/").status_code == 403
