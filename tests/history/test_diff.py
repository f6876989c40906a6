"""What changed between two snapshots, counted by a comparison in memory and by the verb."""

import random

import pytest

from exports.capture.take import take
from exports.history.diff import TableDiff, diff, to_json
from exports.mirroring.mirror import MirrorSource
from exports.operations.deployments import add
from exports.store.blobs import Store
from exports.store.reader import SnapshotReader
from psynetdata.psynet.problems import Cancelled, Damaged
from tests.store.snapshot_factory import reference, written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def of_table(before: list, after: list, table: str = "coin", ids: int = 0) -> TableDiff:
    old, new = (written_down({table: rows} if rows else {}) for rows in (before, after))
    return next(one for one in diff(old, new, ids=ids) if one.table == table)


def counts(one: TableDiff) -> tuple:
    return one.added, one.changed, one.removed


def test_rows_added_changed_and_removed():
    found = of_table(
        [["id", "text"], ["1", "a"], ["2", "b"], ["3", None], ["4", "d"]],
        [["id", "text"], ["2", "B"], ["3", ""], ["4", "d"], ["5", "e"], ["6", "f"]],
        ids=20,
    )
    assert (counts(found), found.before, found.after) == ((2, 2, 1), 4, 5)
    assert found.ids == {"added": [5, 6], "changed": [2, 3], "removed": [1]}
    assert not found.same


def test_nothing_changed_and_nothing_is_read(monkeypatch):
    old, new = reference("static"), reference("static")
    monkeypatch.setattr(Store, "open", None)
    found = diff(old, new)
    assert [one.table for one in found] == sorted(old.tables)
    assert all(one.same for one in found)
    assert to_json(old, new, found)["tables"] == []


def test_ids_are_listed_up_to_a_number():
    rows = [["id", "text"], *([str(number), "x"] for number in range(-3, 40))]
    assert of_table([["id", "text"]], rows, ids=5).ids == {"added": [-3, -2, -1, 0, 1]}
    assert of_table([["id", "text"]], rows).ids == {}


def test_a_table_that_came_and_one_that_went():
    rows = [["id", "text"], ["1", "a"]]
    came, went = of_table(None, rows), of_table(rows, None)
    assert (came.before, came.after, counts(came)) == (None, 1, (1, 0, 0))
    assert (went.before, went.after, counts(went)) == (1, None, (0, 0, 1))
    empty = of_table(None, rows[:1])
    assert counts(empty) == (0, 0, 0)
    assert not empty.same


def test_rows_without_ids_are_only_added_and_removed_and_equal_ones_are_counted():
    found = of_table(
        [["a", "b"], ["1", "x"], ["1", "x"], ["1", "x"], ["2", "y"]],
        [["a", "b"], ["1", "x"], ["2", "z"], ["3", "y"]],
        table="barrier",
        ids=20,
    )
    assert (counts(found), found.ids) == ((2, 0, 3), {})


@pytest.mark.parametrize("table", ["coin", "barrier"])
def test_columns_in_another_order_new_and_gone(table):
    """Rows are compared in what both have, by name."""
    before = [["id", "a", "b"], ["1", "x", "p"], ["2", "y", "q"], ["3", "z", "r"]]
    after = [["id", "c", "a"], ["1", "p", "x"], ["2", "new", "Y"], ["4", None, "z"]]
    found = of_table(before, after, table=table)
    assert (found.columns_added, found.columns_removed) == (["c"], ["b"])
    assert counts(found) == ((1, 1, 1) if table == "coin" else (2, 0, 2))
    moved = of_table(before, [["b", "id", "a"], *([row[2], row[0], row[1]] for row in before[1:])], table=table)
    assert (counts(moved), moved.columns_added, moved.same) == ((0, 0, 0), [], True)


def test_a_table_that_lost_its_ids():
    before = [["id", "a"], ["2", "x"], ["10", "y"]]
    old = written_down({"coin": before})
    new = written_down({"barrier": [["id", "a"], ["10", "y"], ["2", "z"]]})
    new.tables["coin"] = new.tables.pop("barrier")
    found = next(one for one in diff(old, new) if one.table == "coin")
    assert counts(found) == (1, 0, 1)
    back = next(one for one in diff(new, old) if one.table == "coin")
    assert counts(back) == (1, 0, 1)


@pytest.mark.parametrize("seed", range(25))
def test_against_a_comparison_in_memory(seed):
    chance = random.Random(seed)
    old = {number: chance.choice(["a", "b", None, ""]) for number in chance.sample(range(60), 40)}
    new = {number: chance.choice([text, text, "changed"]) for number, text in old.items() if chance.random() < 0.8}
    new |= {number: "c" for number in chance.sample(range(100), 10) if number not in old}
    header = ["id", "text"]
    found = of_table(
        *([header, *([str(number), text] for number, text in sorted(rows.items()))] for rows in (old, new)), ids=1000
    )
    assert set(found.ids.get("added", [])) == new.keys() - old.keys()
    assert set(found.ids.get("removed", [])) == old.keys() - new.keys()
    assert set(found.ids.get("changed", [])) == {
        number for number in old.keys() & new.keys() if old[number] != new[number]
    }
    assert counts(found) == tuple(len(found.ids.get(kind, [])) for kind in ("added", "changed", "removed"))


def test_only_segments_that_differ_are_read(postgres, monkeypatch):
    url = postgres.database("static")
    postgres.execute(url, "CREATE TABLE big (id int PRIMARY KEY, text text)")
    postgres.execute(url, "INSERT INTO big SELECT n, 'text ' || n FROM generate_series(1, 40000) n")
    deployment = add(url).deployment
    old = take(deployment).snapshot
    postgres.execute(url, "UPDATE big SET text = 'other' WHERE id = 20000; DELETE FROM big WHERE id = 3")
    postgres.execute(url, "INSERT INTO big VALUES (40001, NULL)")
    new = take(deployment).snapshot
    read = []
    segment_records = SnapshotReader.segment_records
    monkeypatch.setattr(
        SnapshotReader, "segment_records", lambda reader, one: read.append(one) or segment_records(reader, one)
    )
    found = {one.table: one for one in diff(old, new, ids=20)}
    assert found["big"].ids == {"added": [40001], "changed": [20000], "removed": [3]}
    assert [name for name, one in found.items() if not one.same] == ["big"]
    assert len(MirrorSource(new).table_state("big").segments) == 5
    assert {segment.range for segment in read} == {0, 2, 4}


def test_types_that_changed(postgres):
    url = postgres.database("static")
    deployment = add(url).deployment
    old = take(deployment).snapshot
    postgres.execute(url, "ALTER TABLE info ALTER COLUMN failed TYPE text USING failed::text")
    found = {one.table: one for one in diff(old, take(deployment).snapshot)}
    assert found["info"].retyped == {"failed": ["bool", "text"]}
    assert (found["info"].changed, found["info"].same) == (130, False)


def test_what_was_written_does_not_come_to_what_the_snapshots_say():
    old = written_down({"coin": [["id", "text"], ["1", "a"]]})
    new = written_down({"coin": [["id", "text"], ["1", "b"]]})
    new.tables["coin"]["rows"] = 7
    with pytest.raises(Damaged, match="coin"):
        diff(old, new)


def test_it_can_be_stopped():
    old, new = (written_down({"coin": [["id", "text"], ["1", text]]}) for text in "ab")

    def look(table):
        raise Cancelled(f"Enough of {table}.")

    with pytest.raises(Cancelled, match="coin"):
        diff(old, new, on_progress=look)
