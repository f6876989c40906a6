"""The schema, the page that shows it, and /healthz."""

import re
from datetime import timedelta
from time import monotonic

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework.test import APIClient

from psynetdata import clusters, jobs
from psynetdata.api import health
from psynetdata.models import Beat

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


PARTS = ("database", "installation", "storage", "workers", "ticks")


@pytest.fixture(autouse=True)
def fresh_storage_check(monkeypatch):
    monkeypatch.setattr(health, "_storage", {})


@pytest.fixture
def workers():
    jobs.prepare_start()


def test_the_schema_names_every_address(analyst):
    answer = analyst.get("/api/schema/", HTTP_ACCEPT="application/json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert set(paths) == {
        "/api/basic_data/",
        "/api/basic_data/{sheet}/",
        "/api/basic_data/{sheet}/{row_id}/",
        "/api/link/{signed}/",
        "/api/deployments/",
        "/api/deployments/{id}/",
        *(f"/api/deployments/{{id}}/{verb}/" for verb in ("pause", "resume", "archive", "undecided", "decisions")),
        "/api/snapshots/",
        "/api/snapshots/{id}/",
        "/api/snapshots/{id}/diff/{other}/",
        "/api/snapshots/jobs/{id}/",
        "/api/exports/",
        "/api/exports/{id}/",
        "/api/exports/{id}/cancel/",
        "/api/exports/{id}/download/",
        "/metrics",
    }
    assert answer.json()["openapi"].startswith("3.")


def test_the_schema_has_no_warnings(capsys):
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator

    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, capsys.readouterr().err


def test_the_page_fetches_nothing_from_outside(analyst):
    answer = analyst.get("/api/docs/", HTTP_ACCEPT="text/html")
    page = answer.content.decode()
    assert "/api/basic_data/{sheet}/" in page
    assert not re.search(r"(src|href)=.?(https?:)?//", page)


def test_a_browser_is_sent_to_sign_in():
    answer = APIClient().get("/api/docs/", HTTP_ACCEPT="text/html")
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/api/docs/"


def test_healthy(workers):
    answer = APIClient().get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", **dict.fromkeys(PARTS, True)}
    assert default_storage.listdir("health")[1] == []


def test_workers_that_stand_still_are_named_only_to_whom_we_know(workers, person):
    Beat.objects.filter(cluster=clusters.SLOW).delete()
    answer = APIClient().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "ill", **dict.fromkeys(PARTS, True), "workers": False}
    client = APIClient()
    client.force_login(person())
    assert client.get("/healthz").json()["details"] == {"databases": [], "workers_standing_still": [clusters.SLOW]}


@pytest.mark.parametrize("at", [timedelta(minutes=-4), timedelta(hours=1)])
def test_a_tick_that_does_not_come_is_an_illness(workers, at):
    """Though the clusters show life; also if the last tick was before the clock was set back."""
    Beat.objects.filter(cluster="tick").update(at=timezone.now() + at)
    answer = APIClient().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "ill", **dict.fromkeys(PARTS, True), "ticks": False}
    jobs.tick()
    assert APIClient().get("/healthz").status_code == 200


def test_a_storage_that_cannot_be_written(workers, own_storage, monkeypatch):
    own_storage.mkdir(exist_ok=True)
    (own_storage / "health").write_text("in the way")
    assert APIClient().get("/healthz").json()["storage"] is False
    (own_storage / "health").unlink()
    # It is tried again only after a while, but sooner than a storage that works.
    assert APIClient().get("/healthz").json()["storage"] is False
    now = monotonic()
    monkeypatch.setattr(health, "monotonic", lambda: now + health._ILL_STORAGE_EVERY)
    assert APIClient().get("/healthz").status_code == 200
    (own_storage / "health").rmdir()
    (own_storage / "health").write_text("in the way again")
    monkeypatch.setattr(health, "monotonic", lambda: now + health._STORAGE_EVERY)
    assert APIClient().get("/healthz").status_code == 200
