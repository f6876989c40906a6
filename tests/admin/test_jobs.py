"""Jobs: how far they are, and stopping them."""

import pytest

from psynetdata.models import Job

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def job(deployment):
    def make(**columns):
        return Job.objects.create(kind="export", deployment=deployment, **columns)

    return make


def progress(client, job):
    return client.get(f"/admin/psynetdata/job/{job.pk}/progress/")


def test_progress_is_told_as_json(person, job):
    running = job(state="running", phase="scanning", done=1500, total=3000)
    response = progress(person("viewer"), running)
    assert "no-store" in response["Cache-Control"]
    assert response.json() == {
        "state": "running", "phase": "scanning", "percent": 50, "counted": "1,500 of 3,000 rows", "over": False,
    }  # fmt: skip


@pytest.mark.parametrize(("columns", "phase"), [
    ({"state": "queued"}, "waiting for a worker"),
    ({"state": "running"}, "beginning"),
    ({"state": "running", "phase": "scanning", "cancel_requested": True}, "stopping, as asked for"),
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
    client.post("/admin/psynetdata/job/", {"action": "cancel_selected", "_selected_action": [other.pk]})
    other.refresh_from_db()
    assert other.state == "queued"
    assert "cancel/" not in client.get(f"/admin/psynetdata/job/{other.pk}/change/").content.decode()


def test_who_administers_jobs_stops_them_from_the_list(person, job):
    jobs = [job(), job(state="running"), job(state="done")]
    person("admin").post(
        "/admin/psynetdata/job/", {"action": "cancel_selected", "_selected_action": [row.pk for row in jobs]}
    )
    for row in jobs:
        row.refresh_from_db()
    assert [row.state for row in jobs] == ["cancelled", "running", "done"]
    assert [row.cancel_requested for row in jobs] == [True, True, False]


def test_stopping_needs_post(person, job):
    running = job(state="running")
    assert person("admin").get(f"/admin/psynetdata/job/{running.pk}/cancel/").status_code == 405
    running.refresh_from_db()
    assert not running.cancel_requested


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
