"""The page of a watched deployment, the first page and the lists."""

from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.models import Watch
from psynetdata import jobs
from psynetdata.models import Audit, Beat, Deployment, Job
from tests.admin.conftest import page_of, text_of

pytestmark = pytest.mark.django_db(databases="__all__")


# --- the page of a deployment ---------------------------------------------------------------
def test_alarms_come_first(person, watched, take, alarm):
    alarm()
    suspect = take(1, state="suspect")
    text = text_of(person("viewer"), watched)
    assert text.index("There are fewer rows than in snapshot 1.") < text.index("Summary")
    assert f'See <a class="psd-link" href="{page_of(suspect)}">' in text


def test_a_suspect_snapshot_is_said_before_the_next_look(person, watched, take):
    take(3, minutes=1)
    take(1, state="suspect", reason="There are 1 trials instead of 3.")
    text = text_of(person("viewer"), watched)
    assert text.index("There are 1 trials instead of 3.") < text.index("Summary")


def test_what_changed_comes_from_counts_and_hashes(person, watched, take):
    take(3, minutes=3)
    take(3, minutes=2)
    take(5, minutes=1)
    take(4)
    text = text_of(person("viewer"), watched)
    for words in ("the first one", ">nothing<", "trials +2", "trials −1", "120 B", "0.3 s"):
        assert words in text, words


def test_the_schedule_and_why_it_is_stretched(person, watched):
    client = person("viewer")
    assert "every 60 seconds" in text_of(client, watched)
    now = timezone.now()
    job = {"kind": "snapshot", "deployment": watched, "started_at": now - timedelta(seconds=50), "finished_at": now}
    Job.objects.create(state="done", **job)
    assert "every 200 seconds, increased from 60" in text_of(client, watched)
    watched.every = None
    watched.save()
    assert "only on request" in text_of(client, watched)


def test_why_the_last_try_failed_is_for_those_who_look_after_it(person, watched):
    reason = "exp on db.lab.org:5432: no PostgreSQL answers there."
    Job.objects.create(kind="snapshot", deployment=watched, state="failed", reason=reason, finished_at=timezone.now())
    assert reason in text_of(person("admin"), watched)
    text = text_of(person("viewer"), watched)
    assert "db.lab.org" not in text
    assert "failed" in text


def test_an_alarm_names_the_source_to_those_who_look_after_it(person, watched, alarm):
    alarm("unreachable", "exp on db.lab.org:5432: no PostgreSQL answers there.")
    for path in ("/admin/", page_of(watched)):
        assert "db.lab.org" in person("admin").get(path).content.decode()
        text = person("viewer").get(path).content.decode()
        assert "db.lab.org" not in text
        assert "The source does not answer" in text


def test_the_last_drill(person, watched):
    result = {"sentence": "Snapshot 3 was restored in 1.2 s."}
    Job.objects.create(kind="drill", deployment=watched, state="done", result=result, finished_at=timezone.now())
    assert "Snapshot 3 was restored in 1.2 s." in text_of(person("viewer"), watched)


def test_what_continues_what(person, watched):
    later = Deployment.objects.create(deployment_id="faces__launch=2", label="Later", continues=watched)
    watched.state = "finished"
    watched.save()
    Audit.record("new launch", deployment=later, target="snapshot 9", closes=watched.number, continues=True)
    client = person("viewer")
    assert "which continues it" in text_of(client, watched)
    assert page_of(later) in text_of(client, watched)
    assert page_of(watched) in text_of(client, later)


def test_a_deployment_that_was_handed_in_is_not_watched(person, deployment):
    text = text_of(person("admin"), deployment)
    assert "last try" not in text
    assert 'name="every"' not in text
    assert "Snapshot now" not in text


# --- the first page and the lists -----------------------------------------------------------
@pytest.fixture
def working(db):
    for cluster in jobs.CLUSTERS:
        Beat.objects.create(cluster=cluster, at=timezone.now())


def test_the_first_page_begins_with_alarms(person, working, take, alarm, watched):
    client = person("viewer")
    assert client.get("/admin/").context["first"][0].title == "No alarms"
    alarm()
    alarm("storage", "There is hardly any space left.", of=None)
    card = client.get("/admin/").context["first"][0]
    assert (card.title, len(card.context["alarms"])) == ("2 alarms", 2)
    text = client.get("/admin/").content.decode()
    assert "the desk itself" in text
    assert page_of(watched) in text


def test_where_nobody_looks_there_is_no_all_clear(person):
    assert "stand still" in person("viewer").get("/admin/").content.decode()


@pytest.mark.parametrize(("state", "every", "minutes", "late"), [
    ("running", 60, 2, False), ("running", 60, 4, True), ("running", 600, 4, False), ("paused", 60, 400, False),
    ("running", None, 400, False),
])  # fmt: skip
def test_a_late_snapshot_is_marked(person, watched, take, state, every, minutes, late):
    take(minutes=minutes)
    Deployment.objects.update(state=state, every=every)
    Watch.objects.create(deployment=watched, since=timezone.now() - timedelta(days=1))
    for path in ("/admin/", "/admin/psynetdata/deployment/"):
        assert (">late<" in person("viewer").get(path).content.decode()) == late, path


def test_one_that_was_resumed_a_moment_ago_is_not_late(person, watched, take):
    take(minutes=400)
    assert ">late<" not in person("viewer").get("/admin/").content.decode()
    Watch.objects.create(deployment=watched, since=timezone.now() - timedelta(minutes=1))
    assert ">late<" not in person("viewer").get("/admin/").content.decode()


@pytest.mark.parametrize("address", ["/admin/", "/admin/psynetdata/deployment/", "/admin/exports/snapshot/"])
def test_as_many_queries_for_thirty_deployments_as_for_one(person, working, watched, take, alarm, address):
    client = person("admin")

    def fill(of) -> None:
        take(3, minutes=2, of=of)
        take(1, of=of, state="suspect")
        alarm(of=of)
        Watch.objects.create(deployment=of, since=timezone.now())
        Job.objects.create(kind="snapshot", deployment=of, state="done", finished_at=timezone.now())

    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    fill(watched)
    queries()
    one = queries()
    for number in range(29):
        fill(Deployment.objects.create(deployment_id=f"more {number}", source="local", every=60))
    assert queries() == one


def test_a_deployments_page_asks_no_more_for_a_long_history(person, watched, take):
    client = person("admin")

    def queries() -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            text_of(client, watched)
        return len(captured)

    take(minutes=1000)
    queries()
    one = queries()
    for number in range(1, 40):
        take(number, minutes=number)
    assert queries() == one


def test_markup_in_sentences_is_text(person, watched, take, alarm):
    markup = "<script>alert(1)</script>"
    alarm(sentence=markup)
    bad = take(1, state="suspect", reason=markup)
    client = person("admin")
    Deployment.objects.update(label=markup)
    for path in ("/admin/", page_of(watched), page_of(bad), page_of(bad, "accept"), page_of(watched, "pause")):
        assert "<script>alert(1)" not in client.get(path).content.decode(), path


def test_words_for_numbers():
    from exports.admin.snapshot.count_diff import Change
    from exports.admin.watch.health import seconds_words

    assert [seconds_words(length) for length in (0.04, 9.94, 12, 125)] == ["0.0 s", "9.9 s", "12 s", "2 minutes"]
    assert [Change("x", *pair).words for pair in ((None, 1), (1, None), (1, 1), (1, 2001), (5, 3))] == [
        "new table", "gone", "changed", "+2,000", "−2",
    ]  # fmt: skip
