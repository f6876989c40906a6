"""Actions on ticked rows: a page says what will happen, its button does it to each."""

from html import unescape

import pytest

from exports.models import Export, ExportPreset, Snapshot
from psynetdata.models import Audit, Deployment, Job, Participant
from tests.admin.conftest import page_of, sentences, text_of

pytestmark = pytest.mark.django_db(databases="__all__")
DEPLOYMENTS, SNAPSHOTS = "/admin/psynetdata/deployment/", "/admin/exports/snapshot/"


def tick(client, address: str, action: str, rows, **more):
    asked = {"action": f"{action}_selected", "_selected_action": [row.pk for row in rows], **more}
    return client.post(address, asked, follow=True)


def confirm(client, address: str, action: str, rows, **more) -> list[str]:
    return sentences(tick(client, address, action, rows, confirmed="yes", **more))


@pytest.fixture
def two(watched):
    other = Deployment.objects.create(
        deployment_id="b", label="Other", source="local", source_url="postgres://h/b", state="archived"
    )
    return [watched, other]


def test_nothing_happens_before_the_button(person, two, take):
    client, snapshots = person("superuser"), [take(), take(4)]
    for address, rows, actions in (
        (DEPLOYMENTS, two, ("export", "snapshot", "pause", "resume", "archive")),
        (SNAPSHOTS, snapshots, ("export", "pin", "unpin", "verify")),
    ):
        for action in actions:
            text = tick(client, address, action, rows).content.decode()
            assert "what will happen" in text
            assert all(page_of(row) in text for row in rows)
    assert not Job.objects.exists()
    assert not Audit.objects.exists()
    assert set(Deployment.objects.values_list("state", flat=True)) == {"running", "archived"}


def test_each_is_done_and_what_cannot_be_is_said(person, two):
    said = confirm(person("admin"), DEPLOYMENTS, "pause", two)
    assert said == ["Other: Deployment b is archived; nothing was changed.", "1 of 2 are paused."]
    assert list(Deployment.objects.order_by("pk").values_list("state", flat=True)) == ["paused", "archived"]


def test_several_are_exported_with_the_same_options(person, two, take):
    take()
    client, choice = person("analyst"), {"anonymize": "yes", "type": "psynet", "assets": "none", "level": "open"}
    assert (
        "is not one of the available"
        in tick(client, DEPLOYMENTS, "export", two, confirmed="yes", **choice | {"anonymize": "no"}).content.decode()
    )
    said = confirm(client, DEPLOYMENTS, "export", two, **choice)
    assert said == [
        "Other: Deployment b has no good snapshot yet; load or take one first.", "1 of 2 exports were requested.",
    ]  # fmt: skip
    made = Export.objects.get()
    assert (made.owner, made.options["level"], made.options["anonymize"]) == (client.user, "open", "yes")


def test_snapshots_are_exported_pinned_and_verified(person, take):
    client, rows = person("superuser"), [take(), take(4)]
    confirm(client, SNAPSHOTS, "pin", rows)
    assert all(Snapshot.objects.values_list("pinned", flat=True))
    confirm(client, SNAPSHOTS, "unpin", rows[:1])
    assert Snapshot.objects.filter(pinned=True).count() == 1
    confirm(client, SNAPSHOTS, "export", rows, anonymize="no", type="database", assets="none")
    assert sorted(Export.objects.values_list("snapshot", flat=True)) == [row.pk for row in rows]
    confirm(client, SNAPSHOTS, "verify", rows)
    assert [job.options for job in Job.objects.filter(kind="verify").order_by("pk")] == [
        {"snapshot": row.pk} for row in sorted(rows, key=lambda row: row.pk, reverse=True)
    ]
    assert "is already verifying snapshot" in confirm(client, SNAPSHOTS, "verify", rows[:1])[0]
    assert "Verifying" in text_of(client, rows[0])


@pytest.mark.parametrize(("group", "offered"), [
    ("viewer", set()), ("analyst", {"export"}), ("admin", {"export", "snapshot", "pause", "resume", "archive"}),
])  # fmt: skip
def test_who_is_offered_what(person, two, group, offered):
    client = person(group)
    text = client.get(DEPLOYMENTS).content.decode()
    actions = ("export", "snapshot", "pause", "resume", "archive")
    assert {name for name in actions if f'value="{name}_selected"' in text} == offered
    if group == "analyst":
        confirm(client, DEPLOYMENTS, "pause", two)
        assert Deployment.objects.filter(state="paused").count() == 0


# --- an export of some participants ------------------------------------------------------------
PARTICIPANTS = "/admin/psynetdata/participant/"


def choose(client, keys, **more):
    return client.post(PARTICIPANTS, {"action": "export_selected", "_selected_action": keys, **more}, follow=True)


def test_participants_that_were_ticked_are_exported(person, deployment, snapshot, fill):
    fill(2)
    client = person("analyst")
    keys = [Participant.make_key(deployment.number, number) for number in (1, 2)]
    answer = choose(client, keys)
    text = answer.content.decode()
    assert answer.context["form"]["participants"].value() == "1-2"
    assert f'action="/admin/psynetdata/deployment/{deployment.pk}/export/"' in text
    assert "those of 2 of" in text
    assert not Export.objects.exists()
    asked = {"anonymize": "yes", "assets": "none", "type": "psynet", "level": "shared", "participants": "1-2"}
    answer = client.post(f"/admin/psynetdata/deployment/{deployment.pk}/export/", asked, follow=True)
    export = Export.objects.get()
    assert export.options["participants"] == [1, 2]
    assert "of 2 participants" in client.get("/admin/exports/export/").content.decode()
    assert "1-2" in unescape(answer.content.decode())


def test_participants_of_two_deployments_are_no_export(person, deployment, snapshot, fill):
    fill()
    other = Deployment.objects.create(deployment_id="b", label="Other", source="upload")
    for face in ("identified", "anonymous"):
        told = {"key": Participant.make_key(other.number, 1), "deployment_number": other.number, "id": 1}
        Participant.objects.using(face).create(class_name="Participant", **told)
    keys = [Participant.make_key(one.number, 1) for one in (deployment, other)]
    assert "An export has one deployment" in choose(person("analyst"), keys).content.decode()


def test_who_may_export_nothing_has_no_such_action(person, deployment, snapshot, fill):
    fill()
    client = person("viewer")
    assert "export_selected" not in client.get(PARTICIPANTS).content.decode()
    choose(client, [Participant.make_key(deployment.number, 1)])
    assert not Export.objects.exists()


def test_ids_that_are_none_are_said_at_their_field(person, deployment, snapshot):
    asked = {"anonymize": "yes", "assets": "none", "type": "psynet", "level": "shared", "participants": "P01"}
    answer = person("analyst").post(f"/admin/psynetdata/deployment/{deployment.pk}/export/", asked)
    assert "'P01' does not name participants; write their ids, like 3, 5, 8-12." in unescape(answer.content.decode())
    assert not Export.objects.exists()


def test_a_preset_is_for_all_participants(person, deployment, snapshot):
    asked = {
        "anonymize": "yes", "assets": "none", "type": "psynet", "level": "shared", "participants": "1", "verb": "keep",
        "name": "usual",
    }  # fmt: skip
    person("analyst").post(f"/admin/psynetdata/deployment/{deployment.pk}/export/", asked)
    assert ExportPreset.objects.get().options["participants"] is None
