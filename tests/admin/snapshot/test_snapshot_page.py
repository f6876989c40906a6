"""The page of a snapshot: what is wrong with it, what changed, accepting and pinning it."""

import pytest

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Audit, Job
from tests.admin.conftest import page_of, sentences, text_of

pytestmark = pytest.mark.django_db(databases="__all__")


def test_a_suspect_snapshot_says_why_and_what_accepting_does(person, watched, take):
    good = take(3, minutes=2)
    bad = take(1, minutes=1, state="suspect", reason="There are 1 trials instead of 3.")
    take(1, state="suspect", reason="The same.")
    client = person("admin")
    text = text_of(client, bad)
    assert text.index("There are 1 trials instead of 3.") < text.index("Summary")
    text = client.get(page_of(bad, "accept")).content.decode()
    last = Snapshot.objects.latest("pk")
    assert f"then show {last} instead of {good}:" in text
    assert "1 later ones" in text
    assert "<td>−2</td>" in text


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_accepting_is_one_job_and_is_on_record(person, watched, take):
    take(3, minutes=2)
    bad = take(1, state="suspect")
    client = person("admin")
    for _ in range(2):
        assert client.post(page_of(bad, "accept")).url == page_of(bad)
    job = Job.objects.get()
    assert (job.kind, job.cluster, job.options) == ("accept", "fast", {"snapshot": bad.pk, "by": str(client.user)})
    assert f"/admin/psynetdata/job/{job.pk}/progress/" in text_of(client, bad)
    jobs.run(job.pk, raise_problems=True)
    bad.refresh_from_db()
    mirroring = Job.objects.get(kind="mirror")
    assert (bad.state, mirroring.deployment, mirroring.owner) == ("good", watched, client.user)
    assert Audit.objects.get(verb="accept").user == client.user
    assert "already good" in sentences(client.post(page_of(bad, "accept"), follow=True))[0]


def test_pin_and_unpin(person, take):
    snapshot, client = take(), person("admin")
    assert page_of(snapshot, "unpin") not in text_of(client, snapshot)
    for verb, pinned in (("pin", True), ("pin", True), ("unpin", False), ("unpin", False)):
        client.post(page_of(snapshot, verb))
        snapshot.refresh_from_db()
        assert snapshot.pinned == pinned
    assert [line.verb for line in Audit.objects.order_by("pk")] == ["pin", "unpin"]


def test_server_and_sequences(person, take):
    server = {"version": 180004, "system": "74", "database": 5, "started": "2026-11-22", "horizon": 900}
    snapshot = take(server=server, sequences={"info_id_seq": 1234, "node_id_seq": None})
    text = text_of(person("viewer"), snapshot)
    for words in ("18.4", "info_id_seq", "1,234", "never used"):
        assert words in text


def test_neighbours_in_the_history(person, take):
    first, middle, last = take(minutes=2), take(4, minutes=1), take(5)
    text = text_of(person("viewer"), middle)
    assert page_of(first) in text
    assert page_of(last) in text
    assert "first snapshot of this deployment" in text_of(person("viewer"), first)


def test_a_large_database_is_not_packed_by_a_page(person, take):
    snapshot, client = take(), person("data officer")
    Snapshot.objects.update(bytes=2_000_000_000)
    text = client.get(page_of(snapshot, "database-zip")).content.decode()
    assert f"manage.py snapshot download {snapshot.pk}" in text
    assert "Download it" not in text
    assert "too large" in sentences(client.post(page_of(snapshot, "database-zip"), follow=True))[0]
