"""Where PsyNet keeps identifiers of people, also of those who never became participants.

Columns are those of PsyNet 13.3 (psynetdata/psynet/columns.csv); a column of any table, the experimenter's own
included, whose name announces an identity is taken as well.
"""

import ipaddress
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from psynetdata.psynet.tables import known_tables

from . import names
from .jsonwalk import texts
from .strength import looks_like_id

if TYPE_CHECKING:
    from .needles import Needles

ENTRY = "entry_information"

# JSON in which keys may announce identities, by column, in whatever table.
_JSON_COLUMNS = frozenset({"params", "vars", "arguments", "details", "message", "response", "answer", "contents"})
_MARKERS = ("worker", "assignment", "hit", "prolific", "session", "study", "rid", "panelist", "respondent", "psid")
_MARKERS += ("unique", "fingerprint", "address", "email", "sona", "subject", "submission", "client", "pid", "user")

# About the experiment, not about people; its e-mail addresses are the lab's own.
_IMPERSONAL = ("experiment", "experiment_status")

# Columns that participants fill.
_TYPED_BY_PEOPLE = _JSON_COLUMNS | {"content", "answer_accumulators", "traceback", "failed_reason", ENTRY}

# Letters of scripts that write no spaces stand around an address, not in it; the last part begins with two letters.
_LETTER = "[^\\W\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
_EMAIL = re.compile(rf"(?:{_LETTER}|[.+%'-]){{1,64}}@(?:(?:{_LETTER}|-){{1,63}}\.)+[^\W\d_]{{2,24}}(?![\w-])")

# Dallinger routes that carry ids in their path (dallinger/experiment_server/experiment_server.py).
_ROUTES = {"participant": ("worker_id", "hit_id", "assignment_id"), "load-participant": ("assignment_id",)}

_REMEMBERED = 100_000


class People:
    """Gathers identifiers of people row by row."""

    def __init__(self, needles: "Needles"):
        self._needles = needles
        self._foreign = False
        self._columns: list[tuple[str, str | None, bool]] = []
        self._seen: set[str] = set()
        self._holders: dict[str, set[str]] = defaultdict(set)

    def begin(self, table: str, columns: list[str]) -> None:
        """A table's rows follow: most of its columns are never looked at."""
        self._foreign = table not in known_tables()
        typed = {name for name in columns if self._foreign or name in _TYPED_BY_PEOPLE}
        self._columns = [
            (name, names.kind_of(name), name in typed)
            for name in columns
            if names.kind_of(name) or name in typed or name in _JSON_COLUMNS
        ]
        if table in _IMPERSONAL:
            self._columns = []

    def row(self, table: str, cells: dict[str, str]) -> None:
        """Take one row: {column: text}, NULL left out."""
        for column, kind, typed in self._columns:
            cell = cells.get(column)
            if not cell:
                continue
            if kind:
                # A small number in an experimenter's own table (session_id 1 to 30) is nobody's id by itself.
                if not (self._foreign and column != "worker_id" and len(cell) <= 5 and cell.isdigit()):
                    self._identity(kind, cell)
            elif column == ENTRY:
                self._entry(cell, cells.get("id", ""))
            elif len(cell) > 2:
                self._json(cell, everything=table == "lucid_submissions")
            if typed and ("@" in cell or "u0040" in cell):
                self._emails(cell)
        if table == "request" and "endpoint" in cells:
            self._route(cells["endpoint"])

    def close(self) -> None:
        """A value that several people share under a key that names nobody is a group, not a person."""
        for value, holders in self._holders.items():
            if len(holders) == 1:
                self._needles.add(value, ENTRY)

    def _identity(self, kind: str, value: str) -> None:
        if kind == "client_ip_address":
            for address in addresses(value):
                self._needles.add(address, kind)
            return
        self._needles.add(value, kind)
        if kind == "unique_id" and value.count(":") == 1:  # participant.unique_id is worker_id:assignment_id
            worker, assignment = value.split(":")
            self._needles.add(worker, "worker_id")
            self._needles.add(assignment, "assignment_id")

    def _entry(self, cell: str, holder: str) -> None:
        for key, value in texts(cell):
            kind = names.kind_of(key)
            if kind == "client_ip_address":
                self._identity(kind, value)
            elif kind:
                self._needles.add(value, ENTRY)
            elif names.announces_person(key) or looks_like_id(value):
                self._holders[value].add(holder)

    def _json(self, cell: str, *, everything: bool) -> None:
        if cell in self._seen:
            return
        if len(self._seen) < _REMEMBERED:
            self._seen.add(cell)
        lowered = cell.lower()
        if not everything and not any(marker in lowered for marker in _MARKERS):
            return
        for key, value in texts(cell):
            kind = names.kind_of(key)
            if kind and len(value) <= 200:
                self._identity(kind, value)
            elif everything and looks_like_id(value):
                self._needles.add(value, "lucid")

    def _emails(self, cell: str) -> None:
        for _, value in texts(cell):
            for address in _EMAIL.findall(value):
                self._needles.add(address.strip(".'"), "email")

    def _route(self, endpoint: str) -> None:
        parts = endpoint.strip("/").split("/")
        for kind, value in zip(_ROUTES.get(parts[0], ()), parts[1:], strict=False):
            self._needles.add(value, kind)


def addresses(text: str) -> list[str]:
    """The addresses of a forwarded list (`X-Forwarded-For`), without ports; IPv6 also written out."""
    found = []
    for part in text.split(","):
        part = part.strip().strip('"')
        if match := re.fullmatch(r"\[(.+)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+", part):
            part = match.group(1) or match.group(2)
        found.append(part)
        try:
            address = ipaddress.ip_address(part)
        except ValueError:
            continue
        if address.version == 6:
            found += [address.compressed, address.exploded]
            if address.ipv4_mapped:
                found.append(str(address.ipv4_mapped))
    return found
