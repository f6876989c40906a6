"""Where identifiers are: functions that read them from the columns of a table.

The policy decides: the values of a column, a question or a key whose rule has a kind of identifiers.KINDS
are identifiers. In addition, ids hide in JSON of any shape (entry_information, request parameters,
the recruiters' answers), and secrets in the deployment's configuration.
"""

from collections.abc import Callable, Iterable

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import class_name, known_tables

from . import value_finders
from .identifiers import KINDS
from .value_finders import Found

ColumnReader = Callable[[Row], Found]

_IN_JSON: dict[tuple[str, str], Callable[[object], Found]] = {
    ("experiment", "vars"): value_finders.in_configuration,
    ("experiment_status", "extra_info"): value_finders.in_configuration,
    ("participant", "entry_information"): value_finders.handed_over,
    ("request", "params"): value_finders.handed_over,
    ("lucid_submissions", "response"): value_finders.handed_over,
}
_PATHS = {("asset", "storage"), ("asset", "input_path")}
# Columns (of any table) in which people typed, or which pass on ids and addresses; in the experimenter's own tables
# every column may be one.
_TYPED_NAMES = """
    params vars arguments details message response answer contents content answer_accumulators traceback
    failed_reason entry_information metadata_ endpoint pending_redirect termination_details branch_log
    description url host_path key
"""
_TYPED = frozenset(_TYPED_NAMES.split())
# Columns that the experimenter wrote: only secrets in addresses are searched for there.
_WRITTEN = frozenset({"definition", "seed", "context", "node_definition"})
_ABOUT_THE_EXPERIMENT = ("experiment", "experiment_status")
ENTRIES = {"participant": "entry_information", "lucid_submissions": "response"}
# `a@b.cd` and `id=4`: a shorter text cannot hold an identifier.
_SHORTEST_TELLING = 4
_REMEMBERED, _REMEMBERED_LENGTH = 100_000, 500


def column_readers(table: str, names: list[str], policy: Policy) -> list[ColumnReader]:
    """Return the functions that read identifiers from a table's rows: none for most tables."""
    return [look for at, name in enumerate(names) for look in _readers_of_column(table, name, at, names, policy)]


def _readers_of_column(table: str, name: str, at: int, names: list[str], policy: Policy) -> list[ColumnReader]:
    """Return the functions that read identifiers from one column: none for most columns."""
    readers: list[ColumnReader] = []
    rule = policy.rule(table, name)
    if rule is not None and rule.kind in KINDS:
        readers.append(lambda row: [(cell, rule.kind)] if (cell := row[at]) else [])
    if in_json := _IN_JSON.get((table, name)):
        readers.append(lambda row: in_json(jsontext.decode(row[at])) if row[at] not in (None, "{}") else [])
    if (table, name) in _PATHS:
        readers.append(lambda row: value_finders.paths(cell) if (cell := row[at]) else [])
    own = table not in known_tables()
    if table not in _ABOUT_THE_EXPERIMENT:
        finds: tuple[Callable[[str], Found], ...] = (value_finders.links,) if name in _WRITTEN else ()
        if own or name in _TYPED:
            finds = (value_finders.emails, value_finders.links, value_finders.ids_in_text)
        if finds:
            readers.append(_read_once(at, finds))
        if own and rule is None and (kind := id_names.kind_of(name)):
            readers.append(lambda row: [(cell, kind)] if (cell := row[at]) and not _counts_rows(cell) else [])
    if any(each.kind in KINDS for each in policy.rules if each.selector and each.column == name != "params"):
        readers.append(_read_decided(table, name, at, names, policy))
    return readers


def _read_once(at: int, finds: Iterable[Callable[[str], Found]]) -> Callable[[Row], Found]:
    """Return a function that searches a column's cells, equal cells only once: most cells repeat."""
    seen: set[str] = set()

    def read_row(row: Row) -> Found:
        cell = row[at]
        if not cell or cell in seen or len(cell) < _SHORTEST_TELLING:
            return ()
        if len(cell) <= _REMEMBERED_LENGTH and len(seen) < _REMEMBERED:
            seen.add(cell)
        return [each for find in finds for each in find(cell)]

    return read_row


def _read_decided(table: str, name: str, at: int, names: list[str], policy: Policy) -> Callable[[Row], Found]:
    """Return a function that yields values under a question or key that holds ids according to a decision."""
    question = names.index("question") if (table, name) == ("response", "answer") else None
    type_at = names.index("type") if table in ("info", "node", "network") else None

    def read_row(row: Row) -> Found:
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

    return read_row


def _of_rule(policy: Policy, table: str, column: str, selector: str, value: object) -> Found:
    rule = policy.rule(table, column, selector)
    if rule is not None and rule.kind in KINDS:
        yield from ((leaf, rule.kind) for leaf in value_finders.leaves(value))


def _counts_rows(value: str) -> bool:
    """Return whether a value is a small number (`session_id` 1 to 30): in an experimenter's table, nobody's id."""
    return len(value) <= 5 and value.isdigit()
