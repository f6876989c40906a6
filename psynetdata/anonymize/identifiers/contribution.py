"""A part: what a run of a table's rows adds to a deployment's identifiers.

collection.py puts the parts of all tables together. A part depends only on its rows, the table's columns, the policy
and this package's code, so it can be stored for as long as its rows do not change (see face/identifier_cache.py). It
holds identifiers in clear text.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from psynetdata.anonymize.forms.strength import NEVER, strength
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from . import answer_copies, personal_assets, public_words, value_finders
from .column_readers import ENTRIES, looks
from .identifiers import RANK


@dataclass
class Part:
    """Plain lists and dictionaries, as JSON stores them.

    `kinds` {value: kind}; `entries` [[value, whether its key may name a person, rows]], see collection.py;
    `found`, `code`, `holders` {word: participants}: see public_words.py; `made`, `linked`, `assets`: see
    personal_assets.py; `parents`, `trials`, `answers`: see answer_copies.py.
    """

    rows: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    entries: list = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    holders: dict[str, list[str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    assets: list = field(default_factory=list)
    parents: list = field(default_factory=list)
    trials: dict[str, list[str]] = field(default_factory=dict)
    answers: list = field(default_factory=list)

    def to_bytes(self) -> bytes:
        kept = {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
        return zlib.compress(json.dumps(kept).encode("ascii"), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Part":
        return cls(**json.loads(zlib.decompress(data)))


def keep(kinds: dict[str, str], value: str, kind: str) -> None:
    """Add an identifier; if it has several kinds, the one that comes first in KINDS is used."""
    if strength(value) != NEVER and RANK[kind] < RANK.get(kinds.get(value, ""), len(RANK)):
        kinds[value] = kind


class PartReader:
    """Reads parts of one table; `needed` is False if its rows cannot add anything."""

    def __init__(self, table: str, columns: list[Column], policy: Policy):
        self._table, self._policy = table, policy
        self._names = [column.name for column in columns]
        entry = ENTRIES.get(table)
        self._entry_at = self._names.index(entry) if entry in self._names else None
        self.needed = bool(looks(table, self._names, policy) or self._others())

    def read(self, rows: Iterable[Row]) -> Part:
        """Return one part made from all these rows."""
        part = Part()
        entries: Counter[tuple[str, bool]] = Counter()
        found = looks(self._table, self._names, self._policy)
        others = self._others()
        for row in rows:
            part.rows += 1
            for look in found:
                for value, kind in look(row):
                    if part.kinds.get(value) != kind or kind == "address":
                        for each in value_finders.parts(value, kind):
                            keep(part.kinds, each, kind)
            for other in others:
                other.read(row)
            if self._entry_at is not None:
                entries.update(set(value_finders.entries(jsontext.decode(row[self._entry_at]))))
        part.entries = [[value, telling, n] for (value, telling), n in entries.items()]
        for other in others:
            other.give(part)
        return part

    def _others(self) -> list:
        of_rules = (each.reader(self._table, self._names, self._policy) for each in (personal_assets, answer_copies))
        made = (public_words.reader(self._table, self._names), *of_rules)
        return [other for other in made if other is not None]
