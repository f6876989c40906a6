"""What a deployment's page tells beside its watching: how it goes, its history, notes; the way to test and restore."""

import pytest
from django.utils import timezone

from exports.models import Note, Summary
from exports.operations.deployments import add
from psynetdata.models import Audit, Deployment, MirroredTable
from tests.admin.conftest import page_of, sentences, text_of

pytestmark = pytest.mark.django_db(databases="__all__")


def add_address(deployment: Deployment) -> str:
    return f"/admin/psynetdata/deployment/{deployment.pk}/notes/add/"


def test_how_it_goes(person, deployment, snapshot):
    client = person("viewer")
    assert "Progress" not in text_of(client, deployment)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0).isoformat()
    Summary.objects.create(
        deployment=deployment, snapshot_number=snapshot.pk, taken_at=snapshot.taken_at, median_seconds=754.0,
        participants={"finished": 3, "left": 1}, progress=[1] + [0] * 8 + [3], by_hour={hour: 12},
        classes=[["info", "MyTrial", 12, 2], ["info", "OldTrial", 1, 0]],
    )  # fmt: skip
    MirroredTable.objects.using("anonymous").create(
        deployment_number=deployment.number, table="info", state="s", transform="t", columns=[], rows=12,
        classes={"MyTrial": 12},
    )  # fmt: skip
    text = text_of(client, deployment)
    # A name that the anonymous face does not show may hold an identifier, as long as these are not known.
    assert "OldTrial" not in text
    assert "OldTrial" in text_of(person("data officer"), deployment)
    for part in ("4 started: 3 finished, 1 left before the end", "3 of 4 (75 %)", "1 of 4 (25 %)", "12 min 34 s"):
        assert part in text
    assert f"/trial/?deployment={deployment.number}&amp;class=MyTrial" in text
    assert "12 trials in the last 24 hours" in text


def test_the_history_is_drawn_with_what_changed(person, take, watched):
    client = person("viewer")
    earlier = take(3, minutes=9)
    assert "psd-history" not in text_of(client, watched)
    later = take(8, pinned=True)
    text = text_of(client, watched)
    assert f"snapshot {earlier.pk}," in text
    assert "pinned: 19 rows (+5), 120 B new" in text
    assert f'href="{page_of(later)}"' in text


def test_notes_are_left_and_removed(person, deployment):
    author, other = person("viewer"), person("analyst")
    author.post(add_address(deployment), {"text": "Restarted <b>twice</b>"})
    note = Note.objects.get()
    assert "Restarted &lt;b&gt;twice&lt;/b&gt;" in text_of(other, deployment)
    remove = f"/admin/psynetdata/deployment/{deployment.pk}/notes/{note.pk}/remove/"
    assert remove in text_of(author, deployment)
    assert remove not in text_of(other, deployment)
    assert (other.post(remove).status_code, other.get(remove).status_code) == (403, 403)
    assert "Restarted &lt;b&gt;twice&lt;/b&gt;" in author.get(remove).content.decode()
    assert Note.objects.exists()
    assert person("admin").post(remove).status_code == 302
    assert not Note.objects.exists()
    assert list(Audit.objects.filter(target=str(note)).values_list("verb", flat=True).order_by("pk")) == [
        "add",
        "remove",
    ]


def test_a_note_has_text_and_an_end(person, deployment):
    client = person("viewer")
    for text in ("", "x" * 4001):
        answer = client.post(add_address(deployment), {"text": text}, follow=True)
        assert sentences(answer) == ["A note needs some text, at most 4,000 characters; it was not saved."]
    assert person("nobody").post(add_address(deployment), {"text": "x"}).status_code == 403
    assert client.post("/admin/psynetdata/deployment/99/notes/add/", {"text": "x"}).status_code == 404
    assert not Note.objects.exists()


def test_a_source_is_tested_and_says_why_not(person, watched):
    client = person("admin")
    Deployment.objects.update(source_url="postgres://reader@127.0.0.1:1/exp")
    assert "connects to the source of" in client.get(page_of(watched, "test-connection")).content.decode()
    (sentence,) = sentences(client.post(page_of(watched, "test-connection"), follow=True))
    assert "127.0.0.1:1" in sentence
    assert person("data officer").post(page_of(watched, "test-connection")).status_code == 403


def test_a_source_that_answers(person, postgres):
    row = add(postgres.database("timeline")).deployment
    client = person("superuser")
    (sentence,) = sentences(client.post(page_of(row, "test-connection"), follow=True))
    assert "answers: PostgreSQL 18" in sentence
    assert "another launch" not in sentence
    Deployment.objects.update(deployment_id="an earlier launch")
    (sentence,) = sentences(client.post(page_of(row, "test-connection"), follow=True))
    assert "It is another launch now" in sentence


@pytest.mark.parametrize(("group", "status"), [("viewer", 403), ("data officer", 403), ("admin", 200)])
def test_restoring_is_shown_to_who_may_have_both(person, watched, take, group, status):
    snapshot, client = take(), person(group)
    for row in (watched, snapshot):
        answer = client.get(page_of(row, "restore"))
        assert answer.status_code == status
        assert (f"restore {snapshot.pk} --database" in answer.content.decode()) == (status == 200)


def test_there_may_be_nothing_to_restore(person, watched):
    assert "no good snapshot to restore" in person("admin").get(page_of(watched, "restore")).content.decode()
