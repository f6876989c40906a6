"""The roles of columns, against the columns that PsyNet has."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from psynetdata.psynet import column_roles, tables
from psynetdata.psynet.column_roles import ANY, Role, columns_with_role, has_role

with Path(column_roles.__file__).with_name("column_roles.csv").open(newline="", encoding="utf-8") as file:
    LINES = list(csv.DictReader(file))


def test_each_line_is_about_a_column_that_psynet_has():
    known = tables.known_tables()
    everywhere = {column for columns in known.values() for column in columns}
    wrong = [
        line for line in LINES
        if line["column"] not in (everywhere if line["table"] == ANY else known.get(line["table"], {}))
    ]  # fmt: skip
    assert wrong == []


def test_a_column_has_one_line_and_each_of_its_roles_once():
    assert [key for key, n in Counter((line["table"], line["column"]) for line in LINES).items() if n > 1] == []
    twice = [line for line in LINES if len(set(line["roles"].split())) < len(line["roles"].split())]
    assert twice == []
    general = {line["column"]: {*line["roles"].split()} for line in LINES if line["table"] == ANY}
    said_twice = [
        line for line in LINES
        if line["table"] != ANY and general.get(line["column"], set()) & {*line["roles"].split()}
    ]  # fmt: skip
    assert said_twice == [], "the line for all tables gives these roles"


def test_each_role_has_a_column():
    assert {Role(role) for line in LINES for role in line["roles"].split()} == {*Role}


def test_lines_of_all_tables_and_of_one_add_up_in_their_order():
    assert columns_with_role(Role.UNPACKED) == columns_with_role(Role.UNPACKED, "coin") == ("vars",)
    assert columns_with_role(Role.UNPACKED, "info") == ("vars", "definition", "answer")
    assert has_role(Role.MIXIN, "coin", "vars")
    assert has_role(Role.PERSON_ID, "lucid_rid", "rid")
    assert not has_role(Role.PERSON_ID, "coin", "rid")


def test_each_key_of_psynet_says_whether_a_row_belongs_to_whom_it_points_to():
    """Keys are generated from PsyNet: a new one fails here until column_roles.csv says what it means."""
    of_keys = {name for role in (Role.PERSON, Role.PERSON_ID, Role.OWNER, Role.OTHER_KEY) for name in
               (*columns_with_role(role), *columns_with_role(role, "lucid_rid"))}  # fmt: skip
    assert sorted(tables.keys_by_name().keys() - of_keys) == []
    for role, goal in ((Role.PERSON, {"participant"}), (Role.OWNER, tables.known_tables().keys() - {"participant"})):
        assert {tables.keys_by_name()[name].target for name in columns_with_role(role)} <= goal


@pytest.mark.parametrize("role", [Role.VALUE, Role.UNPACKED, Role.BY_KEY, Role.BY_CLASS, Role.CONFIGURATION])
def test_what_is_read_as_json_is_json_according_to_psynet(role):
    wrong = [
        (table, column)
        for table, columns in tables.known_tables().items()
        for column in columns_with_role(role, table)
        if column in columns and column not in tables.json_columns(table)
    ]
    assert wrong == ([("info", "contents")] if role == Role.BY_CLASS else [])  # Dallinger's, any text
