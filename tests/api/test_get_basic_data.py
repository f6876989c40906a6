"""PsyNet's own example of get_basic_data, served at PsyNet's own address."""

import contextlib
import csv
import io
import json

import pandas as pd
import pytest

from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.models import Audit
from psynetdata.models import Participant as Mirrored
from psynetdata.sheets import DataError, Experiment, Participant, Trial
from psynetdata.sheets.basic_data import experiment
from tests.conftest import DATA

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

STATIC = "Static experiment demo"


@pytest.fixture(autouse=True)
def own_experiments(monkeypatch):
    monkeypatch.setattr(experiment, "_experiments", {})


@pytest.fixture
def static(loaded):
    deployment = loaded("static")
    deployment.label = STATIC
    deployment.save()
    return deployment


def psynets_example():
    class Exp(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, context=None, **kwargs, ):  # fmt: skip
            data = {
                "trial":
                    [
                    # List all trials with their answers
                        {
                            "id": trial.id,
                            "answer": str(trial.answer),
                        }
                        for trial in Trial.query.filter_by(failed=False, finalized=True).all()
                    ],
                "participant": [
                    # List all participants with their last answer
                    {
                        "id": participant.id,
                        "answer": str(participant.answer),
                    }
                    for participant in Participant.query.filter_by().all()
                ],
            }  # fmt: skip
            sheet = kwargs.get("sheet", "participant")
            if sheet not in data:
                raise DataError("Invalid sheet parameter")
            return data[sheet]


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


@pytest.mark.each_database
def test_psynets_example_gives_what_psynet_gave(static, officer):
    psynets_example()
    path = DATA / "static" / "psynet-export" / "regular" / "basic_data.json"
    wanted = json.loads(path.read_text())
    answer = officer.get("/basic_data?sheet=trial")
    assert answer.json() == by_id(wanted["trial"])
    assert answer["X-Total-Count"] == str(len(wanted["trial"]))
    # Without a sheet the example gives participants.
    assert officer.get("/api/basic_data/").json() == by_id(wanted["participant"])


def test_a_data_error_is_400_with_names(static, analyst):
    psynets_example()
    answer = analyst.get("/api/basic_data/?sheet=nonsense")
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": "Invalid sheet parameter",
        "sheets": ["participant", "trial", "response", "asset", "node", "network"],
    }


def test_the_registry_stays_behind_it(static, analyst):
    psynets_example()
    assert len(analyst.get("/api/basic_data/trial/?limit=1000").json()["results"]) == 130


@pytest.mark.each_database
def test_it_sees_the_caller_s_face_only(static, officer, analyst):
    class Exp(Experiment):
        deployment_id = static.deployment_id

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            found = Participant.query
            if "worker_id" in kwargs:
                found = found.filter_by(worker_id=kwargs["worker_id"])
            return [{"worker": participant.worker_id, "context": context} for participant in found]

    real = Mirrored.objects.using(IDENTIFIED).values_list("worker_id", flat=True)
    hidden = Mirrored.objects.using(ANONYMOUS).values_list("worker_id", flat=True)
    before = Audit.objects.filter(verb="read", identified=True).count()
    assert [row["worker"] for row in analyst.get("/api/basic_data/").json()] == list(hidden)
    assert analyst.get(f"/api/basic_data/?worker_id={real[0]}").json() == []
    assert Audit.objects.filter(verb="read", identified=True).count() == before
    found = officer.get("/api/basic_data/").json()
    assert found == [{"worker": worker, "context": "route"} for worker in real]
    assert Audit.objects.filter(verb="read", identified=True).count() == before + 1


def test_frames_dictionaries_and_nothing(static, analyst):
    returned = {}

    class Exp(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            return returned["it"]()

    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, float("nan")], "at": pd.to_datetime(["2026-01-02T03:04:05Z", None])})
    rows = [{"n": 1, "x": 0.5, "at": "2026-01-02T03:04:05Z"}, {"n": 2, "x": None, "at": None}]
    for it, wanted in (
        (lambda: frame, rows),
        (lambda: {"trial": frame, "n": frame["n"].sum()}, {"trial": rows, "n": 3}),
        (lambda: None, []),
        (lambda: {"a": {1, 2}, 3: float("inf")}, {"a": [1, 2], "3": None}),
        (lambda: [{"big": 1 << 80, "half": "\ud800"}], [{"big": 1 << 80, "half": "\ud800"}]),
        (lambda: (trial.id for trial in Trial.query.filter(id__lt=3)), [1, 2]),
    ):
        returned["it"] = it
        assert analyst.get("/api/basic_data/").json() == wanted
    returned["it"] = lambda: frame
    found = list(csv.reader(io.StringIO(analyst.get("/api/basic_data/?format=csv").content.decode())))
    assert found == [["n", "x", "at"], ["1", "0.5", "2026-01-02T03:04:05Z"], ["2", "", ""]]
    returned["it"] = lambda: {"trial": frame}
    assert analyst.get("/api/basic_data/?format=csv").status_code == 400


def test_an_etag_that_runs_nothing(static, analyst, monkeypatch):
    psynets_example()
    etag = analyst.get("/api/basic_data/?sheet=trial")["ETag"]
    assert analyst.get("/api/basic_data/?sheet=trial", HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert analyst.get("/api/basic_data/", HTTP_IF_NONE_MATCH=etag).status_code == 200
    monkeypatch.setattr(Experiment, "source_hash", classmethod(lambda cls: "another text"))
    assert analyst.get("/api/basic_data/?sheet=trial", HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_what_the_caller_may_not_set(static, analyst):
    psynets_example()
    for name in ("context", "anonymize", "using"):
        assert analyst.get(f"/api/basic_data/?{name}=export").status_code == 400


def test_broken_code_is_500_without_a_word_of_it(static, analyst, caplog):
    class Exp(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, context=None):
            return {}["somebody"]

    answer = analyst.get("/api/basic_data/")
    assert answer.status_code == 500
    assert "somebody" not in answer.content.decode()
    assert "KeyError" in caplog.text
    refused = analyst.get("/api/basic_data/?colour=red")
    assert refused.status_code == 400
    assert "colour" in refused.json()["detail"]


def test_two_classes_for_one_deployment_are_an_error(static, analyst):
    psynets_example()

    class Other(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, **kwargs):
            return []

    answer = analyst.get("/api/basic_data/")
    assert answer.status_code == 409
    assert "both serve label" in answer.json()["detail"]


class Strange:
    pass


def _cycle():
    found = {"a": []}
    found["a"].append(found)
    return found


@pytest.mark.parametrize(
    ("made", "status", "told"),
    [
        (lambda: {3, 1, 2}, 200, [1, 2, 3]),
        (lambda: [{"x": float("nan"), "y": [float("inf")]}], 200, [{"x": None, "y": [None]}]),
        (lambda: Strange(), 500, "a value of type Strange"),
        (lambda: [{"x": {"y": Strange()}}], 500, "a value of type Strange"),
        (lambda: [{"x": b"bytes"}], 500, "a value of type bytes"),
        (_cycle, 500, "nested endlessly"),
        (lambda: "\ud800", 200, "\ud800"),
        (lambda: 3, 200, 3),
    ],
)
def test_whatever_a_method_returns_is_an_answer(static, analyst, made, status, told):
    class Exp(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            return made()

    answer = analyst.get("/api/basic_data/")
    assert answer.status_code == status, answer.content
    assert answer.json() == told if status == 200 else told in answer.json()["detail"]


def _catches_everything():
    while True:
        with contextlib.suppress(Exception):
            list(Trial.query.filter_by(failed=False))


def _asks_for_ever():
    trials = Trial.query.all()
    return trials.extra(where=["EXISTS (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i > 0) "
                               "SELECT count(*) FROM n HAVING count(*) < 0)"]).count()  # fmt: skip


@pytest.mark.each_database
@pytest.mark.parametrize("endless", [_catches_everything, _asks_for_ever])
def test_a_method_that_never_ends_is_ended(static, analyst, settings, endless):
    settings.BASIC_DATA_SECONDS = 1

    class Exp(Experiment):
        label = STATIC

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            return endless()

    answer = analyst.get("/api/basic_data/")
    assert answer.status_code == 500
    assert "was stopped after 1 seconds" in answer.json()["detail"]
    # The next request finds a connection that works.
    assert len(analyst.get("/api/basic_data/trial/?limit=3").json()["results"]) == 3
