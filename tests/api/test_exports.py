"""Exports over HTTP: asked for, watched, cancelled, downloaded whole and in parts."""

import base64
import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.models import Export, ExportArchive, Installation
from psynetdata import jobs
from psynetdata.models import Audit, Deployment, Job

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

DATABASE_ONLY = {"type": "database", "assets": "none"}


@pytest.fixture
def make(loaded):
    """make(client, **options) → the Export that the client asked for, its job done in this process."""

    def done(client, **options):
        asked = client.post("/api/exports/", {**DATABASE_ONLY, **options}, format="json")
        assert asked.status_code == 202, asked.content
        export = Export.objects.get(pk=asked.json()["id"])
        jobs.run(export.job_id, raise_problems=True)
        return export

    return done


def download(client, export, mode="anonymous", **headers):
    return client.get(f"/api/exports/{export.pk}/download/?mode={mode}", **headers)


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_asking_answers_at_once_and_the_rest_is_watched(loaded, analyst):
    deployment = loaded("timeline")
    asked = analyst.post("/api/exports/", {"anonymize": "yes", **DATABASE_ONLY}, format="json")
    assert asked.status_code == 202
    address = asked["Location"]
    found = analyst.get(address).json()
    assert asked.json() == found
    assert (found["state"], found["deployment"], found["owner"]) == ("queued", deployment.deployment_id, "analyst")
    assert (found["done"], found["percent"], found["archives"]) == (0, None, [])
    assert found["options"]["anonymize"] == "yes"
    entry = Audit.objects.get(verb="export")
    assert (entry.username, entry.identified) == ("analyst", False)
    jobs.run(Export.objects.get().job_id, raise_problems=True)
    found = analyst.get(address).json()
    assert (found["state"], found["percent"]) == ("done", 100)
    (archive,) = found["archives"]
    assert archive["report"]["clean"] is True
    assert archive["report"]["second_check"]["seen"] == []
    assert archive["mode"] == "anonymous"
    content = body(analyst.get(archive["download"]))
    assert len(content) == archive["bytes"]
    assert hashlib.sha256(content).hexdigest() == archive["sha256"]
    assert any(name.endswith("anonymous/database.zip") for name in zipfile.ZipFile(io.BytesIO(content)).namelist())


def test_each_mode_needs_its_right(loaded, person, client_of, officer, analyst):
    loaded("timeline")

    def status(client, **options):
        return client.post("/api/exports/", {**DATABASE_ONLY, **options}, format="json").status_code

    nobody = client_of(person())
    narrowed = client_of(officer.token_row.user)
    assert status(nobody, anonymize="yes") == 403
    assert status(analyst, anonymize="yes") == 202
    for client in (analyst, narrowed):
        assert status(client, anonymize="no") == 403
        assert status(client, anonymize="both") == 403
        assert status(client) == 403  # both is the default
    assert status(officer, anonymize="both") == 202
    assert status(officer, anonymize=False) == 202
    assert Export.objects.count() == 3
    refused = nobody.post("/api/exports/", {"anonymize": "yes"}, format="json").json()["detail"]
    assert refused.startswith("You may not make anonymous exports")


def test_what_cannot_be_asked_for(loaded, person, client_of, officer):
    deployment = loaded("timeline")

    def status(client=officer, **options):
        return client.post("/api/exports/", {**DATABASE_ONLY, **options}, format="json").status_code

    assert status(anonymize="perhaps") == 400
    assert status(colour="red") == 400
    assert status(snapshot="first") == 400
    assert status(snapshot=999) == 404
    assert status(deployment="other") == 404
    assert officer.post("/api/exports/", [1], format="json").status_code == 400
    assert officer.post("/api/exports/", "{", content_type="application/json").status_code == 400
    assert status(deployment=deployment.number, snapshot=deployment.snapshots.get().pk) == 202
    other = loaded("static")
    assert status() == 400
    bound = client_of(officer.token_row.user, identified=True, deployments=[other])
    assert status(bound, deployment=deployment.deployment_id) == 404
    assert Export.objects.count() == 1


@pytest.mark.parametrize("where", [{"app": "experiment"}, {"app": "nosuch"}, {"server": "db.lab.org"}, {"server": "x"}])
def test_who_may_not_see_sources_learns_nothing_of_them(loaded, analyst, person, client_of, where):
    deployment = loaded("timeline")
    Deployment.objects.update(source="local", source_url="postgres://reader@db.lab.org:5432/experiment")
    wanted = {"anonymize": "yes", **DATABASE_ONLY, **where}
    answers = [analyst.post("/api/exports/", {**wanted, **more}, format="json") for more in ({}, {"source": "local"})]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert {answer.json()["detail"][:54] for answer in answers} == {
        "You may not name a deployment by its app or server, wh"
    }
    admin = client_of(person("export_anonymous", "change_deployment"))
    asked = admin.post("/api/exports/", wanted, format="json")
    known = next(iter(where.values())) in ("experiment", "db.lab.org")
    assert asked.status_code == (202 if known else 404)
    assert not known or asked.json()["deployment"] == deployment.deployment_id


def test_a_person_has_so_many_exports_waiting_and_not_more(loaded, analyst, officer, settings):
    loaded("timeline")
    settings.EXPORTS_WAITING = 2
    wanted = {"anonymize": "yes", **DATABASE_ONLY}
    asked = [analyst.post("/api/exports/", wanted, format="json") for _ in range(3)]
    assert [answer.status_code for answer in asked] == [202, 202, 429]
    assert asked[2].json()["detail"].startswith("2 of your exports are waiting already; request another one when")
    assert officer.post("/api/exports/", wanted, format="json").status_code == 202
    assert analyst.post(f"{asked[0]['Location']}cancel/").status_code == 202
    assert analyst.post("/api/exports/", wanted, format="json").status_code == 202
    assert Export.objects.count() == Audit.objects.filter(verb="export").count() == 4


def test_archives_show_to_those_who_may_have_them(make, loaded, officer, analyst, person, client_of):
    loaded("timeline")
    export = make(officer, anonymize="both")

    def modes(client):
        return [one["mode"] for one in client.get(f"/api/exports/{export.pk}/").json()["archives"]]

    assert modes(officer) == ["anonymous", "regular"]
    assert modes(analyst) == ["anonymous"]
    assert modes(client_of(officer.token_row.user)) == ["anonymous"]
    assert modes(client_of(person())) == []
    listed = analyst.get("/api/exports/").json()["results"]
    assert [one["id"] for one in listed] == [export.pk]
    assert download(analyst, export, "regular").status_code == 403
    assert download(client_of(person()), export).status_code == 403
    assert download(officer, export, "secret").status_code == 400
    assert officer.get(f"/api/exports/{export.pk}/download/").status_code == 400
    # Who may have only one of them need not name it.
    assert analyst.get(f"/api/exports/{export.pk}/download/")["Content-Disposition"].count("mode=anonymous") == 1
    assert body(download(officer, export, "regular"))


def test_a_download_is_on_record_and_named(make, loaded, officer):
    deployment = loaded("timeline")
    export = make(officer, anonymize="no")
    answer = download(officer, export, "regular", HTTP_ACCEPT="application/zip")
    content = body(answer)
    sha256 = hashlib.sha256(content).hexdigest()
    archive = ExportArchive.objects.get()
    assert (archive.sha256, archive.bytes) == (sha256, len(content))
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Length"] == str(len(content))
    assert answer["ETag"] == f'"{sha256}"'
    assert answer["X-Checksum-SHA256"] == sha256
    assert answer["Digest"] == "sha-256=" + base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Disposition"].startswith('attachment; filename="timeline-demo')
    entry = Audit.objects.latest("id")
    assert (entry.verb, entry.username, entry.deployment) == ("download", "officer", deployment)
    assert entry.identified
    before = Audit.objects.count()
    assert officer.head(f"/api/exports/{export.pk}/download/")["Content-Length"] == str(len(content))
    assert download(officer, export, "regular", HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    assert Audit.objects.count() == before


def test_another_desks_storage_hands_out_nothing(make, loaded, analyst):
    loaded("timeline")
    export = make(analyst, anonymize="yes")
    Installation.objects.update(installation_id="0" * 32)
    answer = download(analyst, export)
    assert answer.status_code == 503
    assert "belongs to another installation" in answer.json()["detail"]


def test_one_range_at_a_time(make, loaded, analyst):
    loaded("timeline")
    export = make(analyst, anonymize="yes")
    content = body(download(analyst, export))
    size = len(content)
    for asked, start, stop in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-50", size - 50, size),
        (f"bytes=10-{size * 2}", 10, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        answer = download(analyst, export, HTTP_RANGE=asked)
        assert answer.status_code == 206
        assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer["Content-Length"] == str(stop - start)
        assert body(answer) == content[start:stop]
    for asked in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        answer = download(analyst, export, HTTP_RANGE=asked)
        assert answer.status_code == 416
        assert answer["Content-Range"] == f"bytes */{size}"
    for asked in ("bytes=0-1,5-6", "bytes=9-3", "bytes=-", "pages=1-2", "bytes=a-b"):
        answer = download(analyst, export, HTTP_RANGE=asked)
        assert answer.status_code == 200
        assert body(answer) == content
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    assert download(analyst, export, HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE=etag).status_code == 206
    assert download(analyst, export, HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE='"other"').status_code == 200


def test_what_is_not_there_yet_or_any_more(make, loaded, analyst, officer):
    loaded("timeline")
    asked = analyst.post("/api/exports/", {"anonymize": "yes", **DATABASE_ONLY}, format="json")
    export = Export.objects.get(pk=asked.json()["id"])
    waiting = download(analyst, export)
    assert waiting.status_code == 409
    assert "not ready yet: it is queued" in waiting.json()["detail"]
    assert download(officer, export, "regular").status_code == 409
    jobs.run(export.job_id, raise_problems=True)
    archive = export.archives.get()
    ExportArchive.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert download(analyst, export).status_code == 410
    assert analyst.get(f"/api/exports/{export.pk}/").json()["archives"][0]["download"] is None
    ExportArchive.objects.update(expires_at=None)
    default_storage.delete(archive.file)
    assert download(analyst, export).status_code == 410
    archive.delete()
    Job.objects.filter(pk=export.job_id).update(state="failed", reason="The disk is full.")
    failed = download(analyst, export)
    assert failed.status_code == 409
    assert "it is failed. The disk is full." in failed.json()["detail"]
    assert analyst.get("/api/exports/999/download/").status_code == 404


def test_cancelling(loaded, analyst, person, client_of):
    loaded("timeline")
    number = analyst.post("/api/exports/", {"anonymize": "yes", **DATABASE_ONLY}, format="json").json()["id"]
    address = f"/api/exports/{number}/cancel/"
    assert client_of(person()).post(address).status_code == 403
    cancelled = analyst.post(address)
    assert cancelled.status_code == 202
    assert cancelled.json()["state"] == "cancelled"
    assert Audit.objects.latest("id").verb == "cancel"
    again = analyst.post(address)
    assert again.status_code == 409
    assert "it is cancelled" in again.json()["detail"]


def test_lists_cost_the_same_for_one_and_for_three(loaded, analyst, django_assert_max_num_queries):
    loaded("timeline")
    for _ in range(3):
        analyst.post("/api/exports/", {"anonymize": "yes", **DATABASE_ONLY}, format="json")
        with django_assert_max_num_queries(9):
            analyst.get("/api/exports/")


def test_deployments_and_snapshots(loaded, analyst, client_of, django_assert_max_num_queries):
    static, timeline = loaded("static"), loaded("timeline")
    with django_assert_max_num_queries(7):
        listed = analyst.get("/api/deployments/").json()
    assert [one["id"] for one in listed["results"]] == [timeline.deployment_id, static.deployment_id]
    assert listed["next"] is None
    found = listed["results"][1]
    snapshot = static.snapshots.get()
    assert found["snapshot"] == snapshot.pk
    assert found["snapshot_taken_at"].endswith("Z")
    assert found["sheets"] == {"participant": 15, "trial": 130, "response": 157, "asset": 0, "node": 12, "network": 12}
    assert found["psynet_version"] == static.psynet_version
    for name in (static.deployment_id, static.number):
        one = analyst.get(f"/api/deployments/{name}/").json()
        assert {**one, "sheets": None} == {**found, "sheets": None}
        assert one["sheets"].items() >= {**found["sheets"], "Participant": 12, "Bot": 3, "AnimalTrial": 130}.items()
    assert analyst.get("/api/deployments/other/").status_code == 404
    snapshots = analyst.get("/api/snapshots/", {"deployment": static.deployment_id}).json()["results"]
    assert [one["id"] for one in snapshots] == [snapshot.pk]
    assert analyst.get(f"/api/snapshots/{snapshot.pk}/").json()["tables"]["info"] == 130
    assert len(analyst.get("/api/snapshots/?limit=1").json()["results"]) == 1
    assert analyst.get("/api/snapshots/999/").status_code == 404
    bound = client_of(analyst.token_row.user, deployments=[timeline])
    assert [one["id"] for one in bound.get("/api/deployments/").json()["results"]] == [timeline.deployment_id]
    assert bound.get(f"/api/deployments/{static.number}/").status_code == 404
    third = Deployment.objects.create(deployment_id="third")
    both = client_of(analyst.token_row.user, deployments=[timeline, static])
    assert {one["id"] for one in both.get("/api/deployments/").json()["results"]} == {
        timeline.deployment_id,
        static.deployment_id,
    }
    gone = client_of(analyst.token_row.user, deployments=[third])
    third.delete()
    assert gone.get("/api/deployments/").json()["results"] == []
    assert bound.get(f"/api/snapshots/{snapshot.pk}/").status_code == 404
