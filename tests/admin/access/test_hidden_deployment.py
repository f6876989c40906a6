"""A deployment that is hidden from somebody: no page, list, filter, search, file or answer of the API tells of it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from exports.models import Export, Incident, Snapshot
from psynetdata.models import ApiToken, Audit, Deployment, Job, SavedSheet, SheetLink
from tests.admin.access.hidden_deployment import (
    MARK,
    MIRRORED,
    NUMBER,
    addresses_of,
    check,
    hide,
    link_of,
    questions_about,
)
from tests.admin.conftest import WORKER, page_of

pytestmark = pytest.mark.django_db(databases="__all__")
GROUPS = ("viewer", "analyst", "data officer")
# What an address that names it must not bring out.
WORDS = [f"{MARK}{rest}" for rest in (" label", "__launch=1", "Class", "_maker", "_table")]
NO_DIGITS = str.maketrans("", "", "0123456789")


@pytest.fixture
def hidden(fill, deployment, snapshot):
    fill(2)
    return hide()


@pytest.fixture
def lost(person, hidden):
    """lost("analyst") → a client of whom saw it once, and left a link and a token behind."""

    def make(group: str):
        client = person(group)
        client.link = link_of(client.user, hidden)
        _, client.token = ApiToken.issue(client.user, deployments=[hidden])
        return client

    return make


@pytest.mark.parametrize("group", GROUPS)
def test_no_address_of_a_hidden_deployment_tells_of_it(lost, hidden, group):
    client = lost(group)
    addresses = addresses_of(hidden)
    assert len(addresses) > 120
    assert {f"/admin/psynetdata/deployment/{NUMBER}/change/", f"/api/deployments/{NUMBER}/undecided/"} < set(addresses)
    for address in addresses:
        check(client, address, MARK)
    for address in addresses:
        if not any(word in address for word in ("healthz", "logout", "password", "/add/")):
            assert client.post(address).status_code < 500, address
    assert (hidden.exports.count(), hidden.snapshots.count(), hidden.notes.count()) == (4, 1, 1)
    assert Job.objects.filter(deployment=hidden).count() == 4
    assert Deployment.objects.get(pk=hidden.pk).state == "running"
    assert not SheetLink.objects.get(pk=client.link.pk).revoked


@pytest.mark.parametrize("group", GROUPS)
def test_no_question_about_it_is_answered(lost, hidden, group):
    client = lost(group)
    for address in questions_about(hidden):
        check(client, address, *(WORDS if MARK in address else [MARK]))
    for headers in ({"Authorization": f"Token {client.token}"}, {}):
        for address in ("/api/deployments/", "/api/basic_data/trial/", f"/api/link/{client.link.signed}/", "/metrics"):
            answer = client.get(address, headers=headers)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert MARK not in body.decode(), address


@pytest.mark.parametrize("group", GROUPS)
def test_whoever_follows_every_link_finds_nothing_hidden_and_nothing_identified(lost, hidden, group):
    """From the first page on, each kind of page once."""
    client = lost(group)
    forbidden = [MARK] + ([WORKER["identified"]] if group != "data officer" else [])
    waiting, seen = ["/admin/"], set()
    while waiting and len(seen) < 70:
        address = waiting.pop(0)
        parts = urlsplit(address)
        kind = parts.path.translate(NO_DIGITS), *sorted(parse_qs(parts.query))
        if kind in seen or not parts.path.startswith("/admin/") or "logout" in address:
            continue
        seen.add(kind)
        at = parts.path
        for link in check(client, address, *forbidden):
            link = f"{at}{link}" if link.startswith("?") else link
            if link.startswith("/admin/"):
                waiting.append(link)
    assert len(seen) > 25


@pytest.mark.parametrize("group", ["viewer", "data officer"])
def test_no_search_and_no_filter_finds_it(person, hidden, group):
    client = person(group)
    for model in (*MIRRORED, Deployment, Job, Audit, Snapshot, Export, Incident, SavedSheet):
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        answer = client.get(address, {"q": MARK})
        if answer.status_code == 200:
            assert answer.context["cl"].result_count == 0, model
    for query in (f"deployment={hidden.pk}", f"class={MARK}Class"):
        for model in MIRRORED:
            found = client.get(f"/admin/psynetdata/{model._meta.model_name}/?{query}").context["cl"].result_list
            assert all(row.deployment_number != hidden.pk for row in found), (model, query)


def test_the_storage_of_it_is_in_nobodys_sum(person, hidden):
    viewer, admin = (person(group).get("/admin/overview/").content.decode() for group in ("viewer", "admin"))
    assert ("7.7 MB" in viewer, "7.7 MB" in admin) == (False, True)


def test_whoever_may_see_it_finds_all_of_it(person, hidden):
    """Or the tests above would pass with nothing to find."""
    client = person("admin")
    for address in ("/admin/", "/admin/exports/incident/", "/admin/psynetdata/audit/", page_of(hidden)):
        assert MARK in client.get(address).content.decode(), address
    assert MARK in client.get("/api/deployments/").content.decode()


def test_a_launch_that_is_seen_does_not_name_the_hidden_ones_beside_it(person, hidden, deployment):
    """Where one came to be hidden without the other, as when it was handed in before."""
    Deployment.objects.filter(pk=deployment.pk).update(continues=hidden, state="finished", source="local")
    Audit.record("new launch", deployment=hidden, closes=deployment.pk, continues=True)
    assert MARK not in person("viewer").get(page_of(deployment)).content.decode()
    text = person("admin").get(page_of(deployment)).content.decode()
    assert ("which continues it" in text, MARK in text) == (True, True)


def test_hidden_rows_cost_no_more_queries(person, hidden, django_assert_max_num_queries):
    client = person("viewer")
    client.get("/admin/psynetdata/trial/")
    with django_assert_max_num_queries(20):
        client.get("/admin/psynetdata/trial/")
