"""What is known of PsyNet's tables, against the databases that PsyNet made."""

import csv
from pathlib import Path

import pytest

from psynetdata.psynet import tables
from psynetdata.psynet.table_source import ZipSource
from psynetdata.psynet.tables import Column
from tests.references import DATA, REFERENCES


@pytest.mark.parametrize("name", REFERENCES)
def test_every_table_and_column_of_the_references_is_known(name):
    source = ZipSource(DATA / name / "database.zip")
    own = {"custom_table_simple": {"coin"}}.get(name, set())
    assert set(source.tables()) - set(tables.known_tables()) == own
    for table in set(source.tables()) - own:
        assert [column.name for column in source.columns(table) if column.type is None] == []


def test_the_lists_agree_with_each_other():
    known = tables.known_tables()
    for named in (tables.TYPED_TABLES, tables.UNMIRRORED_TABLES, tables.REQUIRED_TABLES):
        assert set(named) <= set(known)
    assert not set(tables.TYPED_TABLES) & set(tables.UNMIRRORED_TABLES)
    assert all(tables.has_integer_id(table) for table in tables.TYPED_TABLES)


def test_columns_are_listed_once():
    with Path(tables.__file__).with_name("columns.csv").open(newline="", encoding="utf-8") as file:
        listed = [(line["table"], line["column"]) for line in csv.DictReader(file)]
    assert len(set(listed)) == len(listed)
    assert sum(map(len, tables.known_tables().values())) == len(listed)


def test_an_own_table_of_the_experimenter_has_the_columns_of_its_mixin():
    header = ZipSource(DATA / "custom_table_simple" / "database.zip").columns("coin")
    told = {column.name: column for column in header if column.type}
    assert told == {"details": tables.known_tables()["node"]["details"]}


def test_describe():
    assert tables.describe("participant", ["worker_id", "own"]) == [
        tables.known_tables()["participant"]["worker_id"],
        Column("own", None, False),
    ]
    assert tables.describe("coin", ["id"]) == [Column("id", None, False)]


def test_tables_that_are_not_psynets_are_not_known_to_have_an_id():
    assert tables.has_integer_id("participant")
    assert not tables.has_integer_id("coin")


@pytest.mark.parametrize(
    ("table", "type_text", "name"),
    [
        ("info", "dallinger_experiment.experiment.CustomTrial", "CustomTrial"),
        ("info", "psynet.trial.main.Trial", "Trial"),
        ("asset_trial", None, "AssetTrial"),
        ("asset_trial", "", "AssetTrial"),
        ("coin", "coin", "Coin"),
        ("coin", "module.", "Coin"),
        ("_odd__name_", None, "OddName"),
        ("experiment", None, "Experiment"),
    ],
)
def test_class_name(table, type_text, name):
    assert tables.class_name(table, type_text) == name


def test_a_name_of_a_key_has_one_target():
    """Ownership follows keys by their names alone."""
    targets = {(key.column, key.target, key.target_column) for key in tables.declared_keys()}
    assert len({name for name, *_ in targets}) == len(targets)
