"""Rows that are transformed before the face is changed: once, completely, and used only for that change."""

import pytest

from psynetdata.faces import ANONYMOUS
from psynetdata.mirror import PreparedRows, Transform, prepare, refresh, shows
from psynetdata.models import Deployment, Response
from tests.mirror.live_experiment import Live

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


class Shouting:
    """A transform that counts the rows it is given, and can be stopped after some of them."""

    withheld = frozenset()

    def __init__(self, stops_after=None):
        self.rows, self.stops_after = 0, stops_after

    def table(self, table, columns):
        return self

    def block(self, rows):
        self.rows += len(rows)
        if self.stops_after and self.rows > self.stops_after:
            raise KeyboardInterrupt
        return [[cell.upper() if cell.startswith('"') else cell for cell in row] for row in rows]


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="a-launch", clock_offset=0)


@pytest.fixture
def live():
    live = Live()
    for number in range(40):
        live.put("response", participant_id="1", question="animal", answer=f'"cat {number}\nand\tñ"')
    live.put("response", participant_id=None, question="", answer='""')
    live.put("pet", note='"a dog"')
    return live


@pytest.fixture
def prepared(tmp_path):
    return PreparedRows(tmp_path / "prepared")


def filled(deployment, live, name="shouting", prepared=None):
    shouting = Shouting()
    refresh(ANONYMOUS, deployment, live, Transform(name, shouting.table), prepared=prepared)
    return shouting.rows


def cells():
    return list(Response.objects.using(ANONYMOUS).order_by("key").values_list("id", "answer", "question", "rest"))


def test_a_refresh_transforms_nothing_that_is_prepared(deployment, live, prepared):
    assert filled(deployment, live) == 42
    expected = cells()
    live.rows["response"][41]["question"] = "again"  # so that the face differs, and then is the same
    filled(deployment, live, "another")
    live.rows["response"][41]["question"] = ""
    prepare(ANONYMOUS, deployment, live, Transform("shouting", Shouting().table), prepared)
    assert filled(deployment, live, prepared=prepared) == 0
    assert cells() == expected
    assert expected[0][1] == '"CAT 0\nAND\tÑ"'


def test_what_was_finished_before_a_kill_is_not_made_again(deployment, live, prepared):
    with pytest.raises(KeyboardInterrupt):
        prepare(ANONYMOUS, deployment, live, Transform("shouting", Shouting(41).table), prepared)
    assert shows(ANONYMOUS, deployment) == {}
    rest = Shouting()
    prepare(ANONYMOUS, deployment, live, Transform("shouting", rest.table), prepared)
    assert 0 < rest.rows < 42
    assert filled(deployment, live, prepared=prepared) == 0
    assert Response.objects.using(ANONYMOUS).count() == 41


def test_rows_made_for_another_state_or_another_transform_are_not_used(deployment, live, prepared):
    prepare(ANONYMOUS, deployment, live, Transform("shouting", Shouting().table), prepared)
    assert filled(deployment, live, "another", prepared) == 42
    live.rows["response"][1]["answer"] = '"dog"'
    prepare(ANONYMOUS, deployment, live, Transform("another", Shouting().table), prepared)
    live.rows["response"][1]["answer"] = '"cow"'
    assert filled(deployment, live, "another", prepared) == 1
    assert Response.objects.using(ANONYMOUS).get(id=1).answer == '"COW"'


def test_nothing_is_prepared_for_a_face_that_shows_the_state(deployment, live, prepared):
    filled(deployment, live)
    live.reads.clear()
    prepare(ANONYMOUS, deployment, live, Transform("shouting", Shouting().table), prepared)
    assert live.reads == []
