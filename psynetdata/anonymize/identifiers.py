"""Every value of a deployment that points to a person, or opens a door.

Where they stand is the policy's to say: a column, a question or a key whose rule has a
kind of KINDS gives its values. Beside that, ids hide in JSON of any shape
(entry_information, request parameters, the recruiters' answers), secrets in the
deployment's configuration, and people's files in `asset`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ..psynet import jsontext
from ..psynet.csvtext import Row
from ..psynet.source import TableSource
from ..psynet.tables import class_name
from . import finders, personal
from .finders import Found
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
    ("participant", "entry_information"): finders.under_id_keys,
    ("request", "params"): finders.under_id_keys,
    ("lucid_submissions", "response"): finders.under_id_keys,
}
_IN_TEXT: dict[tuple[str, str], Callable[[str], Found]] = {
    ("response", "answer"): finders.emails,
    ("chat_message", "content"): finders.emails,
    ("question", "response"): finders.emails,
    ("asset", "storage"): finders.paths,
    ("asset", "input_path"): finders.paths,
}
_ENTRY = ("participant", "entry_information")
# Longer words of entry_information count without a digit too.
_LONG_ENTRY = 12


@dataclass(frozen=True, repr=False)
class Identifiers:
    """{value: kind} of KINDS, and the ids of personal assets. Its repr shows numbers only."""

    kinds: dict[str, str]
    personal_assets: frozenset[int] = field(default_factory=frozenset)

    @property
    def digest(self) -> str:
        """SHA-256 over both, sorted: equal digests mean that nothing new has to be hidden."""
        lines = sorted(f"{kind}\x1f{value}" for value, kind in self.kinds.items())
        text = "\x1e".join([*lines, "", *map(str, sorted(self.personal_assets))])
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
    return Identifiers(found, assets)


def _keep(found: dict[str, str], value: str, kind: str) -> None:
    if strength(value) != NEVER and _RANK[kind] < _RANK.get(found.get(value, ""), len(_RANK)):
        found[value] = kind


def _of_table(source: TableSource, table: str, policy: Policy) -> Found:
    names = [column.name for column in source.columns(table)]
    looks = [look for at, name in enumerate(names) for look in _looks(table, name, at, names, policy)]
    if not looks:
        return
    entry_at = names.index(_ENTRY[1]) if table == _ENTRY[0] and _ENTRY[1] in names else None
    entries: Counter[str] = Counter()
    people = 0
    for row in source.rows(table):
        people += 1
        for look in looks:
            yield from look(row)
        if entry_at is not None:
            entries.update(set(finders.leaves(jsontext.decode(row[entry_at]))))
    for value, n in entries.items():
        if _names_someone(value) and (n == 1 or 2 * n < people):
            yield value, "entry"


def _looks(table: str, name: str, at: int, names: list[str], policy: Policy) -> list[Callable[[Row], Found]]:
    """The ways to look at one column: none for most."""
    looks: list[Callable[[Row], Found]] = []
    rule = policy.rule(table, name)
    if rule is not None and rule.kind in KINDS:
        looks.append(lambda row: [(row[at], rule.kind)] if row[at] else [])
    if in_json := _IN_JSON.get((table, name)):
        looks.append(lambda row: in_json(jsontext.decode(row[at])) if row[at] not in (None, "{}") else [])
    if in_text := _IN_TEXT.get((table, name)):
        looks.append(lambda row: in_text(row[at]) if row[at] else [])
    if any(found.kind in KINDS for found in policy.rules if found.selector and found.column == name != "params"):
        looks.append(_decided(table, name, at, names, policy))
    return looks


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


def _names_someone(value: str) -> bool:
    """Whether a value of entry_information is more than a word such as a country or a language."""
    return len(value) >= 6 and (len(value) >= _LONG_ENTRY or "@" in value or any(map(str.isdigit, value)))
