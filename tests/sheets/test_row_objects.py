"""`Trial.query` and its like, over real data."""

from datetime import UTC, datetime

import pytest
from django.db.models import Q

from psynetdata import models
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets import Asset, Network, Node, Participant, Response, Trial, scope

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


@pytest.fixture
def static(loaded):
    return loaded("static")


def test_outside_a_scope_it_says_so():
    with pytest.raises(RuntimeError, match="inside get_basic_data"):
        Trial.query  # noqa: B018  the property itself raises


def test_only_the_deployment_and_the_face_that_are_asked_for(static, loaded):
    other = loaded("static_audio")
    seen = {}
    for deployment in (static, other):
        for face in (IDENTIFIED, ANONYMOUS):
            with scope(deployment, face):
                seen[deployment.number, face] = [participant.worker_id for participant in Participant.query.all()]
            wanted = models.Participant.objects.using(face).filter(deployment_number=deployment.number)
            assert seen[deployment.number, face] == list(wanted.values_list("worker_id", flat=True))
    assert len({tuple(workers) for workers in seen.values()}) == 4
    with scope(static, IDENTIFIED):
        assert Trial.query.count() == 130
        assert Asset.query.count() == 0
        assert [row.id for row in Response.query] == sorted(row.id for row in Response.query)


def test_ways_to_ask(static):
    with scope(static, IDENTIFIED):
        everything = list(Trial.query)
        good = Trial.query.filter_by(failed=False, finalized=True)
        assert [row.id for row in good.all()] == [row.id for row in everything if not row.failed and row.finalized]
        assert good.count() == len(good) > 0
        assert Trial.query.first().id == everything[0].id
        assert Trial.query.order_by("-id").first().id == everything[-1].id
        assert Trial.query.filter_by(id=5).one().id == 5
        assert Trial.query.filter_by(id=-1).one_or_none() is None
        assert Trial.query.get(5) == Trial.query.filter(id=5).get()
        assert Trial.query.get(-1) is None
        assert Trial.query.filter(Q(id=1) | Q(id=2)).count() == 2
        assert Trial.query.filter(id__in=[1, 2], answer__contains="much").count() == 2
        assert Trial.query.exclude(id__gt=3).count() == 3
        assert list(Trial.query.values_list("id", flat=True)) == [row.id for row in everything]
        with pytest.raises(models.Trial.DoesNotExist):
            Trial.query.filter_by(id=-1).one()


def test_columns_that_no_field_of_ours_holds(static):
    with scope(static, IDENTIFIED):
        everything = list(Trial.query)
        kept = Trial.query.filter_by(propagate_failure=True)
        assert [row.id for row in kept] == [row.id for row in everything if row.propagate_failure]
        assert 0 < kept.count() < len(everything)
        assert Trial.query.filter(origin_id=6, time_credit_from_trial=3.0).count() == sum(
            row.origin_id == 6 and row.time_credit_from_trial == 3.0 for row in everything
        )
        assert Trial.query.filter_by(contents=None).count() == 130
        assert Trial.query.filter(trial_maker_id__startswith="anim").count() == 130
        assert Trial.query.filter(origin_id__in=["6", "3"]).count() == sum(
            row.origin_id in (3, 6) for row in everything
        )


def test_values_are_decoded(static):
    with scope(static, IDENTIFIED):
        trial = Trial.query.filter_by(id=1).one()
        assert trial.answer == "Very much"
        assert trial.definition == {"animal": "dogs", "text_color": "green"}
        assert str(trial.definition) == "{'animal': 'dogs', 'text_color': 'green'}"
        assert trial.creation_time == datetime(2026, 11, 22, 8, 12, 49, trial.creation_time.microsecond, tzinfo=UTC)
        assert trial.propagate_failure is True
        assert trial.time_credit_from_trial == 3.0
        assert trial.failed_reason is None
        assert Trial.query.filter_by(answer="Very much").filter_by(definition=trial.definition).count() >= 1
        with pytest.raises(AttributeError, match="no column colour"):
            trial.colour  # noqa: B018


def test_text_that_looks_like_a_number_stays_text(static):
    somebody = models.Participant.objects.using(IDENTIFIED).order_by("key").first()
    models.Participant.objects.using(IDENTIFIED).filter(pk=somebody.pk).update(worker_id="00123", answer='"7"')
    with scope(static, IDENTIFIED):
        participant = Participant.query.filter_by(worker_id="00123").one()
        assert participant.worker_id == "00123"
        assert participant.answer == "7"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": [1, 2.5, null, true]}', "{'a': [1, 2.5, None, True]}"),
        ("NaN", "nan"),
        ('[1, "x"]', "[1, 'x']"),
        ("3.0", "3.0"),
        ("null", "None"),
        ("true", "True"),
        ('{"py/object": "builtins.set"}', "{'py/object': 'builtins.set'}"),
    ],
)
def test_an_answer_shows_as_psynet_would_show_it(static, text, shown):
    models.Trial.objects.using(IDENTIFIED).filter(id=1).update(answer=text)
    with scope(static, IDENTIFIED):
        assert str(Trial.query.filter_by(id=1).one().answer) == shown


def test_following_costs_one_query_for_all(static, django_assert_num_queries):
    with scope(static, IDENTIFIED) as found:
        trials = list(Trial.query.all())
        with django_assert_num_queries(2, using=IDENTIFIED):
            names = {trial.id: (trial.participant.id, trial.node.id) for trial in trials}
        assert names == {trial.id: (trial.participant_id, trial.node_id) for trial in trials}
        assert trials[0].participant is trials[0].participant
        assert trials[0].node.network.id == trials[0].network_id
        repeated = [trial for trial in trials if trial.parent_trial_id]
        assert all(trial.parent_trial.id == trial.parent_trial_id for trial in repeated)
        assert next(trial.parent_trial for trial in trials if not trial.parent_trial_id) is None
        assert trials[0].origin.id == trials[0].origin_id
        with pytest.raises(AttributeError, match="no column unique"):  # a key to a text, not to a row's number
            _ = trials[0].participant.unique
        assert found.followed


def test_vars(static):
    models.Participant.objects.using(IDENTIFIED).filter(id=1).update(vars='{"age": 31, "list": [1]}')
    with scope(static, IDENTIFIED):
        var = Participant.query.get(1).var
        assert (var.age, var.get("list"), var.get("other", 5), var.has("age")) == (31, [1], 5, True)
        with pytest.raises(AttributeError):
            var.other  # noqa: B018


def test_a_class_of_one_s_own_is_that_class(static):
    class AnimalTrial(Trial):
        pass

    class Bot(Participant):
        pass

    with scope(static, IDENTIFIED):
        assert AnimalTrial.query.count() == 130
        assert Bot.query.count() == 3
        assert type(Bot.query.first()) is Bot


def test_sqlalchemy_s_expressions_are_refused_in_a_sentence(static):
    with scope(static, IDENTIFIED):
        for expression in (
            lambda: Trial.query.filter(Trial.failed == False),  # noqa: E712
            lambda: Trial.query.filter(~Trial.failed),
            lambda: Trial.query.filter(Trial.failed),
            lambda: Trial.query.filter(Trial.id.in_([1])),
            lambda: Trial.query.order_by(Trial.id.desc()),
            lambda: Trial.query.order_by(Trial.id),
            lambda: Trial.query.filter(True),
        ):
            with pytest.raises(UsageError, match=r"SQLAlchemy.*filter_by\(failed=False\)"):
                expression()
        with pytest.raises(UsageError, match="has no column colour; it has"):
            Trial.query.filter_by(colour="red")


def test_a_table_that_is_not_there_is_empty():
    deployment = Deployment.objects.create(deployment_id="empty")
    assert not MirroredTable.objects.using(IDENTIFIED).filter(deployment_number=deployment.number)
    with scope(deployment, IDENTIFIED):
        assert list(Trial.query.filter_by(failed=False).filter(id__gt=3)) == []
        assert Network.query.first() is None
        assert Node.query.count() == 0
