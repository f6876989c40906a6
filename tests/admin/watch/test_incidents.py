"""Incidents in the admin: a list, a page, a card on the deployment's page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.admin.watch.incident_admin import incidents_card
from exports.models import Incident, Notice
from psynetdata.models import Job
from tests.admin.conftest import sentences
from tests.notify import servers

pytestmark = pytest.mark.django_db(databases="__all__")
LIST = "/admin/exports/incident/"


@pytest.fixture
def incident(deployment):
    """incident(ended=True) → an incident of the deployment."""

    def make(kind="fell", ended=False, of=deployment, sentence="There are <b>3</b> participants instead of 20."):
        at = timezone.now() - timedelta(hours=1)
        fields = {"began_at": at, "ended_at": at + timedelta(minutes=5) if ended else None}
        return Incident.objects.create(deployment=of, kind=kind, sentence=sentence, **fields)

    return make


@pytest.fixture
def superuser(person):
    return person("superuser")


def shown(answer) -> list[int]:
    return [row.pk for row in answer.context["cl"].result_list]


def test_the_list_and_its_filters(superuser, incident):
    over, still = incident(ended=True), incident(of=None, kind="storage")
    assert shown(superuser.get(LIST)) == [still.pk, over.pk]
    assert shown(superuser.get(f"{LIST}?state=open")) == [still.pk]
    assert shown(superuser.get(f"{LIST}?state=over")) == [over.pk]
    assert shown(superuser.get(f"{LIST}?kind__exact=fell")) == [over.pk]
    page = superuser.get(LIST).content.decode()
    assert "storage nearly full" in page
    assert "&lt;b&gt;3&lt;/b&gt;" in page


def test_the_page_says_what_how_long_and_who_was_told(superuser, incident):
    row = incident(ended=True)
    at = timezone.now()
    Notice.objects.create(incident=row, channel="slack", created_at=at, told_at=at)
    Notice.objects.create(incident=row, channel="email", created_at=at, error="The mail server is gone.")
    Notice.objects.create(incident=row, channel="email", end=True, created_at=at, given_up_at=at, error="No way.")
    page = superuser.get(f"{LIST}{row.pk}/change/").content.decode()
    for words in ("rows fell", "5 minutes", "Slack", "its beginning", "not yet. The mail server", "given up: No way."):
        assert words in page
    assert "sent through no channel" in superuser.get(f"{LIST}{incident().pk}/change/").content.decode()


def test_nothing_can_be_changed(superuser, incident):
    row = incident()
    assert superuser.get(f"{LIST}add/").status_code == 403
    assert superuser.post(f"{LIST}{row.pk}/change/", {"sentence": "x"}).status_code == 403
    assert superuser.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_without_the_right_there_is_no_list(person):
    assert person("nobody").get(LIST).status_code == 403


def test_the_card_shows_open_ones_first(deployment, incident, superuser):
    assert incidents_card(deployment, superuser.user).note == "There were none."
    still = incident()
    for _ in range(12):
        incident(ended=True)
    card = incidents_card(deployment, superuser.user)
    assert len(card.rows) == 10
    assert f"/{still.pk}/change/" in card.rows[0][0]
    assert ["open" in row[1] for row in card.rows].count(True) == 1


def test_places_are_for_those_who_look_after_deployments(person, superuser, incident, deployment):
    place = "experiment on db.lab.org:5432"
    failed = Job.objects.create(kind="snapshot", state="failed", reason=f"{place}: no answer.", deployment=deployment)
    still = incident(kind="unreachable", sentence=f"{place}: no PostgreSQL answers there.")
    pages = [
        LIST,
        f"{LIST}{still.pk}/change/",
        f"/admin/psynetdata/deployment/{deployment.pk}/change/",
        f"/admin/psynetdata/job/{failed.pk}/change/",
        "/admin/",
    ]
    viewer = person("viewer")
    for page in pages:
        assert "db.lab.org" in superuser.get(page).content.decode(), page
        answer = viewer.get(page)
        assert (answer.status_code, "db.lab.org" in answer.content.decode()) == (200, False), page


ADDRESS = "/admin/exports/incident/test-message/"


def test_a_test_message_from_the_desk(person, settings, monkeypatch):
    with servers.slack() as slack:
        settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL, settings.SLACK_BASE_URL = servers.TOKEN, "C1", slack.url
        monkeypatch.setenv("NO_PROXY", "*")
        client = person("admin")
        assert "is sent through Slack" in client.get(ADDRESS).content.decode()
        assert slack.asked == 0
        assert sentences(client.post(ADDRESS, follow=True)) == ["Slack: sent."]
        slack.answers = ["not_in_channel"]
        assert "invite the app" in sentences(client.post(ADDRESS, follow=True))[0]
        assert person("data officer").post(ADDRESS).status_code == 403
        assert len(slack.got) == 1


def test_without_a_channel_the_page_says_what_is_missing(person, settings):
    settings.SLACK_BOT_TOKEN = settings.EMAIL_HOST = ""
    page = person("admin").get(ADDRESS).content.decode()
    assert "No channel is set up" in page
    assert "Send it" not in page
