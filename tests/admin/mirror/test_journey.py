"""A participant's way through the experiment, on one page."""

from datetime import timedelta

import pytest
from django.conf import settings

from psynetdata.models import Asset, Participant, Response, Trial
from tests.admin.conftest import MOMENT, page_of, text_of
from tests.admin.mirror.test_lists import queries

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def person_with(deployment):
    """person_with(trials=3) → a participant who began at MOMENT, with so many trials, responses and assets."""

    def make(trials: int) -> Participant:
        for face in settings.FACES:
            for number in range(1, trials + 1):
                for seconds, model, texts in (
                    (60, Trial, {"answer": f'{{"colour": "red {number}"}}', "definition": '{"shape": "circle"}'}),
                    (61, Response, {"answer": f'"said {number}"', "question": "what"}),
                    (62, Asset, {"module_id": "module", "local_key": "recording"}),
                ):
                    _row(face, deployment, model, number, seconds * number, participant_id=7, **texts)
            _row(face, deployment, Participant, 7, 0)
            _row(face, deployment, Trial, 999, 5, participant_id=8, answer='"of somebody else"')
        return Participant.objects.using("anonymous").get(id=7)

    return make


def _row(face, deployment, model, number, seconds, **columns):
    at = MOMENT + timedelta(seconds=seconds)
    key = model.make_key(deployment.number, number)
    model.objects.using(face).create(
        key=key, deployment_number=deployment.number, id=number, class_name=model.__name__, creation_time=at, **columns
    )


def test_everything_in_the_order_of_time(person, person_with):
    text = text_of(person("viewer"), person_with(2))
    way = text[text.index('class="psd-way"') :]
    order = [way.index(clock) for clock in ("+1:00", "+1:01", "+1:02", "+2:00", "+2:02", "+2:04")]
    assert order == sorted(order)
    assert "<details" in way
    assert "of somebody else" not in way


def test_as_many_queries_for_a_hundred_rows_as_for_one(person, person_with):
    client = person("data officer")
    page = page_of(person_with(1))
    client.get(page)
    one = queries(client, page)
    for face in settings.FACES:
        Participant.objects.using(face).all().delete()
        for model in (Trial, Response, Asset):
            model.objects.using(face).all().delete()
    person_with(100)
    assert queries(client, page) == one


def test_a_long_way_is_cut_and_says_so(person, person_with, monkeypatch):
    monkeypatch.setattr("psynetdata.admin.mirror.journey.MOST", 2)
    text = text_of(person("viewer"), person_with(3))
    assert "The first 2 of each kind" in text
    assert ("said 2" in text, "said 3" in text) == (True, False)
