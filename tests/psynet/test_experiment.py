"""Id, label, versions and clock, as a database tells them."""

import json

import pytest

from psynetdata.psynet import experiment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.table_source import ZipSource
from psynetdata.psynet.tables import describe
from tests.references import DATA, REFERENCES


class Tables:
    """{table: [header, row, …]} as a TableSource."""

    def __init__(self, found):
        self.found = found

    def tables(self):
        return sorted(self.found)

    def columns(self, table):
        return describe(table, self.found[table][0])

    def rows(self, table):
        return iter(self.found[table][1:])


def with_vars(*texts):
    return Tables({"experiment": [["id", "vars"], *([str(number), text] for number, text in enumerate(texts, 1))]})


def with_status(*rows):
    return Tables({"experiment_status": [["creation_time", "id", "extra_info"], *rows]})


NOON = json.dumps({"now": "2026-11-22T12:00+00:00"})


@pytest.mark.parametrize("name", REFERENCES)
def test_references(name):
    info = experiment.read(ZipSource(DATA / name / "database.zip"))
    assert "__mode=debug__launch=2026-11-22--" in info.deployment_id
    assert info.label.endswith("demo")
    assert (info.psynet_version, info.dallinger_version, info.python_version) == ("13.3.0", "12.4.0", "3.11.7")
    assert info.clock_offset == 0


@pytest.mark.parametrize(
    "source", [Tables({}), with_vars(), with_vars(None), with_vars("{}"), Tables({"experiment": [["id"], ["1"]]})]
)
def test_a_database_that_says_nothing(source):
    assert experiment.read(source) == ExperimentInfo()


def test_values_that_are_no_texts_are_not_taken():
    assert experiment.read(with_vars('{"deployment_id": 7, "label": null, "x": NaN}')) == ExperimentInfo()


def test_a_later_row_overrides():
    info = experiment.read(with_vars('{"deployment_id": "a", "label": "A"}', '{"deployment_id": "b"}'))
    assert (info.deployment_id, info.label) == ("b", "A")


@pytest.mark.parametrize("text", ["{", "", "[]", '"a"', "null"])
def test_vars_that_are_no_object(text):
    with pytest.raises(BadInput, match="Table experiment, column vars"):
        experiment.read(with_vars(text))


def test_the_clock_is_that_of_the_first_row_that_tells():
    rows = [["2026-11-22 12:00:01", "1", None], ["2026-11-22 13:00:01", "2", NOON], ["2026-11-22 14:00:01", "3", NOON]]
    assert experiment.read(with_status(*rows)).clock_offset == 60
    assert experiment.read(with_status(rows[0])).clock_offset is None
