"""The settings of a watched deployment."""

from datetime import timedelta

import pytest
from django.utils import timezone

from psynetdata.models import Audit, Deployment
from tests.admin.conftest import URL, page_of

pytestmark = pytest.mark.django_db(databases="__all__")
SETTINGS = {"label": "Faces", "assets_url": "", "every": "60", "keep_all_hours": "24", "keep_hourly_days": "7",
            "keep_daily_days": "90"}  # fmt: skip


def test_settings_are_saved_and_nothing_else(person, watched):
    client = person("admin")
    sent = SETTINGS | {"every": "300", "keep_all_hours": "48", "assets_url": "file:///srv/assets", "state": "archived"}
    sent |= {"source_url": "postgres://evil@host/db", "source": "upload", "deployment_id": "x", "sealed_key": "x"}
    answer = client.post(page_of(watched), sent)
    assert answer.url == page_of(watched)
    before = watched.due_at
    watched.refresh_from_db()
    assert (watched.every, watched.keep_all_hours, watched.assets_url) == (300, 48, "file:///srv/assets")
    assert (watched.state, watched.source, watched.source_url) == ("running", "local", URL)
    assert watched.due_at < before
    assert {line.verb for line in Audit.objects.filter(user=client.user)} == {"change", "schedule"}
    of_changes = [line.details["fields"] for line in Audit.objects.filter(verb="change").order_by("id")]
    assert of_changes == [["assets_url"], ["keep_all_hours"]]


def test_saving_leaves_alone_what_moved_meanwhile(person, watched, monkeypatch):
    """The tick and a new launch write to the same row."""
    from exports.admin.deployment import deployment_admin as pages

    real, due = pages.settings.save, timezone.now() + timedelta(hours=1)

    def meanwhile(*args, **kwargs):
        Deployment.objects.update(state="finished", due_at=due)
        real(*args, **kwargs)

    monkeypatch.setattr(pages.settings, "save", meanwhile)
    person("admin").post(page_of(watched), SETTINGS | {"label": "New"})
    watched.refresh_from_db()
    assert (watched.label, watched.state, watched.due_at) == ("New", "finished", due)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("every", "59", "not every 59"), ("every", "9999999", "not every 9999999"),
    ("assets_url", "ftp://host/x", "file:///folder"), ("assets_url", "file://host/x", "file:///folder"),
    ("assets_url", "https://user:pw@host/", "file:///folder"), ("assets_url", "file://[/x", "file:///folder"),
    ("keep_daily_days", "40000", "a century"), ("keep_all_hours", "-1", "greater than or equal to 0"),
    ("keep_hourly_days", "", "required"), ("label", "x" * 301, "at most 300"),
])  # fmt: skip
def test_a_wrong_setting_is_said_at_the_top(person, watched, field, value, sentence):
    answer = person("admin").post(page_of(watched), SETTINGS | {field: value})
    text = answer.content.decode()
    assert text.index("The settings were not saved") < text.index("Summary")
    assert sentence in text
    watched.refresh_from_db()
    assert (watched.every, watched.label, watched.assets_url) == (60, "Faces", "")


@pytest.mark.parametrize("value", ["", "0"])
def test_only_when_somebody_asks(person, watched, value):
    person("admin").post(page_of(watched), SETTINGS | {"every": value})
    watched.refresh_from_db()
    assert (watched.every, watched.due_at) == (None, None)


@pytest.mark.parametrize(("field", "value"), [
    ("assets_url", "file:///srv"), ("assets_url", "sftp://me@127.0.0.1/a"), ("experiment_url", "http://127.0.0.1:5000"),
    ("assets_hosts", "localhost:9000"),
])  # fmt: skip
def test_addresses_of_the_server_itself_are_set_on_the_server(person, watched, settings, field, value):
    settings.LOCAL_ADDRESSES = False
    text = person("admin").post(page_of(watched), SETTINGS | {field: value}).content.decode()
    assert "leads to this machine" in text
    watched.refresh_from_db()
    assert getattr(watched, field) == ""
    # One that was set there stays, whatever else is changed here.
    setattr(watched, field, value)
    watched.save()
    person("admin").post(page_of(watched), SETTINGS | {field: value, "label": "New"})
    watched.refresh_from_db()
    assert (getattr(watched, field), watched.label) == (value, "New")
