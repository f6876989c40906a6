"""The scan's own entries of the ledger of identifiers: values to look for that rows of any moment held.

Collected with the scan's own rules, so that what the anonymizer misses is not missing here too. An entry says what a
value is; exemptions are applied each time, on top of the ledger (see `collection`). Entries are tuples of texts:

    value, VALUE, KIND     a value to look for
    typed, VALUE, KIND     one that comes from what somebody typed or sent, which can be any word
    holder, VALUE, ROW     one that may name the person of a row, unless others hold it too
    file, ID, VALUE        a value that leads to the file of a personal asset
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from . import table_rows
from .credentials import Credentials
from .materials import Materials
from .needle import Needle, Needles
from .people import People

Entry = tuple[str, ...]
VALUE, TYPED, HOLDER, FILE = "value", "typed", "holder", "file"
# Rows are read again if this changes: raise it with every change of what is collected.
VERSION = "1"
# Of the moment only: the password of the page that is open. Each page has another one.
_MOMENTARY = frozenset({"page_uuid"})


class NeedleReader:
    """Reads rows, table by table: those of `node` come before those of `asset`.

    `decided`: ids of assets that staff allowed to be exported. `entries`, after `close`: {entry: participant whose row
    it was in, "" if the row belongs to nobody}.
    """

    def __init__(self, decided: frozenset[str] = frozenset()):
        self.entries: dict[Entry, str] = {}
        self._needles = Needles()
        self._people, self._materials = People(self._needles), Materials(self._needles, decided)
        self._gatherers = (self._people, self._materials, Credentials(self._needles))
        self._owners: dict[str, str] = {}  # of assets
        self._found: dict[Needle, str] = {}  # {needle: owner}

    def read(self, table: str, names: list[str], records: Sequence[bytes]) -> None:
        """Read records of a table with the columns `names`."""
        for gatherer in self._gatherers:
            gatherer.begin(table, names)
        column = "id" if table == "participant" else "participant_id"
        rows = table_rows.rows_of(b"\n".join(records) + b"\n", len(names))
        owned = list(zip(rows, records, strict=True))
        if column not in names:
            self._chunk("", owned)
            return
        at = names.index(column)
        if table == "asset":
            self._owners |= {row[names.index("id")]: row[at] for row in rows}
        owned.sort(key=lambda each: each[0][at])
        for owner, mine in groupby(owned, key=lambda each: each[0][at]):
            self._chunk(owner, list(mine))

    def _chunk(self, owner: str, owned: list[tuple[list[str], bytes]]) -> None:
        """Read the rows of one participant."""
        before, raw = len(self._needles), b"\n".join(map(itemgetter(1), owned))
        for gatherer in self._gatherers:
            gatherer.chunk([row for row, _ in owned], raw)
        for needle in self._needles.latest(len(self._needles) - before):
            if needle.kind not in _MOMENTARY:
                self._found[needle] = owner

    def close(self) -> None:
        """Make the entries: about each value later rows could have said more."""
        for needle, owner in self._found.items():
            what = TYPED if self._needles.is_typed(needle) else VALUE
            self.entries[what, needle.value, needle.kind] = owner
        for value, rows in self._people.holders.items():
            self.entries |= {(HOLDER, value, row): row for row in rows}
        for value, asset in self._materials.personal.items():
            self.entries[FILE, asset, value] = self._owners.get(asset, "")


@dataclass(frozen=True)
class KnownNeedles:
    """A ledger's entries, sorted out.

    `values` and `typed` [(value, kind)], `holders` [(value, row)], `files` [(asset, value)].
    """

    values: list[tuple[str, str]] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    holders: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def sorted_out(cls, entries: Iterable[Entry]) -> "KnownNeedles":
        known = cls()
        lists = {VALUE: known.values, TYPED: known.typed, HOLDER: known.holders, FILE: known.files}
        for what, first, second in sorted(entries):
            lists[what].append((first, second))
        return known

    @property
    def assets(self) -> frozenset[str]:
        """Ids of assets that were personal at any time."""
        return frozenset(asset for asset, _ in self.files)
