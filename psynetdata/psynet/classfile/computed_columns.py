"""Columns of PsyNet's class files that are not columns of a table: PsyNet computes them from other rows.

The definitions are in PsyNet 13.3 and Dallinger 12.4: psynet.trial.main and psynet.trial.chain (`n_*` of networks,
nodes and trial makers' states), dallinger.models (`n_*_infos`), psynet.participant (`*_modules`, `module_id`).
A count is the number of rows that point to a row; NULL satisfies no condition, as in SQL.

Rows that are counted (info, node, module_state) are read before the rows that show the counts. The counts of a
table with a million nodes take four bytes each.
"""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psynetdata.psynet.csvtext import EMPTY

# Tables whose rows need counts of other tables' rows; each batch comes after the one before.
BATCHES = (("module_state", "node"), ("network", "participant"))
COUNTED = {"info", "module_state", "node"}
_DENSE = 1 << 24  # counts of ids below this are in an array


@dataclass(frozen=True)
class _Count:
    """Counts rows of the table `counted` whose column `pointer` is the row's id and whose columns match `where`."""

    counted: str
    pointer: str
    where: Mapping[str, str]

    @property
    def needs(self) -> set[str]:
        return {self.pointer, *self.where}


_ALIVE = {"failed": "f"}
_COUNTS: dict[str, dict[str, _Count]] = {
    "node": {"n_viable_trials": _Count("info", "node_id", {"is_repeat_trial": "f", **_ALIVE})},
    "network": {
        "n_pending_infos": _Count("info", "network_id", {"complete": "f", **_ALIVE}),
        "n_completed_infos": _Count("info", "network_id", {"complete": "t", **_ALIVE}),
        "n_failed_infos": _Count("info", "network_id", {"failed": "t"}),
        "n_all_trials": _Count("info", "network_id", {}),
        "n_alive_trials": _Count("info", "network_id", _ALIVE),
        "n_failed_trials": _Count("info", "network_id", {"failed": "t"}),
        "n_completed_trials": _Count("info", "network_id", {"complete": "t", "is_repeat_trial": "f", **_ALIVE}),
        "n_all_nodes": _Count("node", "network_id", {}),
        "n_alive_nodes": _Count("node", "network_id", _ALIVE),
        "n_failed_nodes": _Count("node", "network_id", {"failed": "t"}),
    },
    "module_state": {"n_participant_trials_in_trial_maker": _Count("info", "module_state_id", {})},
}
_IN_BLOCK = "n_participant_trials_in_block"
_MODULES = {"started_modules": "started", "finished_modules": "finished", "aborted_modules": "aborted"}
NAMES = {
    *(name for counts in _COUNTS.values() for name in counts), _IN_BLOCK, *_MODULES, "module_id",
}  # fmt: skip
_OF_STATE = ("id", "participant_id", "module_id", "time_started")

Columns = Mapping[str, Sequence[str]]
# {(table, computed column): its counts}, which `Computed.add` understands.
Counts = dict[tuple[str, str], Any]


def computed_columns(table: str, columns: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the columns that are added to a table's class files.

    `columns` returns the columns of any table that may leave. A computed column that needs a missing one is not added.
    """
    names = [name for name, count in _COUNTS.get(table, {}).items() if count.needs <= {*columns(count.counted)}]
    if table == "module_state" and {"module_state_id", "block_position"} <= {*columns("info")}:
        names += [_IN_BLOCK] if "block_position" in columns(table) else []
    if table == "participant":
        there = {*columns("module_state")}
        if there.issuperset(_OF_STATE):
            names += [name for name, flag in _MODULES.items() if flag in there]
            names += ["module_id"] if "module_state_id" in columns(table) else []
    return names


def counted(table: str, rows: Columns, wanted: Mapping[str, Sequence[str]]) -> Counts:
    """Return what a block of rows adds to the counts, for `Computed.add`. `wanted`: {table: computed columns}."""
    counts_by_goal: Counts = {}
    for goal, names in wanted.items():
        for name in names:
            count = _COUNTS.get(goal, {}).get(name)
            if count is not None and count.counted == table:
                counts_by_goal[goal, name] = _matching(count, rows)
    if table == "info" and _IN_BLOCK in wanted.get("module_state", ()):
        pairs = zip(rows["module_state_id"], rows["block_position"], strict=True)
        counts_by_goal["module_state", _IN_BLOCK] = Counter(pair for pair in pairs if all(pair))
    if table == "module_state" and wanted.get("participant"):
        flags = [rows.get(flag, [""] * len(rows["id"])) for flag in _MODULES.values()]
        counts_by_goal["participant", "modules"] = list(zip(*(rows[name] for name in _OF_STATE), *flags, strict=True))
    return counts_by_goal


def add(sums: Counts, more: Counts) -> None:
    """Add the counts `more` of another block to `found`."""
    for goal, counts in more.items():
        if goal in sums:
            sums[goal] += counts
        else:
            sums[goal] = counts


def _matching(count: _Count, rows: Columns) -> Counter[str]:
    pointers = rows[count.pointer]
    if count.where:
        conditions = zip(*(rows[name] for name in count.where), strict=True)
        values = tuple(count.where.values())
        pointers = [pointer for pointer, counts in zip(pointers, conditions, strict=True) if counts == values]
    found = Counter(pointers)
    del found[""]
    return found


class IdCounts:
    """Holds a count for each id."""

    def __init__(self) -> None:
        self._dense = array("I")
        self._sparse: Counter[int] = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        for text, number in counts.items():
            at = _id(text)
            if at is None:
                continue
            if not 0 <= at < _DENSE:
                self._sparse[at] += number
                continue
            if (missing := at + 1 - len(self._dense)) > 0:
                room = max(missing, len(self._dense))
                self._dense.frombytes(bytes(self._dense.itemsize * room))
            self._dense[at] += number

    def within(self, low: int, high: int) -> dict[str, str]:
        """Return {id: count}, both as text, for ids from `low` to below `high` that have a count."""
        dense = enumerate(self._dense[max(low, 0) : max(high, 0)], max(low, 0))
        cells = {str(at): str(number) for at, number in dense if number}
        cells.update({str(at): str(number) for at, number in self._sparse.items() if low <= at < high})
        return cells


class Computed:
    """Adds up the results of `counted`, and returns the cells of computed columns for a range of ids."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], IdCounts] = {}
        self._in_block: Counter[tuple[str, str]] = Counter()
        self._modules: dict[int, list[tuple[str, ...]]] = {}

    def add(self, new_counts: Counts) -> None:
        for goal, counts in new_counts.items():
            if goal == ("module_state", _IN_BLOCK):
                self._in_block.update(counts)
            elif goal == ("participant", "modules"):
                for state in counts:
                    if (person := _id(state[1])) is not None:
                        self._modules.setdefault(person, []).append(state)
            else:
                self._tallies.setdefault(goal, IdCounts()).add(counts)

    def within(self, table: str, names: Iterable[str], low: int, high: int) -> dict[str, dict[Any, str]]:
        """Return {column: {id: cell}} for the table's rows with ids from `low` to below `high`; see `cells`."""
        cells: dict[str, dict[Any, str]] = {}
        for name in names:
            if name == _IN_BLOCK:
                cells[name] = {pair: str(n) for pair, n in self._in_block.items() if low <= (_id(pair[0]) or 0) < high}
            elif name == "module_id":
                cells[name] = {state[0]: state[2] for states in self._of(low, high).values() for state in states}
            elif name in _MODULES:
                at = len(_OF_STATE) + list(_MODULES).index(name)
                cells[name] = {str(person): _in_order(states, at) for person, states in self._of(low, high).items()}
            else:
                tally = self._tallies.get((table, name))
                cells[name] = tally.within(low, high) if tally else {}
        return cells

    def _of(self, low: int, high: int) -> dict[int, list[tuple[str, ...]]]:
        if high - low > len(self._modules):
            return {person: states for person, states in self._modules.items() if low <= person < high}
        return {person: self._modules[person] for person in range(low, high) if person in self._modules}


def _id(text: str) -> int | None:
    """Return the id as a number; None for other text, which a hand-made database may contain."""
    try:
        return int(text)
    except ValueError:
        return None


def _in_order(states: list[tuple[str, ...]], at: int) -> str:
    """Return the ids of modules whose flag is set as JSON, ordered by start time."""
    ordered = sorted(states, key=lambda state: (state[3], _id(state[0]) or 0))
    return json.dumps([None if not state[2] else state[2].rstrip(EMPTY) for state in ordered if state[at] == "t"])


def cells(computed: Mapping[str, dict[Any, str]], rows: Columns) -> dict[str, list[str]]:
    """Return the computed columns of a block. `told`: the result of `Computed.within` for a range with all its ids."""
    columns = {}
    for name, known in computed.items():
        if name == "module_id":
            columns[name] = [known.get(state, "") for state in rows["module_state_id"]]
        elif name == _IN_BLOCK:
            pairs = zip(rows["id"], rows["block_position"], strict=True)
            columns[name] = [known.get(pair, "0") for pair in pairs]
        else:
            nothing = "[]" if name in _MODULES else "0"
            columns[name] = [known.get(at, nothing) for at in rows["id"]]
    if "block_order" in rows:  # only trial makers with chains have these; other modules' states share the table
        for name in ("n_participant_trials_in_trial_maker", _IN_BLOCK):
            if name in columns:
                told_of = zip(columns[name], rows["block_order"], strict=True)
                columns[name] = [cell if order else "" for cell, order in told_of]
    return columns
