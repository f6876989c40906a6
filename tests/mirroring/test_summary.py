"""The numbers of a deployment's page: those of its rows, and no segment is counted twice."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.mirroring import missing_summaries
from exports.mirroring.mirror import mirror
from exports.mirroring.summary import summarize
from exports.models import SegmentTally, Summary
from psynetdata import jobs
from psynetdata.faces import IDENTIFIED
from psynetdata.models import TYPED_MODELS, Deployment, Job, Participant
from tests.store.snapshot_factory import reference, written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
PEOPLE = ["id", "type", "creation_time", "end_time", "progress", "complete", "failed", "status"]
TRIALS = ["id", "type", "creation_time", "failed"]


def someone(number: int, *, minutes: int | None = None, status="working", failed="f", progress="0.25") -> list:
    end = None if minutes is None else f"2026-11-22 08:{minutes:02}:00"
    complete = "f" if minutes is None else "t"
    share = progress if minutes is None else "1"
    return [str(number), "participant", "2026-11-22 08:00:00", end, share, complete, failed, status]


def trial(number: int, hour: str, failed="f") -> list:
    return [str(number), "dallinger_experiment.experiment.MyTrial", f"2026-11-{hour}:59:59.5", failed]


def mirrored(people: list, trials: list) -> Summary:
    mirror(written_down({"participant": [PEOPLE, *people], "info": [TRIALS, *trials]}))
    return Summary.objects.get()


def test_people_are_told_apart_and_trials_by_the_hour():
    people = [
        someone(1, minutes=10), someone(2, minutes=14), someone(3, minutes=40), someone(4),
        someone(5, status="returned"), someone(6, failed="t"), someone(7, minutes=1, failed="t"),
    ]  # fmt: skip
    trials = [trial(1, "21 09"), trial(2, "22 08"), trial(3, "22 08", "t"), trial(4, "22 09")]
    found = mirrored(people, trials)
    assert found.participants == {"finished": 3, "working": 1, "left": 1, "failed": 2}
    assert found.median_seconds == 14 * 60
    assert found.progress == [0, 0, 3, 0, 0, 0, 0, 0, 0, 4]
    # The snapshot is of 9:30: what is older than a day is not told by the hour.
    assert found.by_hour == {
        "2026-11-21T09:00:00+00:00": 1, "2026-11-22T08:00:00+00:00": 2, "2026-11-22T09:00:00+00:00": 1,
    }  # fmt: skip
    assert found.classes == [["info", "MyTrial", 4, 1], ["participant", "Participant", 7, 2]]


def test_what_follows_equals_what_is_counted_anew_and_reads_what_changed():
    people = [someone(1, minutes=10), someone(2)]
    mirrored(people, [trial(1, "22 08")])
    with CaptureQueriesContext(connections[IDENTIFIED]) as captured:
        followed = mirrored([*people, someone(3)], [trial(1, "22 08")])
    counted = [query["sql"] for query in captured if "GROUP BY" in query["sql"]]
    assert [table for table in ("participant", "trial") if any(f'_{table}"' in sql for sql in counted)] == [
        "participant"
    ]
    told = {name: value for name, value in vars(followed).items() if name != "_state"}
    SegmentTally.objects.all().delete()
    assert summarize(followed.deployment.snapshots.first()) is not None
    assert {name: value for name, value in vars(Summary.objects.get()).items() if name != "_state"} == told
    assert SegmentTally.objects.count() == 2


def test_another_clock_moves_the_hours():
    mirrored([], [trial(1, "22 08")])
    Deployment.objects.update(clock_offset=120)
    assert mirrored([], [trial(1, "22 08")]).by_hour == {"2026-11-22T06:00:00+00:00": 1}


def test_nothing_is_told_of_what_the_mirror_does_not_show():
    mirrored([someone(1)], [])
    newer = written_down({"participant": [PEOPLE, someone(1), someone(2)]})
    assert summarize(newer) is None
    assert Summary.objects.get().participants == {"working": 1}


def test_what_was_mirrored_before_there_were_summaries_gets_one_by_the_minute():
    told = vars(mirrored([someone(1), someone(2, minutes=3)], [trial(1, "22 08")]))
    assert not missing_summaries.send_missing()
    Summary.objects.all().delete()
    SegmentTally.objects.all().delete()
    Deployment.objects.create(deployment_id="without a snapshot")
    filling = Job.objects.create(kind="mirror", deployment=Deployment.objects.get(summary=None, snapshots__gt=0))
    assert not missing_summaries.send_missing()
    filling.delete()
    (job,) = missing_summaries.send_missing()
    assert not missing_summaries.send_missing()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, {"made": True})
    made = vars(Summary.objects.get())
    assert {name: made[name] for name in told if name != "_state"} == {n: told[n] for n in told if n != "_state"}


def test_a_mirror_that_shows_another_snapshot_is_tried_once():
    mirrored([someone(1)], [])
    written_down({"participant": [PEOPLE, someone(1), someone(2)]})
    Summary.objects.all().delete()
    (job,) = missing_summaries.send_missing()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, {"made": False})
    assert not Summary.objects.exists()
    assert not missing_summaries.send_missing()


def test_no_summary_is_made_while_the_mirror_is_filled():
    """It could be saved after that of the newer rows."""
    mirrored([someone(1)], [])
    Summary.objects.all().delete()
    (job,) = missing_summaries.send_missing()
    filling = Job.objects.create(
        kind="mirror", state="running", heartbeat_at=timezone.now(), options={"mirrors": "made__launch"}
    )
    jobs.run(job.pk)
    assert not Summary.objects.exists()
    filling.refresh_from_db()
    assert filling.options["again"]


def test_a_reference_database():
    snapshot = reference("static_audio")
    mirror(snapshot)
    found = Summary.objects.get()
    rows = {model.TABLE: model._default_manager.using(IDENTIFIED).count() for model in TYPED_MODELS.values()}
    by_table = {table: sum(one[2] for one in found.classes if one[0] == table) for table in rows}
    assert by_table == rows
    assert sum(found.participants.values()) == Participant.objects.using(IDENTIFIED).count()
    assert sum(count for sides in found.assets.values() for count, _ in sides.values()) == rows["asset"]
