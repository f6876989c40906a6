"""basic_data in an export: the experimenter's method, on the snapshot and the face that is exported."""

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta

import pandas
import pytest
from django.core.files.storage import default_storage

from exports.load.load import load
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata.faces import IDENTIFIED, reading
from psynetdata.psynet.problems import Problem
from psynetdata.sheets import Catalogue, DataError, Experiment, Participant, Trial
from psynetdata.sheets.basic_data import experiment
from psynetdata.sheets.output import text_blocks
from tests.store.snapshot_factory import DATA, reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def serve(monkeypatch):
    """serve(deployment, method): the method is the deployment's get_basic_data, for this test."""
    monkeypatch.setattr(experiment, "_experiments", {})

    def made(deployment, method):
        told = {"deployment_id": deployment.deployment_id, "get_basic_data": classmethod(method)}
        return type("Exp", (Experiment,), told)

    return made


def exported(deployment, **options):
    export = request_export(deployment, ExportOptions(assets="none", **options), here=True)
    run_here(export)
    return {archive.mode: zipfile.ZipFile(default_storage.open(archive.file)) for archive in export.archives.all()}


def psynet_s_example(cls, context=None, anonymize=None, **kwargs):
    if context != "export":
        raise DataError("Invalid context")
    trials = Trial.query.filter_by(failed=False, finalized=True).all()
    people = Participant.query.filter_by().all()
    return {
        "trial": [{"id": trial.id, "answer": str(trial.answer)} for trial in trials],
        "participant": [{"id": person.id, "worker_id": person.worker_id, "asked": anonymize} for person in people],
    }


def test_psynet_s_example_on_both_faces(loaded, serve):
    deployment = loaded("static")
    serve(deployment, psynet_s_example)
    found = {
        mode: json.loads(archive.read(f"{mode}/basic_data.json")) for mode, archive in exported(deployment).items()
    }
    theirs = json.loads((DATA / "static" / "psynet-export" / "regular" / "basic_data.json").read_bytes())
    for mode in found:
        assert sorted(row["id"] for row in found[mode]["trial"]) == sorted(row["id"] for row in theirs["trial"])
    workers = {mode: {row["worker_id"] for row in found[mode]["participant"]} for mode in found}
    assert len(workers["regular"]) == len(workers["anonymous"]) == 15
    assert not workers["regular"] & workers["anonymous"]
    assert {row["asked"] for row in found["anonymous"]["participant"]} == {True}
    assert {row["asked"] for row in found["regular"]["participant"]} == {False}


def test_what_basic_data_needs_is_not_counted_again(loaded, serve):
    deployment = loaded("static")
    serve(deployment, psynet_s_example)
    archive = exported(deployment, anonymize="yes")["anonymous"]
    told = json.loads(archive.read("anonymous/anonymization.json"))["tables"]
    wanted = json.loads(archive.read("manifest.json"))["tables"]
    assert {table: entry["rows"] for table, entry in told.items()} == wanted


def test_it_sees_the_snapshot_that_is_exported_and_nothing_newer(serve):
    snapshot = reference("static")  # never mirrored: the faces hold nothing of it
    serve(snapshot.deployment, lambda cls, **kwargs: [{"id": person.id} for person in Participant.query.all()])
    load(DATA / "timeline" / "database.zip")
    archive = exported(snapshot.deployment, anonymize="no")["regular"]
    assert len(json.loads(archive.read("regular/basic_data.json"))) == 15


def test_data_frames_become_csv_files(loaded, serve):
    deployment = loaded("static")
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x, y", None]})
    serve(deployment, lambda cls, **kwargs: {"one": frame, "../two": frame, "list": [1]})
    archive = exported(deployment, anonymize="no")["regular"]
    names = sorted(name for name in archive.namelist() if "basic_data" in name)
    assert len(names) == 3
    assert all(name.startswith("regular/basic_data/") and ".." not in name.split("/") for name in names)
    pandas.testing.assert_frame_equal(pandas.read_csv(io.BytesIO(archive.read("regular/basic_data/one.csv"))), frame)
    assert json.loads(archive.read("regular/basic_data/list.json")) == [1]


def test_data_frames_are_named_as_psynet_names_them(loaded, serve):
    deployment = loaded("timeline")
    frame = pandas.DataFrame({"a": [1]})
    keys = ["a/b c", "A/B C", "a_b_c_2", "..", "", "trial.v1", "é", "CON", "x" * 300]
    serve(deployment, lambda cls, **kwargs: dict.fromkeys(keys, frame))
    archive = exported(deployment, anonymize="no")["regular"]
    names = [name.rpartition("/")[2] for name in archive.namelist() if "/basic_data/" in name]
    plain = {"a_b_c.csv", "A_B_C_2.csv", "a_b_c_2_2.csv", "data.csv", "data_2.csv", "trial.v1.csv", "data_3.csv"}
    assert plain < set(names)
    assert len(names) == len(keys)
    assert max(map(len, names)) < 200
    assert "CON.csv" not in names


@pytest.mark.parametrize("value", [None, [], {"x": [float("nan")]}], ids=["nothing", "empty", "nan"])
def test_what_the_method_returns(value, loaded, serve):
    deployment = loaded("timeline")
    serve(deployment, lambda cls, **kwargs: value)
    archive = exported(deployment, anonymize="no")["regular"]
    if value is None:
        assert "regular/basic_data.json" not in archive.namelist()
    else:
        expected = {"x": [None]} if value else []
        assert json.loads(archive.read("regular/basic_data.json")) == expected


def test_without_a_method_there_is_no_file(loaded, serve):
    archive = exported(loaded("timeline"), anonymize="no")["regular"]
    assert not [name for name in archive.namelist() if "basic_data" in name]


def test_a_method_that_fails_fails_the_export_without_its_words(loaded, serve):
    deployment = loaded("timeline")

    def method(cls, **kwargs):
        raise ValueError(Participant.query.all()[0].worker_id)

    serve(deployment, method)
    with pytest.raises(Problem, match="get_basic_data failed with a ValueError") as raised:
        exported(deployment, anonymize="no")
    assert "basic_data check" in raised.value.sentence


def test_a_method_that_gives_away_an_identifier_is_caught(loaded, serve):
    deployment = loaded("static")
    regular = exported(deployment, anonymize="no")["regular"].read("regular/data/Participant.csv").decode()
    worker = next(word for word in regular.split("\n")[1].split(",") if len(word) == 24)
    serve(deployment, lambda cls, **kwargs: [{"note": f"x{worker}x"}])
    with pytest.raises(Problem, match=r"worker_id.*basic_data\.json") as raised:
        exported(deployment, anonymize="yes")
    assert worker not in raised.value.sentence


def test_sheets_that_staff_put_together_are_in_the_export(loaded):
    deployment = loaded("static")
    told = {"filters": {"animal": ["dogs"]}, "order": ["-id"]}
    columns = [["trial", "id"], ["animal", "definition.animal"], ["person", "participant_worker_id"]]
    deployment.saved_sheets.create(name="dogs", base="trial", columns=columns, **told)
    columns = [["who", "worker_id"], ["ip", "client_ip_address"]]
    deployment.saved_sheets.create(name="people", base="participant", columns=columns)
    deployment.saved_sheets.create(name="lost", base="trial", columns=[["x", "colour"]])
    with reading(IDENTIFIED):
        wanted = Catalogue(deployment, IDENTIFIED).sheet("dogs")
        wanted = b"".join(text_blocks.csv(wanted.header, wanted.records()))
    archives = exported(deployment)
    assert archives["regular"].read("regular/basic_data/dogs.csv") == wanted
    assert archives["anonymous"].read("anonymous/basic_data/dogs.csv").count(b"\n") == wanted.count(b"\n") > 1
    assert archives["regular"].read("regular/basic_data/people.csv").startswith(b"who,ip\n")
    assert archives["anonymous"].read("anonymous/basic_data/people.csv").startswith(b"who\n")
    assert b"has no column colour" in archives["regular"].read("regular/basic_data/lost.txt")


def test_numbers_and_shifted_dates_are_those_of_the_class_files(loaded, serve):
    deployment = loaded("static")
    columns = [[name, name] for name in ("id", "worker_id", "creation_time")]
    deployment.saved_sheets.create(name="people", base="participant", columns=columns)

    def times(cls, **kwargs):
        people, trials = Participant.query.all(), Trial.query.all()
        return {
            "participant": [[p.id, p.worker_id, p.creation_time.isoformat()] for p in people],
            "trial": [[t.id, t.participant_id, t.creation_time.isoformat()] for t in trials],
        }

    serve(deployment, times)
    plain = exported(deployment, anonymize="no")["regular"]
    archive = exported(deployment, anonymize="yes", pseudonyms="number", shift_dates=True)["anonymous"]
    told = json.loads(archive.read("anonymous/basic_data.json"))
    before = json.loads(plain.read("regular/basic_data.json"))

    def rows(path):
        return list(csv.DictReader(io.StringIO(archive.read(f"anonymous/{path}").decode())))

    people = [row for name in ("Bot", "Participant") for row in rows(f"data/{name}.csv")]
    wanted = {int(row["id"]): (row["worker_id"], _moment(row["creation_time"])) for row in people}
    assert len(wanted) > 1
    assert all(worker.startswith("participant_n") for worker, _ in wanted.values())
    assert {id: (worker, _moment(time)) for id, worker, time in told["participant"]} == wanted
    sheet = rows("basic_data/people.csv")
    assert {int(row["id"]): (row["worker_id"], _moment(row["creation_time"])) for row in sheet} == wanted
    was = {id: _moment(time) for id, _, time in before["participant"]}
    shifts = {id: was[id] - moment for id, (_, moment) in wanted.items()}
    assert all(shift >= timedelta(days=1) and shift % timedelta(days=1) == timedelta(0) for shift in shifts.values())
    began = {id: _moment(time) for id, _, time in before["trial"]}
    assert began
    assert {id: began[id] - _moment(time) for id, _, time in told["trial"]} == {
        id: shifts[person] for id, person, _ in told["trial"]
    }


def _moment(text):
    return datetime.fromisoformat(text)
