"""Reads what a run of a table's rows adds to a deployment's identifiers."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from psynetdata.anonymize.forms.strength import NEVER, strength
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from . import answer_copies, personal_assets, value_finders, word_reader
from .column_readers import column_readers
from .contribution import Contribution
from .identifiers import RANK


class _PartReader(Protocol):
    """Reads what else a part adds."""

    def read(self, row: Row) -> None: ...

    def give(self, contribution: Contribution) -> None:
        """Write what was read into the contribution."""


def keep(kinds: dict[str, str], value: str, kind: str) -> None:
    """Add an identifier; if it has several kinds, the one that comes first in KINDS is used."""
    if strength(value) != NEVER and RANK[kind] < RANK.get(kinds.get(value, ""), len(RANK)):
        kinds[value] = kind


class ContributionReader:
    """Reads parts of one table; `needed` is False if its rows cannot add anything."""

    def __init__(self, table: str, columns: list[Column], policy: Policy):
        self._table, self._policy = table, policy
        self._names = [column.name for column in columns]
        entries = [name for name in columns_with_role(Role.ENTRY, table) if name in self._names]
        self._entry_at = self._names.index(entries[0]) if entries else None
        self.needed = bool(column_readers(table, self._names, policy) or self._others())

    def read(self, rows: Iterable[Row]) -> Contribution:
        """Return one part made from all these rows."""
        part = Contribution()
        entries: Counter[tuple[str, bool]] = Counter()
        readers = column_readers(self._table, self._names, self._policy)
        others = self._others()
        sure: set[str] = set()
        for row in rows:
            part.rows += 1
            for reader in readers:
                for value, kind in reader.read(row):
                    known = part.kinds.get(value) == kind and (reader.typed or value in sure)
                    if not known or kind == "address":
                        for each in value_finders.searchable_parts(value, kind):
                            keep(part.kinds, each, kind)
                            if not reader.typed:
                                sure.add(each)
            for other in others:
                other.read(row)
            if self._entry_at is not None:
                entries.update(set(value_finders.entries(jsontext.decode(row[self._entry_at]))))
        part.typed = sorted(part.kinds.keys() - sure)
        part.entries = [[value, telling, n] for (value, telling), n in entries.items()]
        for other in others:
            other.give(part)
        return part

    def _others(self) -> list[_PartReader]:
        of_rules = (each.reader(self._table, self._names, self._policy) for each in (personal_assets, answer_copies))
        made = (word_reader.reader(self._table, self._names), *of_rules)
        return [other for other in made if other is not None]
