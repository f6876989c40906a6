"""Deployments and their snapshots."""

import pytest
from django.utils import timezone

from exports.models import Snapshot
from psynetdata.models import Deployment, Job, MirroredTable

pytestmark = pytest.mark.django_db(databases="__all__")


def page(client, row) -> str:
    response = client.get(f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_counts_by_the_newest_good_snapshot(person, deployment, snapshot):
    later = timezone.now() + timezone.timedelta(minutes=5)
    Snapshot.objects.create(
        deployment=deployment, taken_at=later, state="suspect", tables={"participant": {"state": "x", "rows": 0}}
    )
    (row,) = person("viewer").get("/admin/psynetdata/deployment/").context["cl"].result_list
    assert row.newest == snapshot


def test_a_deployment_without_snapshots(person, deployment):
    assert "There are no snapshots yet" in page(person("viewer"), deployment)


def test_its_page_leads_to_its_data(person, deployment, snapshot):
    for table, rows in (("info", 3), ("coin", 15), ("error", 0)):
        MirroredTable.objects.using("anonymous").create(
            deployment_number=deployment.number, table=table, state="s", transform="t", columns=[], rows=rows
        )
    job = Job.objects.create(kind="mirror", deployment=deployment)
    text = page(person("viewer"), deployment)
    assert f"/admin/psynetdata/trial/?deployment={deployment.number}" in text
    assert f"/admin/psynetdata/record/?deployment={deployment.number}&amp;table=coin" in text
    assert "Tables without rows: error." in text
    assert "UTC+01:00" in text
    assert f"/admin/exports/snapshot/{snapshot.pk}/change/" in text
    assert f"/admin/psynetdata/job/{job.pk}/change/" in text


def test_only_its_settings_can_be_changed(person, deployment):
    address = f"/admin/psynetdata/deployment/{deployment.pk}/change/"
    assert person("data officer").post(address, {"label": "New"}).status_code == 403
    keep = {"keep_all_hours": 24, "keep_hourly_days": 7, "keep_daily_days": 90}
    person("admin").post(address, {"label": "New", "assets_url": "file:///srv/assets", "state": "archived", **keep})
    deployment.refresh_from_db()
    assert (deployment.label, deployment.assets_url, deployment.state) == ("New", "file:///srv/assets", "running")


def test_deployments_are_not_deleted_here(person, deployment):
    client = person("superuser")
    assert client.post(f"/admin/psynetdata/deployment/{deployment.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Deployment.objects.exists()


def test_the_key_is_never_shown(person, deployment):
    Deployment.objects.update(sealed_key="gAAAAsealed")
    assert "gAAAAsealed" not in page(person("superuser"), deployment)


def test_a_snapshots_page(person, snapshot):
    text = page(person("viewer"), snapshot)
    for part in ("participant", "info", "900 B as CSV", "5 in 2 tables"):
        assert part in text
    assert (
        person("superuser").post(f"/admin/exports/snapshot/{snapshot.pk}/delete/", {"post": "yes"}).status_code == 403
    )
