import base64
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from psynetdata.models import ApiToken

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def basic(name: str, password: str) -> APIClient:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return APIClient(HTTP_AUTHORIZATION=f"Basic {pair}")


@pytest.mark.parametrize(
    "address",
    [
        "/basic_data",
        "/api/basic_data/",
        "/api/basic_data/trial/",
        "/api/basic_data/trial/1/",
        "/api/deployments/",
        "/api/deployments/1/",
        "/api/snapshots/",
        "/api/snapshots/1/",
        "/api/exports/",
        "/api/exports/1/",
        "/api/exports/1/download/",
        "/api/schema/",
    ],
)
def test_nothing_is_open_to_anonymous_callers(address):
    answer = APIClient().get(address)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Token")


def test_a_token_in_the_header_or_as_basic(loaded, analyst):
    loaded("timeline")
    for client in (
        analyst,
        APIClient(HTTP_AUTHORIZATION=f"Bearer {analyst.token}"),
        basic("anyone", analyst.token),
        basic(analyst.token, ""),
        basic(analyst.token, "x"),
    ):
        assert client.head("/api/basic_data/trial/").status_code == 200


def test_a_session(loaded, person):
    loaded("timeline")
    client = APIClient()
    client.force_login(person())
    assert client.head("/api/basic_data/trial/").status_code == 200


def test_an_account_without_the_right_to_see_deployments_sees_none(loaded, person, client_of):
    """As an account that somebody made and put in no group, or whose groups were taken away."""
    loaded("timeline")
    user = person("export_anonymous")
    client, browser = client_of(user), APIClient()
    browser.force_login(user)
    assert client.get("/api/deployments/").json()["results"] != []
    user.user_permissions.clear()
    for one in (client, browser):
        assert one.get("/api/deployments/").json()["results"] == []
        assert one.get("/api/snapshots/").json()["results"] == []
        assert one.get("/api/basic_data/trial/").status_code == 404


@pytest.mark.parametrize(
    "header", ["Token nonsense", "Basic nonsense", "Basic bm90OmE=", "Token", "Token a b", "Digest x"]
)
def test_what_is_no_token(header):
    assert APIClient(HTTP_AUTHORIZATION=header).get("/api/deployments/").status_code == 401


def test_revoked_expired_and_of_an_inactive_person(analyst, officer):
    ApiToken.objects.filter(pk=analyst.token_row.pk).update(revoked=True)
    assert analyst.get("/api/deployments/").status_code == 401
    past = timezone.now() - timedelta(seconds=1)
    ApiToken.objects.filter(pk=analyst.token_row.pk).update(revoked=False, expires_at=past)
    assert analyst.get("/api/deployments/").status_code == 401
    user = officer.token_row.user
    user.is_active = False
    user.save()
    assert officer.get("/api/deployments/").status_code == 401


@pytest.mark.parametrize("name", ["token", "password", "dashboard_password", "dashboard_user", "Token"])
def test_no_credential_in_the_address(analyst, name):
    for client in (APIClient(), analyst):
        answer = client.get(f"/basic_data?{name}=secret-value")
        assert answer.status_code == 400
        assert "Authorization: Token" in answer.json()["detail"]
        assert "secret-value" not in answer.content.decode()


def test_last_use_is_written_once_a_minute(analyst, django_assert_num_queries):
    row = analyst.token_row

    def used():
        row.refresh_from_db()
        return row.last_used_at

    analyst.get("/api/deployments/")
    first = used()
    assert first is not None
    analyst.get("/api/deployments/")
    assert used() == first
    ApiToken.objects.filter(pk=row.pk).update(last_used_at=first - timedelta(minutes=2))
    analyst.get("/api/deployments/")
    assert used() > first
    ApiToken.objects.filter(pk=row.pk).update(last_used_at=first + timedelta(days=1))  # the clock was set back since
    analyst.get("/api/deployments/")
    assert used() < first + timedelta(hours=1)


def test_a_session_needs_the_csrf_token_to_change_anything(person):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(person("export_anonymous"))
    assert client.post("/api/exports/", {"anonymize": "yes"}, format="json").status_code == 403
