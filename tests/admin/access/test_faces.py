"""Who sees which face, and that nothing which a browser sends widens it."""

import pytest
from django.urls import reverse

from psynetdata.models import Audit
from tests.admin.conftest import WORKER

pytestmark = pytest.mark.django_db(databases="__all__")
LIST = "/admin/psynetdata/participant/"
REAL, PSEUDONYM = WORKER["identified"], WORKER["anonymous"]


def switch(client, face):
    return client.post(reverse("switch-face"), {"face": face, "next": LIST})


def test_a_viewer_sees_the_anonymous_face(person, fill):
    fill()
    page = person("viewer").get(LIST).content.decode()
    assert PSEUDONYM in page
    assert REAL not in page
    assert "Show the identified face" not in page


def test_a_data_officer_sees_the_identified_face_and_may_switch_to_and_fro(person, fill):
    fill()
    client = person("data officer")
    assert REAL in client.get(LIST).content.decode()
    assert switch(client, "anonymous").url == LIST
    narrowed = client.get(LIST).content.decode()
    assert PSEUDONYM in narrowed
    assert REAL not in narrowed
    switch(client, "identified")
    assert REAL in client.get(LIST).content.decode()


def test_a_viewer_cannot_forge_the_identified_face(person, fill):
    fill()
    client = person("viewer")
    switch(client, "identified")
    session = client.session
    session["narrowed_face"] = "identified"
    session.save()
    for address in (LIST, f"{LIST}?face=identified", "/admin/psynetdata/participant/1099511627777/change/"):
        assert REAL not in client.get(address, follow=True).content.decode()


def test_who_loses_the_right_loses_the_face_at_once(person, fill):
    fill()
    client = person("data officer")
    assert REAL in client.get(LIST).content.decode()
    client.user.groups.clear()
    client.user.groups.set(type(client.user).groups.field.related_model.objects.filter(name="viewer"))
    assert REAL not in client.get(LIST).content.decode()


def test_switching_needs_post_and_leads_nowhere_else(person):
    client = person("data officer")
    assert client.get(reverse("switch-face")).status_code == 405
    away = client.post(reverse("switch-face"), {"face": "anonymous", "next": "https://example.org/"})
    assert away.url == reverse("admin:index")


@pytest.mark.parametrize(("group", "term", "found"), [
    ("data officer", REAL, True), ("viewer", REAL, False), ("viewer", PSEUDONYM, True),
])  # fmt: skip
def test_a_worker_id_is_found_only_where_it_is_shown(person, fill, group, term, found):
    fill()
    response = person(group).get(LIST, {"q": term})
    assert response.context["cl"].result_count == int(found)


def test_identified_reads_are_on_record_without_what_was_searched(person, fill, deployment):
    fill()
    client = person("data officer")
    client.get(LIST, {"q": REAL, "deployment": deployment.number})
    client.get(f"/admin/psynetdata/participant/{(deployment.number << 40) | 1}/change/")
    listed, row = Audit.objects.order_by("id")
    assert (listed.verb, listed.target, listed.deployment, listed.identified) == (
        "view", "list of participants", deployment, True,
    )  # fmt: skip
    assert listed.details == {"searched": True}
    assert (row.target, row.deployment, row.username) == ("participant 1", deployment, client.user.username)
    assert REAL not in str(list(Audit.objects.values()))


def test_anonymous_reads_are_not(person, fill):
    fill()
    person("viewer").get(LIST)
    officer = person("data officer")
    switch(officer, "anonymous")
    officer.get(LIST)
    assert not Audit.objects.exists()
