"""Finds the rows of some participants: of a selection, or of all participants except those who withdrew.

A row that names participants, by number or by one of their ids, belongs to them. A row that names nobody follows the
rows that it points to: a process follows its trial, the link of an asset to a trial follows both. All other rows
belong to nobody (networks, nodes and stimuli that all share, the experiment itself) and stay. A selection, however,
has no unowned rows of the tables in OF_STRANGERS, which are about people without naming a participant.

A node follows its network and not the participant that it names: in a chain with several participants, that is the one
whose trial made the chain grow (psynet.trial.chain, grow_network), and the node is the next participant's stimulus.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from .csvtext import EMPTY
from .idset import IdSet

# Requests of people who never joined, traces of errors, messages of recruiters.
OF_STRANGERS = ("request", "notification", "error", "lucid_rid", "lucid_submissions")
# Tables that other tables point to, each one before the tables that point to it.
_FIRST = (
    "participant", "module_state", "response", "sync_group", "network", "node", "info", "asset", "process", "vector",
)  # fmt: skip
# Tables that link participants to shared rows: {table: (pointer, table that it points to)}.
_MEMBERS = {"asset_participant": ("asset_id", "asset"), "participant_link_sync_group": ("sync_group_id", "sync_group")}
# Names of PsyNet's foreign keys, which experimenters use too. Keys along a chain (parent, child, head) do not decide
# who a row belongs to.
_POINTERS = {
    "module_state_id": "module_state", "response_id": "response", "sync_group_id": "sync_group",
    "network_id": "network", "node_id": "node", "origin_id": "node", "destination_id": "node",
    "trial_id": "info", "info_id": "info", "info_in_id": "info", "info_out_id": "info",
    "asset_id": "asset", "process_id": "process", "vector_id": "vector",
}  # fmt: skip
_NUMBERS = ("participant_id", "leader_id")
_IDS = {"worker_id": "worker_id", "unique_id": "unique_id", "assignment_id": "assignment_id"}
_IDS_OF = {"lucid_rid": {"rid": "worker_id"}}
_NOTHING = ("", EMPTY)

Rows = Sequence[Sequence[str]]
Keep = Callable[[Rows], Rows]


class _AllBut:
    """Contains every text that is not in `left`."""

    def __init__(self, left: Container[str]):
        self._left = left

    def __contains__(self, text: object) -> bool:
        return text not in self._left


class Ownership:
    """Separates the rows that stay from the others: rows of `participants` (their ids), or `without` them.

    Read the tables in the order of `in_order`, in blocks of rows from csvtext.block_rows; before that, pass the tables
    of `members` to `note` once. `missing`: participants of a selection that the table `participant`, which comes
    first, does not contain. Memory: one bit for each omitted row of a table that others point to.
    """

    def __init__(self, participants: Iterable[int]):
        named = frozenset(map(str, participants))
        self.missing = set(named)
        self._is_selection = True
        self._ours: Container[str] = named
        self._named_ids: dict[str, set[str]] = {name: set() for name in _IDS}
        self._ids: dict[str, Container[str]] = {**self._named_ids}
        self._left = {table: IdSet() for table in _FIRST}
        self._shared = {goal: (IdSet(), IdSet()) for _, goal in _MEMBERS.values()}

    @classmethod
    def without(cls, participants: Iterable[int]) -> "Ownership":
        ownership = cls(())
        ownership._is_selection = False
        ownership._ours = _AllBut(set(map(str, participants)))
        ownership._ids = {name: _AllBut(ids) for name, ids in ownership._named_ids.items()}
        return ownership

    @staticmethod
    def in_order(tables: Iterable[str]) -> list[str]:
        rank = {table: place for place, table in enumerate(_FIRST)}
        return sorted(tables, key=lambda table: (rank.get(table, len(rank)), table))

    @staticmethod
    def members(tables: Iterable[str]) -> list[str]:
        """Return the tables that link participants to shared rows (assets, groups)."""
        return sorted(_MEMBERS.keys() & set(tables))

    def note(self, table: str, names: list[str], rows: Rows) -> None:
        """Read the participants of shared rows from a block of a table in `members`."""
        pointer, goal = _MEMBERS[table]
        if not {pointer, "participant_id"} <= {*names}:
            return
        at, person = names.index(pointer), names.index("participant_id")
        ours, others = self._shared[goal]
        for row in rows:
            (ours if row[person] in self._ours else others).add(row[at])

    def keeper(self, table: str, names: list[str]) -> Keep | None:
        """Return a function that reduces a block of the table's rows to those that stay; None if all rows stay."""
        at = {name: place for place, name in enumerate(names)}
        if table == "participant":
            return lambda rows: self._participants(at, rows)
        if (stays := self._question(table, at)) is None:
            return None
        number, left = at.get("id"), self._left.get(table)
        if left is None or number is None:
            return lambda rows: [row for row in rows if stays(row)]

        def keep(rows: Rows) -> Rows:
            kept = []
            for row in rows:
                if stays(row):
                    kept.append(row)
                else:
                    left.add(row[number])
            return kept

        return keep

    def _participants(self, at: dict[str, int], rows: Rows) -> Rows:
        """Return the participants that stay, and remember the other ids of those named (see the constructors)."""
        number = at["id"]
        kept = [row for row in rows if row[number] in self._ours]
        named = kept if self._is_selection else [row for row in rows if row[number] not in self._ours]
        for row in named:
            self.missing.discard(row[number])
            for name, known in self._named_ids.items():
                if name in at and row[at[name]] not in _NOTHING:
                    known.add(row[at[name]])
        return kept

    def _question(self, table: str, at: dict[str, int]) -> Callable[[Sequence[str]], bool] | None:
        """Return a function that decides whether a row stays; None if no column says who a row belongs to."""
        named = [(at[name], self._ours) for name in _NUMBERS if name in at]
        ids = _IDS | _IDS_OF.get(table, {})
        named += [(at[column], self._ids[name]) for column, name in ids.items() if column in at]
        pointers = [(at[name], self._left[goal]) for name, goal in _POINTERS.items() if name in at]
        shared = self._shared.get(table) if "id" in at else None
        is_of_strangers = self._is_selection and table in OF_STRANGERS
        if not (named or pointers or shared or is_of_strangers):
            return None

        def stays(row: Sequence[str]) -> bool:
            if shared and row[at["id"]] in shared[0]:
                return True
            people = [row[place] in ours for place, ours in named if row[place] not in _NOTHING]
            if people:
                return any(people)
            if shared and row[at["id"]] in shared[1]:
                return False
            return not is_of_strangers and not any(row[place] in left for place, left in pointers)

        if table != "node" or "network_id" not in at:
            return stays
        network, left = at["network_id"], self._left["network"]
        return lambda row: row[network] not in left if row[network] else stays(row)
