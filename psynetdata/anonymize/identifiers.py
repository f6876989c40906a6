"""Every value of a deployment that points to a person, or opens a door.

Where they stand is the policy's to say: a column, a question or a key whose rule has a
kind of KINDS gives its values. Beside that, ids hide in JSON of any shape
(entry_information, request parameters, the recruiters' answers), secrets in the
deployment's configuration, and people's files in `asset`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..psynet import jsontext
from ..psynet.csvtext import Row
from ..psynet.source import TableSource
from ..psynet.tables import class_name, known_tables
from . import finders, naming, personal
from .finders import Found
from .own_words import own_words
from .policy import Policy
from .words import NEVER, strength

# kind → what replaces it inside a text: None for the pseudonym. Earlier kinds win where a value has several.
KINDS: dict[str, str | None] = {
    "worker_id": None,
    "assignment_id": None,
    "unique_id": None,
    "hit_id": None,
    "lucid": None,
    "entry": None,
    "fingerprint": None,
    "address": "[address]",
    "email": "[email]",
    "name": "[removed]",
    "secret": "[removed]",
    "path": "[removed]",
    "page_token": "[removed]",
    "asset": "[removed]",
    "asset_hash": "[removed]",
}
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_IN_JSON: dict[tuple[str, str], Callable[[object], Found]] = {
    ("experiment", "vars"): finders.in_configuration,
    ("experiment_status", "extra_info"): finders.in_configuration,
    ("participant", "entry_information"): finders.handed_over,
    ("request", "params"): finders.handed_over,
    ("lucid_submissions", "response"): finders.handed_over,
}
_PATHS = {("asset", "storage"), ("asset", "input_path")}
# Columns in which people typed, or in which ids and addresses are handed on, in whatever table; in the experimenter's
# own tables every column may be one.
_TYPED_NAMES = """
    params vars arguments details message response answer contents content answer_accumulators traceback
    failed_reason entry_information metadata_ endpoint pending_redirect termination_details branch_log
    description url host_path key
"""
_TYPED = frozenset(_TYPED_NAMES.split())
# What the experimenter wrote: only secrets in addresses are looked for there.
_WRITTEN = frozenset({"definition", "seed", "context", "node_definition"})
_ABOUT_THE_EXPERIMENT = ("experiment", "experiment_status")
_ENTRIES = {"participant": "entry_information", "lucid_submissions": "response"}
# `a@b.cd` and `id=4`: nothing shorter tells anything.
_SHORTEST_TELLING = 4
_REMEMBERED, _REMEMBERED_LENGTH = 100_000, 500
# Longer words of entry_information count without a digit too.
_LONG_ENTRY = 12


@dataclass(frozen=True, repr=False)
class Identifiers:
    """{value: kind} of KINDS, and the ids of personal assets. Its repr shows numbers only.

    `public`: values that are words of the experiment itself too, see own_words.
    """

    kinds: dict[str, str]
    personal_assets: frozenset[int] = field(default_factory=frozenset)
    public: frozenset[str] = field(default_factory=frozenset)

    @property
    def digest(self) -> str:
        """SHA-256 over both, sorted: equal digests mean that nothing new has to be hidden."""
        lines = sorted(f"{kind}\x1f{value}" for value, kind in self.kinds.items())
        text = "\x1e".join([*lines, "", *map(str, sorted(self.personal_assets)), "", *sorted(self.public)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many values there are of each kind."""
        return dict(sorted(Counter(self.kinds.values()).items()))

    def __repr__(self) -> str:
        return f"Identifiers({len(self.kinds)} values, {len(self.personal_assets)} personal assets)"


def collect(source: TableSource, policy: Policy) -> Identifiers:
    """All identifiers and secrets of one moment's tables; one pass over the tables that can hold any."""
    found: dict[str, str] = {}
    assets = personal.personal_assets(source, policy)
    for table in source.tables():
        for value, kind in _of_table(source, table, policy):
            for part in finders.parts(value, kind):
                _keep(found, part, kind)
    for value, kind in personal.file_traces(source, assets).items():
        _keep(found, value, kind)
    return Identifiers(found, assets, own_words(source, found))


def _keep(found: dict[str, str], value: str, kind: str) -> None:
    if strength(value) != NEVER and _RANK[kind] < _RANK.get(found.get(value, ""), len(_RANK)):
        found[value] = kind


def _of_table(source: TableSource, table: str, policy: Policy) -> Found:
    names = [column.name for column in source.columns(table)]
    looks = [look for at, name in enumerate(names) for look in _looks(table, name, at, names, policy)]
    if not looks:
        return
    entry = _ENTRIES.get(table)
    entry_at = names.index(entry) if entry in names else None
    entries: Counter[tuple[str, bool]] = Counter()
    people = 0
    for row in source.rows(table):
        people += 1
        for look in looks:
            yield from look(row)
        if entry_at is not None:
            entries.update(set(finders.entries(jsontext.decode(row[entry_at]))))
    for (value, telling), n in entries.items():
        if (n == 1 and telling) or (_names_someone(value) and (n == 1 or 2 * n < people)):
            yield value, "entry"


def _looks(table: str, name: str, at: int, names: list[str], policy: Policy) -> list[Callable[[Row], Found]]:
    """The ways to look at one column: none for most."""
    looks: list[Callable[[Row], Found]] = []
    rule = policy.rule(table, name)
    if rule is not None and rule.kind in KINDS:
        looks.append(lambda row: [(row[at], rule.kind)] if row[at] else [])
    if in_json := _IN_JSON.get((table, name)):
        looks.append(lambda row: in_json(jsontext.decode(row[at])) if row[at] not in (None, "{}") else [])
    if (table, name) in _PATHS:
        looks.append(lambda row: finders.paths(row[at]) if row[at] else [])
    own = table not in known_tables()
    if table not in _ABOUT_THE_EXPERIMENT:
        finds = (finders.emails, finders.links, finders.ids_in_text) if own or name in _TYPED else ()
        finds = finds or ((finders.links,) if name in _WRITTEN else ())
        if finds:
            looks.append(_once(at, finds))
        if own and rule is None and (kind := naming.kind_of(name)):
            looks.append(lambda row: [] if not row[at] or _counts_rows(row[at]) else [(row[at], kind)])
    if any(found.kind in KINDS for found in policy.rules if found.selector and found.column == name != "params"):
        looks.append(_decided(table, name, at, names, policy))
    return looks


def _once(at: int, finds: Iterable[Callable[[str], Found]]) -> Callable[[Row], Found]:
    """Look at what stands in a column, at equal cells once: most repeat."""
    seen: set[str] = set()

    def look(row: Row) -> Found:
        cell = row[at]
        if not cell or len(cell) < _SHORTEST_TELLING or cell in seen:
            return
        if len(cell) <= _REMEMBERED_LENGTH and len(seen) < _REMEMBERED:
            seen.add(cell)
        for find in finds:
            yield from find(cell)

    return look


def _decided(table: str, name: str, at: int, names: list[str], policy: Policy) -> Callable[[Row], Found]:
    """Values under a question or key of which somebody decided that ids stand there."""
    question = names.index("question") if (table, name) == ("response", "answer") else None
    type_at = names.index("type") if table in ("info", "node", "network") else None

    def look(row: Row) -> Found:
        value = jsontext.read(row[at])
        if question is not None:
            yield from _of_rule(policy, table, name, row[question] or "", value)
            return
        prefix = "" if type_at is None else class_name(table, row[type_at])
        if prefix:
            yield from _of_rule(policy, table, name, prefix, value)
        if isinstance(value, dict):
            for key, item in value.items():
                yield from _of_rule(policy, table, name, f"{prefix}/{key}" if prefix else key, item)

    return look


def _of_rule(policy: Policy, table: str, column: str, selector: str, value: object) -> Found:
    rule = policy.rule(table, column, selector)
    if rule is not None and rule.kind in KINDS:
        yield from ((leaf, rule.kind) for leaf in finders.leaves(value))


def _counts_rows(value: str) -> bool:
    """A small number in an experimenter's own table (`session_id` 1 to 30) is nobody's id by itself."""
    return len(value) <= 5 and value.isdigit()


def _names_someone(value: str) -> bool:
    """Whether a value of entry_information is more than a word such as a country or a language."""
    return len(value) >= 6 and (len(value) >= _LONG_ENTRY or "@" in value or any(map(str.isdigit, value)))
