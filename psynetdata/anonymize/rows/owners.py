"""Finds the participant that a row belongs to, by participant number or by one of the participant's ids."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.table_source import TableSource

# Ids, the most specific first: a person who took part twice has one worker id.
_IDS = ("unique_id", "assignment_id", "worker_id")
_LUCID = ("rid", "worker_id")


@dataclass(frozen=True, repr=False)
class People:
    """`numbers` {(column, id): number of the participant}, without ids that several participants have."""

    numbers: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def from_source(cls, source: TableSource) -> "People":
        """Read the ids in one pass over the table `participant`."""
        numbers: dict[tuple[str, str], str] = {}
        twice: set[tuple[str, str]] = set()
        if "participant" in source.tables():
            names = [column.name for column in source.columns("participant")]
            places = [(name, names.index(name)) for name in _IDS if name in names]
            number = names.index("id")
            for row in source.rows("participant"):
                for name, at in places:
                    key = (name, row[at] or "")
                    if numbers.setdefault(key, row[number] or "") != row[number]:
                        twice.add(key)
        return cls({key: number for key, number in numbers.items() if key[1] and key not in twice})

    def finder(self, table: str, names: Iterable[str]) -> "OwnerFinder":
        return OwnerFinder(self.numbers, table, list(names))

    def __repr__(self) -> str:
        return f"People({len(self.numbers)} ids)"


class OwnerFinder:
    """Called with a row of one table, returns the number of its participant as text; "" if it is nobody's."""

    def __init__(self, numbers: dict[tuple[str, str], str], table: str, names: list[str]):
        at = {name: place for place, name in enumerate(names)}
        own = "id" if table == "participant" else "participant_id"
        self._own = at.get(own)
        self._numbers = numbers
        self._ids = [(name, at[name]) for name in _IDS if name in at]
        if table == "lucid_rid" and _LUCID[0] in at:
            self._ids.append((_LUCID[1], at[_LUCID[0]]))

    def __call__(self, row: Row) -> str:
        if self._own is not None and (number := row[self._own]):
            return number
        for name, place in self._ids:
            if (value := row[place]) and (number := self._numbers.get((name, value))):
                return number
        return ""
