"""Whose times a row's are: the one participant that it belongs to, by the rule that selections follow too."""

import pytest

from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.ownership.selection import OF_STRANGERS, Ownership
from psynetdata.psynet.table_source import ZipSource
from tests.anonymize.conftest import Tables
from tests.references import DATA, REFERENCES

from .test_selection import BASE

Found = dict[str, list[str]]


def owners(source) -> Found:
    """{table: the participant of each row}"""
    people = People.from_source(source)
    finders = {table: people.finder(table, [column.name for column in source.columns(table)])
               for table in source.tables()}  # fmt: skip
    return {table: [finder(row) for row in source.rows(table)] for table, finder in finders.items()}


def of(**tables) -> Found:
    """Owners in BASE and more tables, each [header, row, …]."""
    rows = {
        table: [dict(zip(header, (cell or None for cell in row), strict=True)) for row in rows]
        for table, (header, *rows) in (BASE | tables).items()
    }
    return owners(Tables(**rows))


def test_people_their_trials_and_what_all_share():
    assert of() == {
        "participant": ["1", "2"],
        "network": ["", "1", "2"],
        # Bob's trial made the second node, but it is in the chain that both share.
        "node": ["", "", "1", "2"],
        "info": ["1", "2", "2"],
    }


@pytest.mark.parametrize(("table", "rows", "people"), [
    ("coin", [["id", "participant_id"], ["1", "1"], ["2", "2"], ["3", ""]], ["1", "2", ""]),
    ("visit", [["id", "worker_id"], ["1", "ann"], ["2", "eve"]], ["1", ""]),
    ("request", [["id", "unique_id"], ["1", "ann:a"], ["2", "bob:b"], ["3", ""]], ["1", "2", ""]),
    ("notification", [["id", "assignment_id"], ["1", "a"], ["2", "b"]], ["1", "2"]),
    ("lucid_rid", [["id", "rid"], ["1", "ann"], ["2", "eve"]], ["1", ""]),
    # A number counts more than an id.
    ("message", [["id", "participant_id", "worker_id"], ["1", "2", "ann"]], ["2"]),
    # By what they point to, if they name nobody.
    ("process", [["id", "participant_id", "trial_id"], ["1", "", "1"], ["2", "1", "3"], ["3", "", ""]], ["1", "1", ""]),
    ("error", [["id", "worker_id", "trial_id"], ["1", "eve", "1"], ["2", "", "3"]], ["", "2"]),
    ("vector", [["id", "origin_id", "destination_id"], ["1", "1", "3"], ["2", "4", "3"]], ["1", ""]),
    ("score", [["id", "trial_id"], ["1", "999"], ["2", "x"]], ["", ""]),
    ("stimulus", [["id", "name"], ["1", "x"]], [""]),
])  # fmt: skip
def test_each_kind_of_row(table, rows, people):
    assert of(**{table: rows})[table] == people


def test_the_way_of_a_row_is_followed_over_several_tables():
    found = of(
        module_state=[["id", "participant_id"], ["1", "1"], ["2", "2"]],
        asset=[["id", "trial_id", "module_state_id"], ["1", "3", ""], ["2", "", "1"], ["3", "", ""]],
        asset_trial=[["asset_id", "trial_id"], ["1", "3"], ["3", "1"], ["2", "3"]],
        process=[["id", "asset_id"], ["1", "1"], ["2", "2"], ["3", "3"]],
        error=[["id", "process_id"], ["1", "2"]],
    )
    assert (found["asset"], found["process"], found["error"]) == (["2", "1", ""], ["2", "1", ""], ["1"])
    assert found["asset_trial"] == ["2", "1", ""]


def test_what_several_share_has_no_single_owner():
    found = of(
        sync_group=[["id", "leader_id"], ["1", "2"], ["2", "2"], ["3", "1"]],
        participant_link_sync_group=[["sync_group_id", "participant_id"], ["1", "1"], ["1", "2"], ["2", "2"]],
        network=[["id", "participant_id", "sync_group_id"], ["1", "", "1"], ["2", "", "2"], ["3", "1", "1"]],
        asset=[["id", "participant_id"], ["1", ""], ["2", ""], ["3", ""]],
        asset_participant=[["asset_id", "participant_id"], ["1", "1"], ["1", "2"], ["2", "2"], ["2", "2"]],
    )
    assert found["sync_group"] == ["", "2", "1"]
    assert (found["network"], found["asset"]) == (["", "2", "1"], ["", "2", ""])


def test_who_came_twice_is_found_by_the_more_specific_id():
    twice = [*BASE["participant"], ["3", "ann", "ann:c", "c"]]
    visits = [["id", "worker_id", "unique_id"], ["1", "ann", "ann:c"], ["2", "ann", ""]]
    assert of(participant=twice, visit=visits)["visit"] == ["3", ""]


@pytest.mark.parametrize("name", REFERENCES)
def test_owners_and_selections_agree(name):
    """A row has an owner exactly if it is in the selection of one participant and of no other."""
    source = ZipSource(DATA / name / "database.zip")
    people = [row[0] for row in source.rows("participant")][:4]
    if len(people) < 2:
        pytest.skip("nobody else is there")
    selected: dict[tuple[str, int], set[str]] = {}
    for person in people:
        for table, numbers in _kept(source, int(person)).items():
            for number in numbers:
                selected.setdefault((table, number), set()).add(person)
    wrong = []
    for table, found in owners(source).items():
        nobodys = set() if table in OF_STRANGERS else {*people}
        for number, owner in enumerate(found):
            holders = selected.get((table, number), set())
            if holders != ({owner} & {*people} if owner else nobodys):
                wrong.append((table, number, owner, holders))
    assert wrong == []


def _kept(source: ZipSource, person: int) -> dict[str, list[int]]:
    """{table: numbers of the rows that stay in a selection}"""
    ownership, blocks = Ownership([person]), {}
    for table in source.tables():
        names = [column.name for column in source.columns(table)]
        rows = [[EMPTY if cell == "" else cell or "" for cell in row] for row in source.rows(table)]
        blocks[table] = names, rows
    for table in ownership.members(blocks):
        ownership.note(table, *blocks[table])
    kept = {}
    for table in ownership.in_order(blocks):
        names, rows = blocks[table]
        keep = ownership.keeper(table, names)
        stay = {id(row) for row in (keep(rows) if keep else rows)}
        kept[table] = [number for number, row in enumerate(rows) if id(row) in stay]
    return kept
