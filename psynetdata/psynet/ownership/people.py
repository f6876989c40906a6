"""Finds the one participant that a row belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.table_source import TableSource

from .id_collections import IdMap
from .owner_columns import followed, id_columns, in_order, is_empty, links, owner_columns

# The owner of a row that several participants share.
_SEVERAL = ""


@dataclass(frozen=True, repr=False)
class People:
    """What says whose rows are: `numbers` {(column, id): number of the participant}, without ids that several
    participants have; `owners` {table: {row: number of its participant}} of the tables that rows follow; `members`
    {table: {row: number of its only member}} of shared rows. Memory: four bytes for each such row.
    """

    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    owners: dict[str, IdMap] = field(default_factory=dict)
    members: dict[str, IdMap] = field(default_factory=dict)

    @classmethod
    def from_source(cls, source: TableSource) -> "People":
        """Read each table once that participants or keys of other tables are in."""
        there = source.tables()
        people = cls(_numbers(source) if "participant" in there else {})
        for table in sorted(links().keys() & set(there)):
            people._read_links(source, table)
        for table in in_order(set(followed()) & set(there)):
            people._read_owners(source, table)
        return people

    def finder(self, table: str, names: Iterable[str]) -> "OwnerFinder":
        return OwnerFinder(self, table, list(names))

    def __repr__(self) -> str:
        return f"People({len(self.numbers)} ids)"

    def _read_links(self, source: TableSource, table: str) -> None:
        key, goal = links()[table]
        names = [column.name for column in source.columns(table)]
        if not {key, "participant_id"} <= {*names}:
            return
        at, person = names.index(key), names.index("participant_id")
        members = self.members.setdefault(goal, IdMap())
        for row in source.rows(table):
            shared, number = row[at] or "", row[person] or ""
            if members.setdefault(shared, number) != number:
                members[shared] = _SEVERAL

    def _read_owners(self, source: TableSource, table: str) -> None:
        names = [column.name for column in source.columns(table)]
        find = self.finder(table, names)
        if "id" not in names or find.finds_nobody:
            return
        number = names.index("id")
        owners = self.owners[table] = IdMap()
        for row in source.rows(table):
            if owner := find(row):
                owners[row[number] or ""] = owner


class OwnerFinder:
    """Called with a row of one table, returns the number of its participant as text; "" if it is nobody's.

    A row of several participants is nobody's here.
    """

    def __init__(self, people: People, table: str, names: list[str]):
        self._columns = columns = owner_columns(table, names)
        self.finds_nobody = columns.says_nothing
        self._numbers = people.numbers
        nobodys = IdMap()
        self._shared = columns.shared
        self._members = people.members.get(table, nobodys)
        self._keys = [(place, people.owners[goal]) for place, goal in columns.keys if goal in people.owners]
        self._networks = people.owners.get("network", nobodys)
        # Most tables have a number in each row, and it decides.
        is_plain = columns.network is None and columns.shared is None and len(columns.numbers) == 1
        self._plain = columns.numbers[0] if is_plain else None

    def __call__(self, row: Row) -> str:
        if self._plain is not None and (number := row[self._plain]):
            return number
        columns = self._columns
        if columns.network is not None and (network := row[columns.network]):
            return self._networks.get(network) or ""
        named = {number for place in columns.numbers if (number := row[place])}
        if self._shared is not None and (member := self._members.get(row[self._shared] or "")) is not None:
            named.add(member)
        if named:
            return named.pop() if len(named) == 1 else _SEVERAL
        ids = [(name, row[place] or "") for place, name in columns.ids if not is_empty(row[place])]
        if ids:
            return next((self._numbers[each] for each in ids if each in self._numbers), "")
        owners = {owner for place, rows in self._keys if (key := row[place]) and (owner := rows.get(key))}
        return owners.pop() if len(owners) == 1 else _SEVERAL


def _numbers(source: TableSource) -> dict[tuple[str, str], str]:
    """Return the numbers of participants by their ids, from one pass over the table `participant`."""
    numbers: dict[tuple[str, str], str] = {}
    twice: set[tuple[str, str]] = set()
    names = [column.name for column in source.columns("participant")]
    places = [(name, names.index(name)) for name in id_columns() if name in names]
    number = names.index("id")
    for row in source.rows("participant"):
        for name, at in places:
            key = (name, row[at] or "")
            if numbers.setdefault(key, row[number] or "") != row[number]:
                twice.add(key)
    return {key: number for key, number in numbers.items() if key[1] and key not in twice}
