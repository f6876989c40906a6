"""What people type into the admin's addresses to see more than they should."""

import pytest
from django.conf import settings

from psynetdata.models import Audit, Deployment, Job, Participant, Record, Trial
from tests.admin.conftest import WORKER

pytestmark = pytest.mark.django_db(databases="__all__")

DATA = "/admin/psynetdata"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def secrets(deployment, snapshot):
    """A deployment with what only those who look after it need to see."""
    deployment.sealed_key, deployment.source_url = "gAAAA-sealed", "ssh://somebody@server/app"
    deployment.assets_url = "file:///srv/assets"
    deployment.save()
    snapshot.origin = "of-somebody.zip"
    snapshot.save()
    options = {"path": "/home/somebody/of-somebody.zip"}
    Job.objects.create(kind="load", deployment=deployment, state="done", options=options, result={"warnings": []})
    return deployment


@pytest.mark.parametrize("address", [
    f"{DATA}/deployment/?sealed_key__startswith=g",
    f"{DATA}/deployment/?sealed_key=gAAAA-sealed",
    f"{DATA}/deployment/?source_url__contains=somebody",
    f"{DATA}/deployment/?assets_url__contains=srv",
    f"{DATA}/deployment/?continues__sealed_key__startswith=g",
    "/admin/exports/snapshot/?origin__startswith=of",
    "/admin/exports/snapshot/?tables__contains=a",
    "/admin/exports/snapshot/?deployment__exact=99999999999999999999999",
    "/admin/exports/snapshot/?deployment__sealed_key__startswith=g",
    "/admin/exports/export/?owner__password__startswith=p",
    "/admin/exports/export/?archives__file__startswith=a",
    f"{DATA}/job/?run_token__startswith=a",
    f"{DATA}/job/?options__icontains=path",
    f"{DATA}/participant/?worker_id__startswith=5f",
    f"{DATA}/participant/?rest__contains=a",
    f"{DATA}/trial/?answer__regex=(((",
    f"{DATA}/trial/?answer__regex=(a%2B)%2B$",
    f"{DATA}/trial/?id__range=1",
    f"{DATA}/trial/?creation_time__year=99999999",
    f"{DATA}/trial/?participant_id__in=1",
])  # fmt: skip
def test_an_address_asks_only_what_the_filters_ask(person, secrets, fill, address):
    fill()
    assert person("viewer").get(address).status_code == 400


def test_what_filters_and_links_ask_still_works(person, secrets, fill):
    fill(2)
    client = person("viewer")
    number = secrets.number
    for address in (
        f"{DATA}/trial/?deployment={number}&response_id=1&failed__exact=0&class=Trial",
        f"{DATA}/trial/?participant_id=1&creation_time_from_0=2026-01-01&creation_time_from_1=00:00:00",
        f"{DATA}/node/?parent_id=1", f"{DATA}/asset/?network_id=1", f"{DATA}/record/?table=coin&participant_id=1",
        f"{DATA}/job/?state__exact=done&deployment__number__exact={number}", f"{DATA}/job/?kind=load",
        f"{DATA}/deployment/?state__exact=running", "/admin/exports/export/?job__state__exact=done",
        f"/admin/exports/snapshot/?deployment__number__exact={number}",
    ):  # fmt: skip
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("group", ["viewer", "analyst", "data officer", "admin"])
def test_where_data_comes_from_is_for_those_who_look_after_it(person, secrets, snapshot, group):
    client = person(group)
    shown = group == "admin"
    job = Job.objects.get()
    for address, words in (
        (f"{DATA}/deployment/{secrets.pk}/change/", ("somebody@server", "/srv/assets")),
        (f"/admin/exports/snapshot/{snapshot.pk}/change/", ("of-somebody.zip",)),
        (f"{DATA}/job/{job.pk}/change/", ("/home/somebody",)),
    ):
        page = client.get(address).content.decode()
        assert [word in page for word in words] == [shown] * len(words), address
    assert not client.get("/admin/exports/snapshot/?q=of-somebody").context["cl"].result_count


def test_the_owner_of_a_job_sees_its_options(person, secrets):
    client = person("analyst")
    job = Job.objects.create(kind="export", owner=client.user, options={"of": "mine"})
    assert "mine" in client.get(f"{DATA}/job/{job.pk}/change/").content.decode()


@pytest.mark.parametrize("name", ["x", "99", "9" * 30, "-1"])
def test_an_export_of_no_deployment(person, deployment, name):
    assert person("analyst").get(f"{DATA}/deployment/{name}/export/").status_code == 404


def test_a_cancel_is_on_record(person):
    client = person("viewer")
    one, other = (Job.objects.create(kind="export", owner=client.user) for _ in range(2))
    client.post(f"{DATA}/job/{one.pk}/cancel/")
    client.post(f"{DATA}/job/", {"action": "cancel_selected", "confirmed": "yes", "_selected_action": [other.pk]})
    asked = [line.target for line in Audit.objects.filter(verb="cancel").order_by("id")]
    assert asked == [f"job {one.pk}", f"job {other.pk}"]


def test_markup_in_data_is_text(person, fill, deployment):
    Deployment.objects.filter(pk=deployment.pk).update(label=MARKUP, deployment_id=MARKUP)
    fill(answer=MARKUP, definition='{"<img src=x onerror=alert(1)>": "<script>alert(1)"}')
    for face in settings.FACES:
        Trial.objects.using(face).update(trial_maker_id=MARKUP)
        Participant.objects.using(face).update(class_name=MARKUP, worker_id=MARKUP, status=MARKUP)
        Record.objects.using(face).update(table=MARKUP, rest='{"<script>alert(1)": "<img src=x onerror=alert(1)>"}')
    client, key = person("viewer"), Trial.make_key(deployment.number, 1)
    record = Record.objects.using("anonymous").get()
    for address in (
        "/admin/", f"{DATA}/deployment/", f"{DATA}/deployment/{deployment.pk}/change/", f"{DATA}/participant/",
        f"{DATA}/participant/{key}/change/", f"{DATA}/trial/", f"{DATA}/trial/{key}/change/", f"{DATA}/record/",
        f"{DATA}/record/{record.pk}/change/",
    ):  # fmt: skip
        page = client.get(address)
        assert page.status_code == 200, address
        text = page.content.decode()
        assert "<script>alert(1)" not in text, address
        assert "<img src=x" not in text, address


def test_pages_of_refusal_say_nothing_of_the_data(person, fill, deployment):
    fill()
    client = person("viewer")
    for address, status in (
        (f"{DATA}/audit/", 403), (f"{DATA}/nosuch/1/", 404), (f"{DATA}/participant/?worker_id__startswith=5f", 400)
    ):  # fmt: skip
        page = client.get(address)
        assert page.status_code == status
        assert "To the overview" in page.content.decode()
        assert WORKER["identified"] not in page.content.decode()


def test_an_unexpected_failure_shows_no_data(person, fill, deployment):
    fill()
    Trial.objects.using("anonymous").update(rest="{broken by somebody")
    client = person("viewer")
    client.raise_request_exception = False
    page = client.get(f"{DATA}/trial/{Trial.make_key(deployment.number, 1)}/change/")
    assert page.status_code == 500
    assert "This failed unexpectedly" in page.content.decode()
    assert "somebody" not in page.content.decode()


@pytest.mark.parametrize("value", ["%00", "%ED%A0%80", "9" * 30, "9" * 5000, "-1", "NaN", "\u0663"])
def test_a_value_that_no_column_holds(person, fill, snapshot, value):
    fill()
    client = person("viewer")
    for address in (
        f"{DATA}/trial/?deployment=", f"{DATA}/trial/?class=", f"{DATA}/trial/?trial_maker=", f"{DATA}/trial/?q=",
        f"{DATA}/trial/?participant_id=", f"{DATA}/trial/?failed__exact=", f"{DATA}/trial/?creation_time_from_0=",
        f"{DATA}/trial/?p=", f"{DATA}/trial/?o=", f"{DATA}/trial/?response_id=", f"{DATA}/record/?deployment=",
        f"{DATA}/record/?table=", f"{DATA}/job/?kind=", f"{DATA}/job/?q=", f"{DATA}/job/?deployment__number__exact=",
        "/admin/exports/snapshot/?q=", "/admin/exports/snapshot/?deployment__number__exact=",
        "/admin/exports/export/?q=", "/admin/exports/export/?job__state__exact=",
    ):  # fmt: skip
        # 302: back to the list without what cannot be asked.
        allowed = (400,) if value == "%00" else (200, 302)
        assert client.get(address + value).status_code in allowed, address
