"""Entries of the ledger of identifiers: what rows of any moment add to it, for good.

The ledger (exports/ledger) belongs to all deployments that continue each other. An entry says what a value is, not
whether it is replaced: exemptions that depend on counts, on words of the experiment or on decisions are applied each
time, on top of the ledger (see collection.py). Entries are tuples of texts:

    value, VALUE, KIND                      an identifier
    typed, VALUE, KIND                      one that comes from what somebody typed or sent, which can be any word
    decided, VALUE, TABLE, COLUMN, SELECTOR one according to a decision, for as long as that decision holds
    passed_on, VALUE, TELLING, TABLE, ROW   what a recruiter passed on about the person of a row; TELLING: 1, or empty
    asset, ID, SELECTOR, FLAG               a personal asset; FLAG: 1 if PsyNet marks it so
    trace, ID, VALUE, KIND                  a value that leads to the file of a personal asset
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field

from psynetdata.anonymize.forms.strength import NEVER, strength
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row

from . import value_finders
from .column_readers import ColumnReader, column_readers, decided_readers, is_decided
from .identifiers import KINDS
from .personal_assets import asset_selector, is_flagged, is_made_by_people, is_personal, traces_of
from .value_finders import Found

Entry = tuple[str, ...]
VALUE, TYPED, DECIDED, PASSED_ON, ASSET, TRACE = "value", "typed", "decided", "passed_on", "asset", "trace"
_YES = "1"
# Of the moment only: each page has another one, and it opens nothing once the page is left. A ledger of them would grow
# with each minute of each person.
_MOMENTARY = frozenset({"page_token"})


def rules_digest(policy: Policy) -> str:
    """Return a hash of the rules on which entries depend: rows are read again if it changes."""
    rules = sorted(astuple(rule) for rule in policy.rules if _matters(rule))
    return hashlib.sha256(json.dumps(rules).encode()).hexdigest()


class LedgerReader:
    """Reads rows, table by table: those of `node` and `asset_participant` come before those of `asset`.

    `entries`: {entry: participant whose row it was in, "" if the row belongs to nobody}.
    """

    def __init__(self, policy: Policy):
        self.entries: dict[Entry, str] = {}
        self._policy = policy
        self._decided = [rule for rule in policy.rules if is_decided(rule)]
        self._undecided = _without(policy, self._decided)
        self._made: set[str] = set()
        self._linked: set[str] = set()
        self._tables: dict[tuple[str, ...], _TableReaders] = {}

    def read(self, table: str, names: list[str], rows: Iterable[Row]) -> None:
        """Read rows with the columns `names`."""
        readers = self._readers(table, names)
        if not readers.needed:
            return
        for row in rows:
            owner = "" if readers.owner_at is None else row[readers.owner_at] or ""
            for reader in readers.columns:
                what = TYPED if reader.typed else VALUE
                for value, kind in reader.read(row):
                    for each in value_finders.searchable_parts(value, kind) if kind not in _MOMENTARY else ():
                        self._add(owner, what, each, kind)
            for column, read_decided in readers.decided:
                if any(True for _ in read_decided(row)):
                    self._read_by_rule(table, names, column, row, owner)
            if readers.entry_at is not None:
                for value, telling in set(value_finders.entries(jsontext.decode(row[readers.entry_at]))):
                    number = row[readers.id_at] if readers.id_at is not None else None
                    self._add(owner, PASSED_ON, value, _YES if telling else "", table, number or "")
            if readers.other:
                readers.other(dict(zip(names, row, strict=True)), owner)

    def _readers(self, table: str, names: list[str]) -> "_TableReaders":
        key = (table, *names)
        if key not in self._tables:
            others = {"node": self._node, "asset_participant": self._link, "asset": self._asset}
            owner = "id" if table == "participant" else "participant_id"
            entries = [name for name in columns_with_role(Role.ENTRY, table) if name in names]
            self._tables[key] = _TableReaders(
                columns=column_readers(table, names, self._undecided),
                decided=decided_readers(table, names, self._policy) if self._decided else [],
                other=others.get(table),
                owner_at=names.index(owner) if owner in names else None,
                entry_at=names.index(entries[0]) if entries else None,
                id_at=names.index("id") if "id" in names else None,
            )
        return self._tables[key]

    def _add(self, owner: str, what: str, value: str, *more: str) -> None:
        if strength(value) != NEVER:
            self.entries.setdefault((what, value, *more), owner)

    def _read_by_rule(self, table: str, names: list[str], column: str, row: Row, owner: str) -> None:
        """Read a row in which decisions find something, rule by rule: an entry names the rule."""
        for rule in self._decided:
            for name, read_decided in decided_readers(table, names, Policy([rule], version="")):
                for value, _ in read_decided(row) if name == column else ():
                    self._add(owner, DECIDED, value, rule.table, rule.column, rule.selector)

    def _node(self, row: dict[str, str | None], owner: str) -> None:
        if is_made_by_people(row):
            self._made.add(row.get("id") or "")

    def _link(self, row: dict[str, str | None], owner: str) -> None:
        self._linked.add(row.get("asset_id") or "")

    def _asset(self, row: dict[str, str | None], owner: str) -> None:
        number = row.get("id") or ""
        personal = is_personal(row, self._policy)
        if personal is None:
            personal = number in self._linked or (row.get("node_id") or "") in self._made
        if personal:
            flag = _YES if is_flagged(row) else ""
            self.entries.setdefault((ASSET, number, asset_selector(row), flag), owner)
            for value, kind in traces_of(row).items():
                if strength(value) != NEVER:
                    self.entries.setdefault((TRACE, number, value, kind), owner)


@dataclass(frozen=True)
class _TableReaders:
    columns: list[ColumnReader]
    decided: list[tuple[str, Callable[[Row], Found]]]
    other: Callable[[dict[str, str | None], str], None] | None
    owner_at: int | None
    entry_at: int | None
    id_at: int | None

    @property
    def needed(self) -> bool:
        return bool(self.columns or self.decided or self.other or self.entry_at is not None)


@dataclass(frozen=True)
class KnownEntries:
    """A ledger's entries, sorted out.

    `values` and `typed` [(value, kind)]; `passed_on` {table: {(value, telling): rows}}; `assets`: ids of personal
    assets; `traces` {value: kind}.
    """

    values: list[tuple[str, str]] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    passed_on: dict[str, dict[tuple[str, bool], set[str]]] = field(default_factory=dict)
    assets: set[int] = field(default_factory=set)
    traces: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sorted_out(cls, entries: Iterable[Entry], policy: Policy) -> "KnownEntries":
        """Return what the entries mean under a policy: here a decision ends what an earlier one began."""
        known, traces, allowed = cls(), list[Entry](), set[str]()
        kinds = {(rule.table, rule.column, rule.selector): rule.kind for rule in policy.rules if rule.kind in KINDS}
        for what, value, *more in entries:
            if what == VALUE:
                known.values.append((value, more[0]))
            elif what == TYPED:
                known.typed.append((value, more[0]))
            elif what == DECIDED and (kind := kinds.get((more[0], more[1], more[2]))):
                known.typed.append((value, kind))
            elif what == PASSED_ON:
                telling, table, row = more
                rows = known.passed_on.setdefault(table, {})
                rows.setdefault((value, bool(telling)), set()).add(row)
            elif what == ASSET:
                rule = policy.rule("asset", "*", more[0])
                if more[1] or rule is None or rule.shared != "keep":
                    known.assets.add(int(value or 0))
                else:
                    allowed.add(value)
            elif what == TRACE:
                traces.append((value, *more))
        known.traces.update({value: kind for number, value, kind in traces if number not in allowed})
        return known

    def counted(self, moment: dict[str, Counter[tuple[str, bool]]]) -> Iterator[tuple[str, str, bool, int]]:
        """Yield (table, value, telling, number of people) of what recruiters passed on, also in `moment`.

        A value counts as often as people had it at any time; so it can only become less of an identifier.
        """
        for table in {**moment, **self.passed_on}:
            now, ever = moment.get(table, Counter()), self.passed_on.get(table, {})
            for value, telling in {**now, **ever}:
                yield table, value, telling, max(now[value, telling], len(ever.get((value, telling), ())))

    def people(self, table: str) -> int:
        """Return how many rows of a table ever passed on something."""
        return len(set().union(*self.passed_on.get(table, {}).values()))


def _matters(rule: Rule) -> bool:
    return rule.kind in KINDS or (rule.table, rule.column) == ("asset", "*")


def _without(policy: Policy, decided: list[Rule]) -> Policy:
    return Policy([rule for rule in policy.rules if rule not in decided], version=policy.version) if decided else policy
