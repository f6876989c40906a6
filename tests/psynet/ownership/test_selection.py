"""Whose rows are whose: each table goes the way that the module's text says."""

import random

import pytest

from psynetdata.psynet.ownership.selection import Ownership

PEOPLE = [["id", "worker_id", "unique_id", "assignment_id"], ["1", "ann", "ann:a", "a"], ["2", "bob", "bob:b", "b"]]
BASE = {
    "participant": PEOPLE,
    "network": [["id", "participant_id"], ["1", ""], ["2", "1"], ["3", "2"]],
    # The second node of the shared chain was grown by bob; ann answers it.
    "node": [["id", "network_id", "participant_id"], ["1", "1", ""], ["2", "1", "2"], ["3", "2", "1"], ["4", "3", "2"]],
    "info": [["id", "node_id", "participant_id"], ["1", "2", "1"], ["2", "1", "2"], ["3", "4", "2"]],
}


def stays(participants, *, make=Ownership, **tables) -> dict[str, list[str]]:
    """{table: first cells of the rows that stay} of BASE and more tables, each [header, row, …]."""
    tables, belonging, kept = BASE | tables, make(participants), {}
    for table in belonging.members(tables):
        belonging.note(table, tables[table][0], tables[table][1:])
    shuffled = random.Random(7).sample(sorted(tables), len(tables))
    for table in belonging.in_order(shuffled):
        header, *rows = tables[table]
        keep = belonging.keeper(table, header)
        kept[table] = [row[0] for row in (keep(rows) if keep else rows)]
    assert not belonging.missing
    return kept


def leaves(participants, **tables) -> dict[str, list[str]]:
    return stays(participants, make=Ownership.without, **tables)


def test_people_their_trials_and_what_all_share():
    assert stays([1]) == {"participant": ["1"], "network": ["1", "2"], "node": ["1", "2", "3"], "info": ["1"]}
    assert stays([2]) == {"participant": ["2"], "network": ["1", "3"], "node": ["1", "2", "4"], "info": ["2", "3"]}
    both = stays([1, 2])
    assert both == {table: [row[0] for row in rows[1:]] for table, rows in BASE.items()}


@pytest.mark.parametrize(("table", "rows", "of_ann"), [
    # By a number, by each id of theirs, by Lucid's name for one.
    ("coin", [["id", "participant_id"], ["1", "1"], ["2", "2"], ["3", ""]], ["1", "3"]),
    ("visit", [["id", "worker_id"], ["1", "ann"], ["2", "bob"], ["3", "\0"]], ["1", "3"]),
    ("request", [["id", "unique_id"], ["1", "ann:a"], ["2", "bob:b"], ["3", ""], ["4", "ann:other"]], ["1"]),
    ("notification", [["id", "assignment_id"], ["1", "a"], ["2", "b"]], ["1"]),
    ("lucid_rid", [["id", "rid"], ["1", "ann"], ["2", "bob"], ["3", "eve"]], ["1"]),
    ("lucid_submissions", [["id", "response"], ["1", "x"]], []),
    # A row that names two people is that of both.
    ("message", [["id", "participant_id", "worker_id"], ["1", "2", "ann"], ["2", "2", "bob"]], ["1"]),
    # By what they point to.
    ("process", [["id", "participant_id", "trial_id"], ["1", "", "1"], ["2", "", "3"], ["3", "", ""]], ["1", "3"]),
    ("error", [["id", "participant_id", "trial_id"], ["1", "1", "3"], ["2", "", "1"], ["3", "", ""]], ["1"]),
    ("score", [["id", "trial_id"], ["1", "1"], ["2", "2"]], ["1"]),
    ("vector", [["id", "origin_id", "destination_id"], ["1", "1", "2"], ["2", "4", "1"]], ["1"]),
    # Nothing says whose it is.
    ("stimulus", [["id", "name"], ["1", "x"]], ["1"]),
])  # fmt: skip
def test_each_kind_of_row(table, rows, of_ann):
    assert stays([1], **{table: rows})[table] == of_ann


def test_the_way_of_a_row_is_followed_over_several_tables():
    more = {
        "module_state": [["id", "participant_id"], ["1", "1"], ["2", "2"]],
        "asset": [["id", "participant_id", "trial_id", "node_id", "module_state_id"],
                  ["1", "", "3", "", ""], ["2", "", "1", "", ""], ["3", "", "", "2", ""], ["4", "", "", "4", ""],
                  ["5", "", "", "", "2"], ["6", "1", "3", "4", "2"]],
        "asset_trial": [["id", "asset_id", "trial_id"], ["1", "1", "3"], ["2", "2", "1"], ["3", "3", "2"]],
        "process": [["id", "asset_id"], ["1", "1"], ["2", "2"]],
    }  # fmt: skip
    kept = stays([1], **more)
    assert kept["asset"] == ["2", "3", "6"]
    assert (kept["asset_trial"], kept["process"]) == (["2"], ["2"])


def test_groups_and_shared_assets_are_those_of_their_members():
    more = {
        "sync_group": [["id", "leader_id"], ["1", "2"], ["2", "2"], ["3", "1"]],
        "participant_link_sync_group": [["sync_group_id", "participant_id"], ["1", "1"], ["1", "2"], ["2", "2"]],
        "network": [["id", "participant_id", "sync_group_id"], ["1", "", ""], ["4", "", "1"], ["5", "", "2"]],
        "asset": [["id", "participant_id"], ["1", ""], ["2", ""], ["3", ""]],
        "asset_participant": [["asset_id", "participant_id"], ["1", "1"], ["1", "2"], ["2", "2"]],
    }
    kept = stays([1], **more)
    assert kept["sync_group"] == ["1", "3"]
    assert kept["participant_link_sync_group"] == ["1"]
    assert kept["network"] == ["1", "4"]
    assert (kept["asset"], kept["asset_participant"]) == (["1", "3"], ["1"])


def test_who_came_twice_is_two_participants():
    twice = [*PEOPLE, ["3", "ann", "ann:c", "c"]]
    asked = [["id", "unique_id"], ["1", "ann:a"], ["2", "ann:c"]]
    assert stays([3], participant=twice, request=asked)["request"] == ["2"]
    assert stays([1], participant=twice, request=asked)["request"] == ["1"]


@pytest.mark.parametrize(("table", "rows", "without_ann"), [
    ("coin", [["id", "participant_id"], ["1", "1"], ["2", "2"], ["3", ""]], ["2", "3"]),
    ("request", [["id", "unique_id"], ["1", "ann:a"], ["2", "bob:b"], ["3", ""], ["4", "eve:e"]], ["2", "3", "4"]),
    ("error", [["id", "participant_id", "trial_id"], ["1", "1", "3"], ["2", "", "1"], ["3", "", ""]], ["3"]),
    ("lucid_submissions", [["id", "response"], ["1", "x"]], ["1"]),
    ("message", [["id", "participant_id", "worker_id"], ["1", "2", "ann"], ["2", "1", "ann"]], ["1"]),
    ("score", [["id", "trial_id"], ["1", "1"], ["2", "2"]], ["2"]),
    ("asset_participant", [["asset_id", "participant_id"], ["1", "1"], ["2", "2"]], ["2"]),
])  # fmt: skip
def test_rows_without_those_of_some(table, rows, without_ann):
    assert leaves([1], **{table: rows})[table] == without_ann
    assert leaves([1]) == {"participant": ["2"], "network": ["1", "3"], "node": ["1", "2", "4"], "info": ["2", "3"]}
    assert leaves([])["info"] == ["1", "2", "3"]
    assert leaves([77])["participant"] == ["1", "2"]


def test_an_id_of_two_goes_with_either_of_them():
    twice = [*PEOPLE, ["3", "ann", "ann:c", "c"]]
    visits = [["id", "worker_id"], ["1", "ann"], ["2", "bob"]]
    assert leaves([3], participant=twice, visit=visits)["visit"] == ["2"]


def test_who_is_missing():
    belonging = Ownership([1, 9])
    belonging.keeper("participant", PEOPLE[0])(PEOPLE[1:])
    assert belonging.missing == {"9"}
