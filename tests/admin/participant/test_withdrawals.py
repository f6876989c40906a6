"""Withdrawing participants from their list and their page, and the list of who withdrew."""

import pytest

from exports.models import Withdrawal
from psynetdata.models import Audit, Deployment, Job, Participant
from tests.admin.conftest import sentences

pytestmark = pytest.mark.django_db(databases="__all__")
PARTICIPANTS, WITHDRAWALS = "/admin/psynetdata/participant/", "/admin/exports/withdrawal/"


def tick(client, keys, **more):
    return client.post(PARTICIPANTS, {"action": "withdraw_selected", "_selected_action": keys, **more}, follow=True)


def keys(deployment, *ids):
    return [Participant.make_key(deployment.number, each) for each in ids]


def test_those_who_were_ticked(person, deployment, fill):
    fill(3)
    client, chosen = person("data officer"), keys(deployment, 1, 3)
    text = tick(client, chosen).content.decode()
    assert "what will happen" in text
    assert "can be taken back" in text
    assert not Withdrawal.objects.exists()
    assert sentences(tick(client, chosen, confirmed="yes")) == ["2 of 2 withdrew; a worker carries it out."]
    assert set(Withdrawal.objects.values_list("participant", flat=True)) == {1, 3}
    assert Job.objects.filter(kind="withdraw", deployment=deployment).count() == 1
    assert Audit.objects.filter(verb="withdraw", deployment=deployment).count() == 2
    assert {row.by for row in Withdrawal.objects.all()} == {Job.objects.get(kind="withdraw").owner}
    assert sentences(tick(client, chosen[:1], confirmed="yes")) == [
        "Participant 1: They withdrew before; nothing was changed."
    ]


def test_from_the_participant_s_page_and_taken_back(person, deployment, fill):
    fill(2)
    client, address = person("data officer"), f"{PARTICIPANTS}{keys(deployment, 2)[0]}/withdraw/"
    page = f"{PARTICIPANTS}{keys(deployment, 2)[0]}/change/"
    assert address in client.get(page).content.decode()
    assert "Withdraw them" in client.get(address).content.decode()
    assert not Withdrawal.objects.exists()
    client.post(address)
    row = Withdrawal.objects.get()
    assert "participant 2" in client.get(WITHDRAWALS).content.decode()
    assert "queued" in client.get(f"{WITHDRAWALS}{row.pk}/change/").content.decode()
    back = f"{WITHDRAWALS}{row.pk}/take-back/"
    assert "had not withdrawn" in client.get(back).content.decode()
    said = sentences(client.post(back, follow=True))
    assert said == ["It is taken back; a worker carries it out."]
    assert not Withdrawal.objects.exists()
    assert Audit.objects.filter(verb="take back", target="withdrawal of participant 2").exists()


@pytest.mark.parametrize("group", ["viewer", "analyst"])
def test_who_may_not(person, deployment, fill, group):
    fill(1)
    row = Withdrawal.objects.create(deployment=deployment, participant=9)
    client = person(group)
    assert "withdraw_selected" not in client.get(PARTICIPANTS).content.decode()
    tick(client, keys(deployment, 1), confirmed="yes")
    for address in (
        f"{PARTICIPANTS}{keys(deployment, 1)[0]}/withdraw/",
        f"{WITHDRAWALS}{row.pk}/take-back/",
        WITHDRAWALS,
    ):
        assert client.post(address).status_code == 403
    assert Withdrawal.objects.count() == 1
    assert not Job.objects.exists()


def test_withdrawals_of_what_one_may_not_know_of_are_not_listed(person, deployment):
    hidden = Deployment.objects.create(deployment_id="hidden", label="Hidden", restricted=True)
    for one, number in ((deployment, 41), (hidden, 42)):
        Withdrawal.objects.create(deployment=one, participant=number)
    text = person("data officer").get(WITHDRAWALS).content.decode()
    assert "participant 41" in text
    assert "participant 42" not in text
