"""Tokens that are bound to sheets, links signed for one sheet, and how often somebody may ask."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.models import Audit, Participant, SheetLink

from .test_basic_data import rows, worker_ids

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def test_a_token_for_some_sheets_reaches_nothing_else(loaded, person, client_of):
    loaded("static")
    client = client_of(person("export_anonymous"), sheets=["trial", "Bot"])
    assert len(rows(client.get("/api/basic_data/trial/"))) == 130
    assert len(rows(client.get("/api/basic_data/?sheet=Bot"))) == 3
    etag = client.get("/api/basic_data/trial/?limit=1")["ETag"]
    assert etag
    for address in (
        *("/api/basic_data/participant/", "/api/basic_data/?sheet=participant", "/api/basic_data/participant/1/"),
        *("/api/basic_data/", "/api/basic_data/Trial/", "/api/deployments/", "/api/snapshots/", "/api/exports/"),
    ):
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert "limited to" in answer.json()["detail"]
    assert client.post("/api/exports/", {}, format="json").status_code == 403


@pytest.fixture
def link(loaded, officer):
    deployment = loaded("static")
    told = {"deployment": deployment, "sheet": "participant", "days": 7}
    return SheetLink.issue(officer.token_row.user, **told)


def get(link, query="", signed=None):
    return APIClient().get(f"/api/link/{signed or link.signed}/{query}")


def test_a_link_shows_its_sheet_and_filters_narrow_it(link):
    assert {row["worker_id"] for row in rows(get(link))} == worker_ids(ANONYMOUS)
    assert get(link, "?face=identified").status_code == 403
    assert [row["id"] for row in rows(get(link, "?id__lt=3&fields=id"))] == [1, 2]
    entry = Audit.objects.latest("id")
    assert (entry.username, entry.target) == ("officer", "sheet participant")
    link.refresh_from_db()
    assert link.last_used_at
    assert get(link, f"?deployment={link.deployment_id}").status_code == 400
    assert get(link, "?sheet=trial").status_code == 400


def test_a_link_ends_with_its_makers_account(link):
    link.user.is_active = False
    link.user.save()
    assert get(link).status_code == 410


@pytest.mark.parametrize("end", [{"revoked": True}, {"expires_at": timezone.now() - timedelta(seconds=1)}])
def test_a_link_that_is_over(link, end):
    SheetLink.objects.update(**end)
    answer = get(link)
    assert answer.status_code == 410
    assert "ask its owner" in answer.json()["detail"]


def test_a_link_that_someone_edited(link):
    number, _, signature = link.signed.partition(":")
    for signed in (f"{int(number) + 1}:{signature}", f"{number}:{signature[:-1]}", number, f"{link.signed}x", "x:y"):
        answer = get(link, signed=signed)
        assert answer.status_code == 403
        assert "incomplete" in answer.json()["detail"]
    link.delete()
    assert Participant.objects.using(IDENTIFIED).exists()


def test_who_asks_too_often_waits(loaded, analyst, person, client_of, settings):
    loaded("static")
    settings.API_RATE = "3/min"
    answers = [analyst.get("/api/basic_data/trial/?limit=1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert client_of(person()).get("/api/basic_data/trial/?limit=1").status_code == 200
