"""Who may see a deployment is said by those who look after deployments, and holds for tokens and links too."""

import pytest
from django.contrib.auth.models import User

from psynetdata import rights
from psynetdata.models import ApiToken, Audit, Deployment, SheetLink
from psynetdata.visibility import set_access
from tests.admin.access.hidden_deployment import MARK, hide
from tests.admin.conftest import page_of, sentences

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def shown(fill, deployment, snapshot):
    fill(2)
    return deployment


@pytest.fixture
def hidden(shown):
    return hide()


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
    assert "restricted" in page.content.decode()
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
    assert "were already in place" in sentences(again)[-1]
    admin.post(address, {})
    assert other.get(page_of(shown)).status_code == 200


def test_a_slack_channel_of_its_own_is_set_there(person, shown):
    address = f"/admin/psynetdata/deployment/{shown.pk}/access/"
    admin = person("admin")
    admin.post(address, {"restricted": "on", "slack_channel": " #zoo-alarms "})
    shown.refresh_from_db()
    assert (shown.restricted, shown.slack_channel) == (True, "zoo-alarms")
    page = admin.post(address, {"slack_channel": "<!channel>"})
    assert "This is not a Slack channel" in page.content.decode()
    assert "zoo-alarms" in admin.get(address).content.decode()
    text = admin.get(page_of(shown)).content.decode()
    assert ("nobody is named" in text, "zoo-alarms" in text) == (True, True)
    shown.refresh_from_db()
    assert (shown.restricted, shown.slack_channel) == (True, "zoo-alarms")


def test_launches_that_continue_each_other_are_hidden_together(hidden):
    later = Deployment.objects.create(deployment_id="later", continues=hidden)
    set_access(later, restricted=False, people=[])
    assert not Deployment.objects.filter(restricted=True).exists()
    set_access(hidden, restricted=True, people=[])
    assert Deployment.objects.filter(restricted=True).count() == 2


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
