"""New launches at a source, suspect snapshots, and what a person then says."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from exports.models import Snapshot
from exports.operations import deployments
from psynetdata import credentials
from psynetdata.anonymize.face.deployment_anonymizer import key_of
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import shows
from psynetdata.models import Deployment, Job, Participant
from psynetdata.psynet.problems import Conflict, Problem
from psynetdata.visibility import set_access
from tests.mirrored import accept, take

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
NEW_LAUNCH = "UPDATE experiment SET vars = jsonb_set(vars::jsonb, '{deployment_id}', '\"second-launch\"')::text"
NO_ROWS = "TRUNCATE participant, info, response, module_state, notification, request, question, recruitment"


def shown(snapshot, deployment, face=IDENTIFIED) -> bool:
    """Whether the mirror shows just this snapshot."""
    states = {table: entry["state"] for table, entry in snapshot.tables.items() if table != "request"}
    return shows(face, deployment) == states


class TestSuspect:
    def test_rows_that_fell(self, experiment):
        running = experiment()
        good = take(running.deployment).snapshot
        running.sql("DELETE FROM info WHERE id > 100")
        taken = take(running.deployment)
        suspect = taken.snapshot
        assert suspect.state == Snapshot.State.SUSPECT
        assert "100 trials instead of 130" in suspect.reason
        assert taken.warnings == [f"Snapshot {suspect.pk} is suspect: {suspect.reason}"]
        good.refresh_from_db()
        assert good.pinned
        assert Snapshot.objects.newest(running.deployment) == good
        assert shown(good, running.deployment)
        assert shown(good, running.deployment, ANONYMOUS)

    def test_an_empty_database_moves_nothing(self, experiment):
        running = experiment()
        good = take(running.deployment).snapshot
        running.sql(NO_ROWS + ", experiment, experiment_status")
        suspect = take(running.deployment).snapshot
        assert (suspect.state, suspect.deployment) == (Snapshot.State.SUSPECT, running.deployment)
        assert "no longer says which deployment" in suspect.reason
        assert Deployment.objects.get().label == "Static experiment demo"
        assert shown(good, running.deployment)

    def test_rows_that_come_back(self, experiment):
        running = experiment()
        take(running.deployment)
        running.sql("CREATE TABLE kept AS SELECT * FROM info; DELETE FROM info WHERE id > 100")
        assert take(running.deployment).snapshot.state == Snapshot.State.SUSPECT
        running.sql("INSERT INTO info SELECT * FROM kept WHERE id > 100; DROP TABLE kept")
        back = take(running.deployment).snapshot
        assert back.state == Snapshot.State.GOOD
        assert shown(back, running.deployment)

    @pytest.mark.each_database
    def test_accepted_with_those_that_follow_from_it(self, experiment):
        running = experiment()
        good = take(running.deployment).snapshot
        running.sql("DELETE FROM info WHERE id > 100")
        first = take(running.deployment).snapshot
        second = take(running.deployment).snapshot
        running.sql("DELETE FROM info WHERE id > 90")
        third = take(running.deployment).snapshot
        assert accept(first) == [first, second]
        states = dict(Snapshot.objects.values_list("pk", "state"))
        assert states == {good.pk: "good", first.pk: "good", second.pk: "good", third.pk: "suspect"}
        assert shown(second, running.deployment)
        with pytest.raises(Conflict, match="is not suspect"):
            accept(first)
        assert take(running.deployment).snapshot.state == Snapshot.State.SUSPECT
        fourth = Snapshot.objects.order_by("-pk").first()
        assert accept(third) == [third, fourth]
        assert take(running.deployment).snapshot.state == Snapshot.State.GOOD

    def test_what_it_says_of_itself_cannot_be_read(self, experiment):
        running = experiment()
        good = take(running.deployment).snapshot
        running.sql("UPDATE experiment SET vars = 'no JSON'")
        suspect = take(running.deployment).snapshot
        assert suspect.state == Snapshot.State.SUSPECT
        assert "no longer says which deployment" in suspect.reason
        assert shown(good, running.deployment)


class TestNewLaunch:
    @pytest.mark.each_database
    def test_that_is_being_loaded_from_a_file_just_now(self, experiment):
        running = experiment()
        take(running.deployment)
        running.sql(NEW_LAUNCH)
        loading = Job.objects.create(
            kind="load", state="running", heartbeat_at=timezone.now(), options={"claims": "second-launch"}
        )
        with pytest.raises(Conflict, match="is working on second-launch"):
            take(running.deployment)
        assert Deployment.objects.get() == running.deployment
        loading.delete()
        assert take(running.deployment).deployment.deployment_id == "second-launch"

    def test_over_fresh_rows(self, experiment):
        running = experiment(every=120, label="Mine")
        before = take(running.deployment).snapshot
        key = key_of(running.deployment)
        running.sql(f"{NEW_LAUNCH}; {NO_ROWS}")
        taken = take(running.deployment)
        new, old = taken.deployment, Deployment.objects.get(pk=running.deployment.pk)
        assert (new.deployment_id, new.state, old.state) == ("second-launch", "running", "finished")
        assert (new.continues, new.every, new.source_url) == (None, 120, old.source_url)
        assert (new.due_at is not None, old.due_at) == (True, None)
        assert key_of(new) != key
        assert taken.snapshot.state == Snapshot.State.GOOD
        assert "takes the place of" in taken.warnings[0]
        assert Snapshot.objects.newest(old) == before
        assert shown(before, old)
        assert Participant.objects.using(IDENTIFIED).filter(deployment_number=new.pk).count() == 0

    @pytest.mark.each_database
    def test_over_rows_that_are_known(self, experiment):
        running = experiment()
        take(running.deployment)
        key = key_of(running.deployment)
        running.sql(f"{NEW_LAUNCH}; UPDATE participant SET status = 'approved' WHERE id < 4")
        taken = take(running.deployment)
        assert taken.deployment.continues == running.deployment
        assert key_of(taken.deployment) == key
        assert "continues" in taken.warnings[0]
        assert Participant.objects.using(ANONYMOUS).filter(deployment_number=taken.deployment.pk).count() == 15
        with pytest.raises(Conflict, match="is finished"):
            take(Deployment.objects.get(pk=running.deployment.pk))
        assert take(taken.deployment).read == 0

    def test_back_to_an_earlier_one(self, experiment):
        """The old launch's database was put back: the deployment that is known goes on."""
        running = experiment()
        take(running.deployment)
        running.sql("CREATE TABLE kept AS SELECT * FROM experiment")
        running.sql(NEW_LAUNCH)
        second = take(running.deployment).deployment
        running.sql("UPDATE experiment SET vars = (SELECT vars FROM kept); DROP TABLE kept")
        taken = take(second)
        assert taken.deployment == running.deployment
        assert (taken.deployment.state, taken.deployment.continues) == ("running", None)
        assert Deployment.objects.get(pk=second.pk).state == "finished"


class TestWhatANewLaunchTakesOver:
    def test_an_earlier_one_with_fewer_rows_is_suspect(self, experiment):
        running = experiment()
        good = take(running.deployment).snapshot
        running.sql("CREATE TABLE kept AS SELECT * FROM experiment")
        running.sql(NEW_LAUNCH)
        second = take(running.deployment).deployment
        running.sql("UPDATE experiment SET vars = (SELECT vars FROM kept); DELETE FROM info WHERE id > 100")
        taken = take(second)
        assert (taken.deployment, taken.snapshot.state) == (running.deployment, Snapshot.State.SUSPECT)
        assert "100 trials instead of 130" in taken.warnings[1]
        assert Snapshot.objects.newest(taken.deployment) == good
        assert Snapshot.objects.get(pk=good.pk).pinned

    def test_one_that_is_paused_stays_paused(self, experiment):
        running = experiment()
        deployments.pause(running.deployment)
        running.sql(NEW_LAUNCH)
        new = take(running.deployment).deployment
        assert (new.state, new.due_at) == ("paused", None)

    @pytest.mark.each_database
    def test_none_takes_the_place_of_one_that_is_watched_elsewhere(self, experiment):
        here, there = experiment(), experiment("timeline")
        first = take(there.deployment).snapshot
        there.sql("UPDATE experiment SET vars = jsonb_set(vars::jsonb, '{deployment_id}', to_jsonb(%s::text))::text",
                  (here.deployment.deployment_id,))  # fmt: skip
        with pytest.raises(Conflict, match="is watched at another address"):
            take(there.deployment)
        assert Deployment.objects.get(pk=here.deployment.pk).source_url == here.deployment.source_url
        assert list(Snapshot.objects.all()) == [first]

    def test_it_is_hidden_from_whom_the_one_before_was(self, experiment):
        running, colleague = experiment(), User.objects.create_user("colleague")
        set_access(running.deployment, restricted=True, people=[colleague], slack_channel="zoo-alarms")
        running.sql(NEW_LAUNCH)
        new = take(running.deployment).deployment
        assert (new.restricted, list(new.people.all()), new.slack_channel) == (True, [colleague], "zoo-alarms")

    def test_its_password_is_its_own(self, experiment):
        running = experiment()
        running.sql(NEW_LAUNCH)
        new = take(running.deployment).deployment
        assert credentials.reveal(new.source_secret) == credentials.reveal(running.deployment.source_secret)
        credentials.keep(f"source {running.deployment.number}", "of another address")
        assert take(new).snapshot.state == Snapshot.State.GOOD

    def test_a_name_of_blanks_is_none(self, experiment):
        running = experiment()
        running.sql(NEW_LAUNCH.replace("second-launch", "  "))
        with pytest.raises(Problem, match="is not a name"):
            take(running.deployment)
        assert Deployment.objects.count() == 1


def test_a_clock_that_was_set_back(experiment):
    running = experiment()
    before = [take(running.deployment).snapshot.pk for _ in range(2)]
    ahead = timezone.now() + timedelta(days=1)
    for number, pk in enumerate(before):
        Snapshot.objects.filter(pk=pk).update(taken_at=ahead + timedelta(minutes=number))
    newest = take(running.deployment).snapshot
    assert list(Snapshot.objects.order_by("taken_at").values_list("pk", flat=True)) == [*before, newest.pk]
    assert newest.taken_at < timezone.now()


def test_one_address_is_watched_once(experiment, loaded):
    running = experiment()
    running.sql(NEW_LAUNCH)
    with pytest.raises(Conflict, match="is already watched, for deployment static"):
        deployments.add(running.url)
    new = take(running.deployment).deployment
    with pytest.raises(Conflict, match="is already watched, for deployment second-launch"):
        deployments.resume(Deployment.objects.get(pk=running.deployment.pk))
    again = deployments.add(running.url, every=300)
    assert (again.deployment, again.created, again.deployment.every) == (new, False, 300)


def test_what_was_handed_in_can_be_watched_later(experiment, loaded):
    before = loaded("static").snapshots.get()
    running = experiment("static")
    taken = take(running.deployment)
    assert taken.snapshot.deployment == before.deployment
    assert taken.snapshot.contents == before.contents
    assert taken.snapshot.new_bytes < before.new_bytes
    assert shown(taken.snapshot, running.deployment)
