"""Finds the rows of some participants: of a selection, or of all participants except those who withdrew.

Rows of nobody stay. A selection, however, has no unowned rows of the tables in OF_STRANGERS, which are about people
without naming a participant.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from .id_collections import IdSet
from .owner_columns import OwnerColumns, followed, id_columns, in_order, is_empty, links, owner_columns

# Requests of people who never joined, traces of errors, messages of recruiters.
OF_STRANGERS = ("request", "notification", "error", "lucid_rid", "lucid_submissions")

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
        self._named_ids: dict[str, set[str]] = {name: set() for name in id_columns()}
        self._ids: dict[str, Container[str]] = {**self._named_ids}
        self._left = {table: IdSet() for table in followed()}
        self._shared = {goal: (IdSet(), IdSet()) for _, goal in links().values()}

    @classmethod
    def without(cls, participants: Iterable[int]) -> "Ownership":
        ownership = cls(())
        ownership._is_selection = False
        ownership._ours = _AllBut(set(map(str, participants)))
        ownership._ids = {name: _AllBut(ids) for name, ids in ownership._named_ids.items()}
        return ownership

    @staticmethod
    def in_order(tables: Iterable[str]) -> list[str]:
        return in_order(tables)

    @staticmethod
    def members(tables: Iterable[str]) -> list[str]:
        """Return the tables that link participants to shared rows (assets, groups)."""
        return sorted(links().keys() & set(tables))

    def note(self, table: str, names: list[str], rows: Rows) -> None:
        """Read the participants of shared rows from a block of a table in `members`."""
        pointer, goal = links()[table]
        if not {pointer, "participant_id"} <= {*names}:
            return
        at, person = names.index(pointer), names.index("participant_id")
        ours, others = self._shared[goal]
        for row in rows:
            (ours if row[person] in self._ours else others).add(row[at])

    def keeper(self, table: str, names: list[str]) -> Keep | None:
        """Return a function that reduces a block of the table's rows to those that stay; None if all rows stay."""
        if table == "participant":
            at = {name: place for place, name in enumerate(names)}
            return lambda rows: self._participants(at, rows)
        columns = owner_columns(table, names)
        if (stays := self._question(table, columns)) is None:
            return None
        number, left = columns.number, self._left.get(table)
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
                if name in at and not is_empty(row[at[name]]):
                    known.add(row[at[name]])
        return kept

    def _question(self, table: str, columns: OwnerColumns) -> Callable[[Sequence[str]], bool] | None:
        """Return a function that decides whether a row stays; None if no column says who a row belongs to."""
        is_of_strangers = self._is_selection and table in OF_STRANGERS
        if columns.says_nothing and not is_of_strangers:
            return None
        named = [(place, self._ours) for place in columns.numbers]
        named += [(place, self._ids[name]) for place, name in columns.ids]
        pointers = [(place, self._left[goal]) for place, goal in columns.keys]
        number = columns.shared
        ours, others = self._shared.get(table, (IdSet(), IdSet()))

        def stays(row: Sequence[str]) -> bool:
            if number is not None and row[number] in ours:
                return True
            people = [row[place] in known for place, known in named if not is_empty(row[place])]
            if people:
                return any(people)
            if number is not None and row[number] in others:
                return False
            return not is_of_strangers and not any(row[place] in left for place, left in pointers)

        if (network := columns.network) is None:
            return stays
        left = self._left["network"]
        return lambda row: row[network] not in left if row[network] else stays(row)
