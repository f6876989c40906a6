"""Where PsyNet keeps identifiers of people, also of people who never became participants.

Which of PsyNet's columns people fill is in psynetdata/psynet/column_roles.csv. A column of any table, also of the
experimenter's own tables, whose name announces an identity is included as well.
"""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from psynetdata.psynet.column_roles import Role, has_role
from psynetdata.psynet.tables import EXPERIMENT_TABLES, known_tables
from psynetdata.psynet.wordlists.exemptions import SCAN, limit

from . import identity_names
from .json_texts import texts
from .strength import looks_like_id

if TYPE_CHECKING:
    from .needle import Needles

ENTRY = "entry_information"

# Letters of scripts without spaces are around an address, not in it; the last part begins with two letters.
_LETTER = "[^\\W\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
_EMAIL = re.compile(rf"(?:{_LETTER}|[.+%'-]){{1,64}}@(?:(?:{_LETTER}|-){{1,63}}\.)+[^\W\d_]{{2,24}}(?![\w-])")

# Dallinger routes that carry ids in their path (dallinger/experiment_server/experiment_server.py).
_ROUTES = {"participant": ("worker_id", "hit_id", "assignment_id"), "load-participant": ("assignment_id",)}

_REMEMBERED = 100_000
_ROW_DIGITS = limit("own_table_digits", SCAN)


class People:
    """Collects identifiers of people, chunk by chunk."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._takers: list[tuple[int, Callable[[str], None]]] = []
        self._entry_at: tuple[int, int] | None = None
        self._seen: dict[int, set[str]] = {}
        self._holders: dict[str, set[str]] = defaultdict(set)

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table; most of its columns are never read."""
        at = {name: index for index, name in enumerate(columns)}
        self._seen, self._entry_at = defaultdict(set), None
        if table in EXPERIMENT_TABLES:  # their e-mail addresses are the lab's own
            self._takers = []
            return
        self._takers = [(at[name], take) for name in columns for take in self._takers_of(table, name)]
        if table == "request" and "endpoint" in at:
            self._takers.append((at["endpoint"], self._route))
        if ENTRY in at:
            self._entry_at = at[ENTRY], at.get("id", at[ENTRY])

    def _takers_of(self, table: str, column: str) -> Iterator[Callable[[str], None]]:
        """Yield the functions that examine a column's cells; each examines a cell once, however often it occurs."""
        foreign = table not in known_tables()
        typed = foreign or has_role(Role.TYPED, table, column)
        if kind := identity_names.kind_of(column):
            # A small number in an experimenter's own table (session_id 1 to 30) is not an id by itself.
            sent = has_role(Role.SENT, table, column)
            yield partial(self._identity, kind, small=not foreign or column == "worker_id", typed=sent)
        elif column != ENTRY and typed:
            yield partial(self._json, everything=table == "lucid_submissions")
        if typed:
            yield self._emails

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        """Take some rows of the table; NULL is ""."""
        for number, (index, take) in enumerate(self._takers):
            seen = self._seen[number]
            new_cells = [cell for cell in dict.fromkeys(row[index] for row in rows) if cell and cell not in seen]
            for cell in new_cells:
                take(cell)
            if len(seen) > _REMEMBERED:
                seen.clear()
            seen.update(new_cells)
        if self._entry_at:
            entry, holder = self._entry_at
            for row in rows:
                if row[entry]:
                    self._entry(row[entry], row[holder])

    def __getstate__(self) -> dict[str, object]:
        """Return what goes from one process to another: only what was found."""
        return {"_needles": self._needles, "_holders": self._holders}

    def merge(self, other: "People") -> None:
        """Add what another collector found in other rows."""
        for value, holders in other._holders.items():
            self._holders[value] |= holders

    @property
    def holders(self) -> dict[str, set[str]]:
        """{value that may name a person: rows that have it}."""
        return self._holders

    def know(self, value: str, holder: str) -> None:
        """Add a row that had the value at another time."""
        self._holders[value].add(holder)

    def close(self) -> None:
        """A value that several people share under a key that identifies nobody is a group, not a person."""
        for value, holders in self._holders.items():
            if len(holders) == 1:
                self._needles.add(value, ENTRY, typed=True)

    def _identity(self, kind: str, value: str, *, small: bool = True, typed: bool = False) -> None:
        """Add an identifier. `small`: a number that could count rows is one too; `typed` as in `Needles.add`."""
        if not small and len(value) <= _ROW_DIGITS and value.isdigit():
            return
        if kind == "client_ip_address":
            for address in addresses(value):
                self._needles.add(address, kind, typed=typed)
            return
        self._needles.add(value, kind, typed=typed)
        if kind == "unique_id" and value.count(":") == 1:  # participant.unique_id is worker_id:assignment_id
            worker, assignment = value.split(":")
            self._needles.add(worker, "worker_id", typed=typed)
            self._needles.add(assignment, "assignment_id", typed=typed)

    def _entry(self, cell: str, holder: str) -> None:
        for key, value in texts(cell):
            kind = identity_names.kind_of(key)
            if kind == "client_ip_address":
                self._identity(kind, value, typed=True)
            elif kind:
                self._needles.add(value, ENTRY, typed=True)
            elif identity_names.announces_person(key) or looks_like_id(value):
                self._holders[value].add(holder)

    def _json(self, cell: str, *, everything: bool) -> None:
        lowered = cell.lower()
        if len(cell) <= 2 or (not everything and not any(marker in lowered for marker in identity_names.MARKERS)):
            return
        for key, value in texts(cell):
            kind = identity_names.kind_of(key)
            if kind and len(value) <= 200:
                self._identity(kind, value, typed=True)
            elif everything and looks_like_id(value):
                self._needles.add(value, "lucid", typed=True)

    def _emails(self, cell: str) -> None:
        if "@" not in cell and "u0040" not in cell:
            return
        for _, value in texts(cell):
            for address in _EMAIL.findall(value):
                self._needles.add(address.strip(".'"), "email")

    def _route(self, endpoint: str) -> None:
        parts = endpoint.strip("/").split("/")
        for kind, value in zip(_ROUTES.get(parts[0], ()), parts[1:], strict=False):
            self._needles.add(value, kind, typed=True)


def addresses(text: str) -> list[str]:
    """Return the addresses of a forwarded list (`X-Forwarded-For`), without ports; IPv6 also in full."""
    matches = []
    for part in text.split(","):
        part = part.strip().strip('"')
        if match := re.fullmatch(r"\[(.+)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+", part):
            part = match.group(1) or match.group(2)
        matches.append(part)
        try:
            address = ipaddress.ip_address(part)
        except ValueError:
            continue
        if address.version == 6:
            matches += [address.compressed, address.exploded]
            if address.ipv4_mapped:
                matches.append(str(address.ipv4_mapped))
    return matches
