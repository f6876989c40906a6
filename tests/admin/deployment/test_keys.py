"""Taking out and destroying a pseudonym key, in the admin."""

import json

import pytest

from psynetdata.anonymize.face.deployment_anonymizer import key_of
from psynetdata.models import Audit, Deployment, Job
from tests.store.snapshot_factory import reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def row() -> Deployment:
    deployment = reference("timeline").deployment
    key_of(deployment)
    return deployment


def test_an_officer_exports_it_once_and_destroys_it(person, row):
    officer, address = person("data officer"), f"/admin/psynetdata/deployment/{row.pk}"
    assert "once" in officer.get(f"{address}/export-key/").content.decode()
    file = officer.post(f"{address}/export-key/")
    assert "attachment" in file["Content-Disposition"]
    assert json.loads(file.content)["deployments"] == [row.deployment_id]
    again = officer.post(f"{address}/export-key/", follow=True)
    assert "can be exported only once" in again.content.decode()
    assert "was exported on" in officer.get(f"{address}/export-key/").content.decode()
    assert "cannot be undone" in officer.get(f"{address}/destroy-key/").content.decode()
    assert "is destroyed" in officer.post(f"{address}/destroy-key/", follow=True).content.decode()
    assert Deployment.objects.get(pk=row.pk).sealed_key == ""
    assert Job.objects.filter(kind="mirror").exists()
    assert set(Audit.objects.values_list("verb", "user__username")) >= {
        ("export key", officer.user.username),
        ("destroy key", officer.user.username),
    }


def test_nobody_else_may(person, row):
    for group in ("viewer", "analyst"):
        client = person(group)
        for verb in ("export-key", "destroy-key"):
            assert client.post(f"/admin/psynetdata/deployment/{row.pk}/{verb}/").status_code == 403
    assert Deployment.objects.get(pk=row.pk).sealed_key
