"""A deployment that is hidden from somebody: no page, list, filter, search, file or answer of the API tells of it."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import get_resolver
from django.utils import timezone

from exports.models import Export, ExportArchive, Incident, Snapshot
from psynetdata import rights
from psynetdata.access import set_access
from psynetdata.models import (
    ApiToken,
    Asset,
    Audit,
    Deployment,
    Job,
    MirroredTable,
    Network,
    Node,
    Participant,
    Record,
    Response,
    SavedSheet,
    SheetLink,
    Trial,
)
from tests.admin.conftest import WORKER, page_of, sentences

pytestmark = pytest.mark.django_db(databases="__all__")
GROUPS = ("viewer", "analyst", "data officer")
MIRRORED = (Participant, Trial, Asset, Node, Network, Response, Record)
# Every text of the hidden deployment, whatever column it stands in, holds this.
MARK = "zzhidden"
NO_DIGITS = str.maketrans("", "", "0123456789")


@pytest.fixture
def shown(fill, deployment, snapshot):
    fill(2)
    return deployment


@pytest.fixture
def hidden(shown):
    """A restricted deployment with one row of everything that has a page."""
    row = Deployment.objects.create(deployment_id=f"{MARK}__launch=1", label=f"{MARK} label", restricted=True)
    for face in settings.FACES:
        for model in MIRRORED:
            key = {} if model is Record else {"key": model.make_key(row.number, 1)}
            texts = {"answer": f'"{MARK}"'} if model in (Participant, Trial, Response) else {}
            texts |= {"table": f"{MARK}_table", "identity": "1"} if model is Record else {}
            texts |= {"trial_maker_id": f"{MARK}_maker"} if model in (Trial, Network) else {}
            own = {"deployment_number": row.number, "id": 1, "class_name": f"{MARK}Class", "rest": f'{{"a": "{MARK}"}}'}
            model.objects.using(face).create(**key, **own, **texts)
            table = f"{MARK}_table" if model is Record else model.TABLE
            MirroredTable.objects.using(face).create(
                deployment_number=row.number, table=table, state=uuid4().hex, transform="t", columns=[], rows=1,
                classes={own["class_name"]: 1},
            )  # fmt: skip
    taken = Snapshot.objects.create(deployment=row, taken_at=timezone.now(), tables={}, rows=1, bytes=1, origin=MARK)
    job = Job.objects.create(kind="export", deployment=row, state="done", phase=MARK, options={"a": MARK})
    export = Export.objects.create(deployment=row, snapshot=taken, job=job, options={"anonymize": "yes"})
    ExportArchive.objects.create(export=export, mode="anonymous", file=MARK, bytes=1, sha256="0" * 64, manifest={})
    Incident.objects.create(deployment=row, kind="fell", sentence=MARK, began_at=timezone.now())
    SavedSheet.objects.create(deployment=row, name=f"{MARK}_sheet", base="trial", columns=[["id", "id"]])
    Audit.record("view", deployment=row, target=MARK)
    Audit.record("issue", target=f"token of {MARK}")
    return row


def addresses_of(row: Deployment) -> list[str]:
    """Every address of the admin, made of the numbers of the hidden deployment's rows."""
    numbers = {
        "psynetdata/deployment": row.pk,
        "psynetdata/job": Job.objects.get(deployment=row).pk,
        "psynetdata/savedsheet": row.saved_sheets.get().pk,
        "psynetdata/audit": Audit.objects.get(deployment=row).pk,
        "psynetdata/record": Record.objects.using("anonymous").get(deployment_number=row.pk).pk,
        "exports/snapshot": row.snapshots.get().pk,
        "exports/export": row.exports.get().pk,
        "exports/incident": row.incidents.get().pk,
    }
    named = {"name": "trial", "token": "x"}
    found = []
    for route in _routes(get_resolver().url_patterns):
        model = re.match(r"admin/(\w+/\w+)/", route)
        number = numbers.get(model[1], Trial.make_key(row.number, 1)) if model else 1
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match, number=number: named.get(match[1], str(number)), route)
        if route.startswith("admin/") and not re.search(r"[(?^$*]|logout|jsi18n|<path:url>", path):
            found.append(f"/{path}")
    return sorted(set(found))


def _routes(patterns, before: str = ""):
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route


def check(client, address: str, *forbidden: str) -> list[str]:
    """The links of the page; none of the forbidden words may stand in it, whatever its status."""
    client.raise_request_exception = True
    answer = client.get(address)
    assert answer.status_code < 500, address
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = unescape(text.decode("utf-8", "replace")) + str(answer.headers)
    for word in forbidden:
        assert word not in text, f"{address} tells {word}"
    if answer.status_code == 302:
        return [answer.url]
    return re.findall(r'href="([^"#]+)"', text)


@pytest.mark.parametrize("group", GROUPS)
def test_no_address_of_a_hidden_deployment_tells_of_it(person, hidden, group):
    client = person(group)
    addresses = addresses_of(hidden)
    assert len(addresses) > 80
    assert f"/admin/psynetdata/deployment/{hidden.pk}/change/" in addresses
    for address in addresses:
        check(client, address, MARK)
    for post in ("export/", "export/expected/", "what-leaves/", "export-key/", "access/"):
        answer = client.post(f"/admin/psynetdata/deployment/{hidden.pk}/{post}", {"assets": "none"})
        assert answer.status_code in (302, 403, 404), post
    job = Job.objects.get(deployment=hidden)
    assert client.post(f"/admin/psynetdata/job/{job.pk}/cancel/").status_code == 404
    assert hidden.exports.count() == 1


@pytest.mark.parametrize("group", ["viewer", "data officer"])
def test_whoever_follows_every_link_finds_nothing_hidden_and_nothing_identified(person, hidden, group):
    """From the first page on, each kind of page once."""
    client = person(group)
    forbidden = [MARK] + ([WORKER["identified"]] if group != "data officer" else [])
    waiting, seen = ["/admin/"], set()
    while waiting and len(seen) < 60:
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


@pytest.mark.parametrize("group", GROUPS)
def test_the_api_knows_nothing_of_it(person, hidden, group):
    client = person(group)
    export, taken = hidden.exports.get(), hidden.snapshots.get()
    for address in (
        "/api/deployments/", f"/api/deployments/{hidden.pk}/", "/api/snapshots/", f"/api/snapshots/{taken.pk}/",
        "/api/exports/", f"/api/exports/{export.pk}/", f"/api/exports/{export.pk}/download/?mode=anonymous",
        "/api/basic_data/", f"/api/basic_data/?deployment={hidden.pk}",
        f"/api/basic_data/trial/?deployment={hidden.pk}",
        f"/api/basic_data/trial/1/?deployment={hidden.pk}", "/metrics", f"/api/deployments/{hidden.pk}/undecided/",
    ):  # fmt: skip
        check(client, address, MARK)
    _, token = ApiToken.issue(client.user, deployments=[hidden])
    answer = client.get("/api/basic_data/trial/", headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 404
    assert MARK not in answer.content.decode()


def test_a_link_ends_with_the_access_of_who_made_it(person, hidden):
    client = person("analyst")
    set_access(hidden, restricted=True, people=[client.user])
    link = SheetLink.issue(client.user, deployment=hidden, sheet="trial", days=1)
    address = f"/api/link/{link.signed}/"
    before = client.get(address)
    set_access(hidden, restricted=True, people=[])
    after = client.get(address)
    assert (before.status_code, after.status_code) == (200, 403)
    assert MARK not in after.content.decode()


def test_who_is_named_sees_it_as_far_as_their_group_goes(person, hidden):
    client = person("viewer")
    set_access(hidden, restricted=True, people=[client.user])
    page = client.get(page_of(hidden))
    assert (page.status_code, client.get("/admin/psynetdata/trial/?q=1").context["cl"].result_count) == (200, 2)
    assert client.get(f"/admin/psynetdata/deployment/{hidden.pk}/export/").status_code == 403


def test_it_does_not_come_to_be_everyones_when_the_last_account_goes(person, hidden):
    viewer, colleague = person("viewer"), User.objects.create_user("colleague")
    set_access(hidden, restricted=True, people=[colleague])
    colleague.delete()
    assert hidden.pk in rights.hidden_deployments(viewer.user)


def test_an_admin_says_who_sees_it(person, shown):
    admin, viewer, other = person("admin"), person("viewer"), person("viewer")
    address = f"/admin/psynetdata/deployment/{shown.pk}/access/"
    assert viewer.get(address).status_code == 403
    assert "what will happen" in admin.get(address).content.decode()
    admin.post(address, {"restricted": "on", "people": [viewer.user.pk]})
    assert (viewer.get(page_of(shown)).status_code, other.get(page_of(shown)).status_code) == (200, 302)
    line = Audit.objects.get(verb="access")
    named = {"restricted": True, "people": [viewer.user.pk], "slack_channel": ""}
    assert (line.user, line.details) == (admin.user, named)
    again = admin.post(address, {"restricted": "on", "people": [viewer.user.pk]}, follow=True)
    assert "was so already" in sentences(again)[-1]
    admin.post(address, {})
    assert other.get(page_of(shown)).status_code == 200


def test_a_slack_channel_of_its_own_is_set_there(person, shown):
    address = f"/admin/psynetdata/deployment/{shown.pk}/access/"
    admin = person("admin")
    admin.post(address, {"restricted": "on", "slack_channel": " #zoo-alarms "})
    shown.refresh_from_db()
    assert (shown.restricted, shown.slack_channel) == (True, "zoo-alarms")
    page = admin.post(address, {"slack_channel": "<!channel>"})
    assert "no channel of Slack&#x27;s" in page.content.decode()
    assert "zoo-alarms" in admin.get(address).content.decode()
    shown.refresh_from_db()
    assert (shown.restricted, shown.slack_channel) == (True, "zoo-alarms")


def test_launches_that_continue_each_other_are_hidden_together(hidden):
    later = Deployment.objects.create(deployment_id="later", continues=hidden)
    set_access(later, restricted=False, people=[])
    assert not Deployment.objects.filter(restricted=True).exists()
    set_access(hidden, restricted=True, people=[])
    assert Deployment.objects.filter(restricted=True).count() == 2


def test_hidden_rows_cost_no_more_queries(person, hidden, django_assert_max_num_queries):
    client = person("viewer")
    client.get("/admin/psynetdata/trial/")
    with django_assert_max_num_queries(20):
        client.get("/admin/psynetdata/trial/")


def test_a_token_cannot_be_bound_to_it(person, hidden, shown):
    client = person("analyst")
    address = "/admin/psynetdata/apitoken/add/"
    page = client.get(address).content.decode()
    assert MARK not in page
    assert str(shown) in page
    answer = client.post(address, {"name": "mine", "deployments": [hidden.pk]})
    assert "is not one of the available choices" in answer.content.decode()
    assert not ApiToken.objects.exists()
    assert MARK in person("admin").get(address).content.decode()
    assert MARK not in client.get(address).content.decode()
