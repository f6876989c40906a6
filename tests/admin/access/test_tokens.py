"""API tokens: seen once, one's own, never wider than their owner."""

from datetime import timedelta

import pytest
from django.utils import timezone

from psynetdata.models import ApiToken, Audit, Deployment

pytestmark = pytest.mark.django_db(databases="__all__")
LIST = "/admin/psynetdata/apitoken/"


def make(client, **fields):
    data = {"name": "laptop", "expires_at_0": "", "expires_at_1": ""} | fields
    return client.post(f"{LIST}add/", data)


def shown_token(response) -> str:
    return response.content.decode().split('id="new-token">')[1].split("<")[0]


def test_a_new_token_works_and_is_seen_once(person, deployment):
    client = person("analyst")
    response = make(client, deployments=[deployment.pk])
    token = shown_token(response)
    row = ApiToken.find(token)
    assert (row.user, row.name, row.deployments, row.identified) == (client.user, "laptop", [deployment.pk], False)
    assert "no-store" in response["Cache-Control"]
    assert token not in str(response.cookies)
    for page in (LIST, f"{LIST}{row.pk}/change/", "/admin/"):
        text = client.get(page).content.decode()
        assert token not in text
        assert row.digest not in text
    assert token not in str(list(client.session.items())) + str(list(Audit.objects.values()))


def test_it_is_bound_to_those_that_were_chosen(person, deployment):
    other = Deployment.objects.create(deployment_id="other")
    client = person("analyst")
    assert f"{deployment} ({deployment.deployment_id})" in client.get(f"{LIST}add/").content.decode()
    make(client, deployments=[deployment.pk, other.pk])
    row = ApiToken.objects.get()
    assert sorted(row.deployments) == [deployment.pk, other.pk]
    text = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert str(deployment) in text
    assert str(other) in text
    assert "is not one of the available choices" in make(client, deployments=[999]).content.decode()


def test_making_one_is_on_record(person):
    client = person("analyst")
    make(client)
    assert [(row.verb, row.user) for row in Audit.objects.all()] == [("issue", client.user)]


def test_expiry(person):
    client = person("analyst")
    tomorrow = timezone.now() + timedelta(days=1)
    make(client, expires_at_0=f"{tomorrow:%Y-%m-%d}", expires_at_1="12:00:00")
    assert ApiToken.objects.get().expires_at.date() == tomorrow.date()
    refused = make(client, expires_at_0="2020-01-01", expires_at_1="12:00:00")
    assert "must expire in the future" in refused.content.decode()
    assert ApiToken.objects.count() == 1


def test_identified_only_for_who_has_the_right(person):
    make(person("analyst"), identified="on")
    assert not ApiToken.objects.get().identified
    make(person("data officer"), identified="on")
    assert ApiToken.objects.latest("id").identified


def test_nobody_makes_a_token_for_someone_else_but_a_superuser(person):
    other = person("viewer").user
    client = person("analyst")
    make(client, user=other.pk)
    assert ApiToken.objects.get().user == client.user
    make(person("superuser"), user=other.pk)
    assert ApiToken.objects.latest("id").user == other


def test_a_superuser_cannot_widen_what_someone_may_see(person):
    other = person("viewer").user
    response = make(person("superuser"), user=other.pk, identified="on")
    assert "may not see identified data" in response.content.decode()
    assert not ApiToken.objects.exists()


def test_a_viewer_makes_none(person):
    client = person("viewer")
    assert make(client).status_code == 403
    assert client.get(LIST).status_code == 403


def test_one_sees_and_revokes_ones_own_only(person):
    theirs, _ = ApiToken.issue(person("analyst").user, name="theirs")
    client = person("analyst")
    mine, token = ApiToken.issue(client.user, name="mine")
    assert "theirs" not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{theirs.pk}/change/").status_code == 302
    client.post(f"{LIST}{theirs.pk}/revoke/")
    client.post(LIST, {"action": "revoke_selected", "confirmed": "yes", "_selected_action": [theirs.pk]})
    theirs.refresh_from_db()
    assert not theirs.revoked
    assert client.get(f"{LIST}{mine.pk}/revoke/").status_code == 405
    client.post(f"{LIST}{mine.pk}/revoke/")
    assert ApiToken.find(token) is None
    assert Audit.objects.filter(verb="revoke", target=f"token {mine.pk}").exists()


def test_a_superuser_revokes_from_the_list(person):
    tokens = [ApiToken.issue(person("analyst").user)[0] for _ in range(2)]
    client, asked = person("superuser"), {"action": "revoke_selected", "_selected_action": [row.pk for row in tokens]}
    assert "This cannot be undone." in client.post(LIST, asked).content.decode()
    assert not ApiToken.objects.filter(revoked=True).exists()
    client.post(LIST, asked | {"confirmed": "yes"})
    assert ApiToken.objects.filter(revoked=True).count() == 2


def test_tokens_are_not_changed_or_deleted(person):
    client = person("superuser")
    row, _ = ApiToken.issue(client.user)
    assert client.post(f"{LIST}{row.pk}/change/", {"identified": "on"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
