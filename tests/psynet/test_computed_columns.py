"""Columns that PsyNet computes from other rows; tests/package/test_fidelity.py compares them with PsyNet's own."""

from psynetdata.psynet.classfile import computed_columns
from psynetdata.psynet.classfile.computed_columns import Computed, IdCounts

TRIALS = {
    "node_id": ["1", "1", "1", "1", "", "2", "nonsense"],
    "network_id": ["5", "5", "5", "5", "5", "", "6"],
    "module_state_id": ["9", "9", "", "9", "9", "9", "8"],
    "block_position": ["0", "1", "0", "", "0", "0", "1"],
    "failed": ["f", "f", "t", "f", "f", "f", "f"],
    "complete": ["t", "f", "t", "", "t", "t", "t"],
    "is_repeat_trial": ["f", "", "f", "f", "t", "f", "f"],
}


def columns(**others):
    there = {
        "info": list(TRIALS), "node": ["id", "network_id", "failed"], "network": ["id"],
        "module_state": ["id", "participant_id", "module_id", "time_started", "started", "finished", "aborted",
                         "block_position", "block_order"],
        "participant": ["id", "module_state_id"],
    } | others  # fmt: skip
    return lambda table: there.get(table, [])


def test_null_satisfies_no_condition():
    names = computed_columns.computed_columns("network", columns())
    wanted = {"network": names, "node": ["n_viable_trials"]}
    found = Computed()
    found.add(computed_columns.counted("info", TRIALS, wanted))
    found.add(
        computed_columns.counted("node", {"id": ["1", "2"], "network_id": ["5", "5"], "failed": ["f", "t"]}, wanted)
    )
    told = computed_columns.cells(found.within("network", names, 0, 10), {"id": ["5", "6", "7"]})
    assert {name: cells[0] for name, cells in told.items()} == {
        "n_pending_infos": "1", "n_completed_infos": "2", "n_failed_infos": "1", "n_all_trials": "5",
        "n_alive_trials": "4", "n_failed_trials": "1", "n_completed_trials": "1", "n_all_nodes": "2",
        "n_alive_nodes": "1", "n_failed_nodes": "1",
    }  # fmt: skip
    assert {cells[2] for cells in told.values()} == {"0"}
    nodes = computed_columns.cells(found.within("node", ["n_viable_trials"], 0, 10), {"id": ["1", "2", "3"]})
    assert nodes == {"n_viable_trials": ["2", "1", "0"]}


def test_trial_makers_states_and_where_participants_are():
    names = computed_columns.computed_columns("module_state", columns())
    wanted = {"module_state": names, "participant": ["started_modules"]}
    states = {
        "id": ["9", "8", "7"], "participant_id": ["3", "3", ""], "module_id": ["trials", "consent", "x"],
        "time_started": ["2026-01-02 00:00:00", "2026-01-01 00:00:00.5", ""], "started": ["t", "t", "t"],
        "finished": ["f", "t", ""], "aborted": ["", "f", ""], "block_position": ["0", "1", ""],
        "block_order": ["[1]", "[1]", ""],
    }  # fmt: skip
    found = Computed()
    found.add(computed_columns.counted("info", TRIALS, wanted))
    found.add(computed_columns.counted("module_state", states, wanted))
    assert computed_columns.cells(found.within("module_state", names, -100, 100), states) == {
        "n_participant_trials_in_trial_maker": ["5", "1", ""],
        "n_participant_trials_in_block": ["3", "1", ""],
    }
    names = computed_columns.computed_columns("participant", columns())
    people = {"id": ["3", "4"], "module_state_id": ["9", ""]}
    assert computed_columns.cells(found.within("participant", names, 0, 10), people) == {
        "started_modules": ['["consent", "trials"]', "[]"],
        "finished_modules": ['["consent"]', "[]"],
        "aborted_modules": ["[]", "[]"],
        "module_id": ["trials", ""],
    }


def test_what_needs_a_column_that_is_not_there_is_not_added():
    assert computed_columns.computed_columns("node", columns(info=["id", "node_id", "failed"])) == []
    assert computed_columns.computed_columns("participant", columns(module_state=["id"])) == []
    assert "n_all_trials" in computed_columns.computed_columns("network", columns(info=["network_id"], node=[]))


def test_a_tally_of_ids_near_and_far():
    tally = IdCounts()
    tally.add({"3": 2, "5": 1})
    tally.add({"3": 1, "70000": 4, str(1 << 40): 5, "-2": 6, "x": 9})
    assert tally.within(0, 100_000) == {"3": "3", "5": "1", "70000": "4"}
    assert tally.within(-(1 << 63), 1 << 63) == {"3": "3", "5": "1", "70000": "4", str(1 << 40): "5", "-2": "6"}
    assert tally.within(4, 5) == {}
