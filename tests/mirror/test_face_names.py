"""The names of tables and columns on a face: an experimenter's own are rewritten, and no two become one."""

from psynetdata.mirror import column_names, comparable, table_names


def hide(name: str) -> str:
    return name.replace("ann", "[removed]").replace("bob", "[removed]")


def test_only_an_experimenters_own_names_are_rewritten():
    tables = ("participant", "diary_ann", "planning", "coin")
    assert table_names(tables, hide) == {
        "participant": "participant",
        "diary_ann": "diary_[removed]",
        "planning": "pl[removed]ing",
        "coin": "coin",
    }
    assert table_names(tables, lambda name: "x", kept={"planning"})["planning"] == "planning"
    assert column_names("participant", ["worker_id", "ann"], hide) == {"worker_id": "worker_id", "ann": "[removed]"}
    assert column_names("coin", ["id", "participant_id"], lambda name: "x") == {
        "id": "id",
        "participant_id": "participant_id",
    }


def test_no_two_get_one_name():
    names = table_names(["bob", "[removed]", "ann"], hide)
    assert names == {"[removed]": "[removed]", "ann": "[removed]~2", "bob": "[removed]~3"}


def test_states_are_compared_whatever_the_names_of_own_tables():
    source = {"info": "a", "diary_ann": "b", "coin": "c"}
    assert comparable(source) == comparable({"info": "a", "diary_[removed]": "b", "coin": "c"})
    assert comparable(source) != comparable({"info": "b", "diary_ann": "a", "coin": "c"})
    assert comparable(source) != comparable({"info": "a", "coin": "c"})
