"""Where identifiers are: functions that read them from the columns of a table.

The policy decides: the values of a column, a question or a key whose rule has a kind of identifiers.KINDS
are identifiers. In addition, ids hide in JSON of any shape (entry_information, request parameters,
the recruiters' answers), and secrets in the deployment's configuration.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, has_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import EXPERIMENT_TABLES, class_name, known_tables
from psynetdata.psynet.wordlists.exemptions import SCRUB, limit

from . import value_finders
from .design_rows import DesignRows
from .identifiers import KINDS
from .value_finders import Found


@dataclass(frozen=True, slots=True)
class ColumnReader:
    """Reads identifiers from a row. `typed`: somebody typed or sent what it finds, and may have written any word."""

    read: Callable[[Row], Found]
    typed: bool


_IN_JSON: dict[Role, Callable[[object], Found]] = {
    Role.CONFIGURATION: value_finders.in_configuration,
    Role.HANDED_OVER: value_finders.handed_over,
}
# `a@b.cd` and `id=4`: a shorter text cannot hold an identifier.
_SHORTEST_TELLING = 4
_REMEMBERED, _REMEMBERED_LENGTH = 100_000, 500
_ROW_DIGITS = limit("own_table_digits", SCRUB)


def column_readers(table: str, names: list[str], policy: Policy) -> list[ColumnReader]:
    """Return the functions that read identifiers from a table's rows: none for most tables."""
    return [each for at, name in enumerate(names) for each in _readers_of_column(table, name, at, names, policy)]


def decided_readers(table: str, names: list[str], policy: Policy) -> list[tuple[str, Callable[[Row], Found]]]:
    """Return (column, function that reads values under a question or key that holds ids according to a rule)."""
    return [
        (name, _read_decided(table, name, at, names, policy))
        for at, name in enumerate(names)
        if any(is_decided(rule) and rule.column == name for rule in policy.rules)
    ]


def is_decided(rule: Rule) -> bool:
    """Return whether a rule says that a question or key holds ids. Those of `params` are found by their names."""
    return bool(rule.selector) and rule.kind in KINDS and rule.column != "params"


def _readers_of_column(table: str, name: str, at: int, names: list[str], policy: Policy) -> list[ColumnReader]:
    """Return the functions that read identifiers from one column: none for most columns."""
    sure: list[Callable[[Row], Found]] = []
    typed: list[Callable[[Row], Found]] = []
    rule = policy.rule(table, name)
    if rule is not None and rule.kind in KINDS:
        readers = typed if has_role(Role.SENT, table, name) else sure
        readers.append(lambda row: [(cell, rule.kind)] if (cell := row[at]) else [])
    for role, find in _IN_JSON.items():
        if has_role(role, table, name):
            readers = typed if role is Role.HANDED_OVER else sure
            readers.append(_read_json(at, find))
            break
    if has_role(Role.SERVER_PATH, table, name):
        sure.append(lambda row: value_finders.paths(cell) if (cell := row[at]) else [])
    own = table not in known_tables()
    if table not in EXPERIMENT_TABLES:
        if finds := _finds_in_text(table, name, own):
            # Nobody can type into a row of an asset, which has links to files.
            (sure if table == "asset" else typed).append(_read_once(at, finds))
        elif has_role(Role.WRITTEN, table, name):
            # What the experimenter wrote is not about people, but an address in it may contain a secret.
            is_design = DesignRows(table, names).has
            sure.append(_read_once(at, (value_finders.links,), is_design))
            typed.append(_read_once(at, (value_finders.links,), lambda row: not is_design(row)))
        if own and rule is None and (kind := id_names.kind_of(name)):
            sure.append(lambda row: [(cell, kind)] if (cell := row[at]) and not _counts_rows(cell) else [])
    if any(is_decided(rule) and rule.column == name for rule in policy.rules):
        typed.append(_read_decided(table, name, at, names, policy))
    return [*(ColumnReader(read, False) for read in sure), *(ColumnReader(read, True) for read in typed)]


def _read_json(at: int, find: Callable[[object], Found]) -> Callable[[Row], Found]:
    return lambda row: find(jsontext.decode(row[at])) if row[at] not in (None, "{}") else []


def _finds_in_text(table: str, name: str, own: bool) -> tuple[Callable[[str], Found], ...]:
    """Return what is searched for in a column's text. People may have typed in any column of an `own` table."""
    if own or has_role(Role.TYPED, table, name) or has_role(Role.PASSED_ON, table, name):
        return value_finders.emails, value_finders.links, value_finders.ids_in_text
    return ()


def _read_once(
    at: int, finds: Iterable[Callable[[str], Found]], applies: Callable[[Row], bool] | None = None
) -> Callable[[Row], Found]:
    """Return a function that searches a column's cells, equal cells only once: most cells repeat.

    `applies`: only in rows for which it returns True.
    """
    seen: set[str] = set()

    def read_row(row: Row) -> Found:
        cell = row[at]
        if not cell or cell in seen or len(cell) < _SHORTEST_TELLING or (applies and not applies(row)):
            return ()
        if len(cell) <= _REMEMBERED_LENGTH and len(seen) < _REMEMBERED:
            seen.add(cell)
        return [each for find in finds for each in find(cell)]

    return read_row


def _read_decided(table: str, name: str, at: int, names: list[str], policy: Policy) -> Callable[[Row], Found]:
    """Return a function that yields values under a question or key that holds ids according to a decision."""
    question = names.index("question") if has_role(Role.BY_QUESTION, table, name) else None
    type_at = names.index("type") if has_role(Role.BY_CLASS, table, name) else None

    def read_row(row: Row) -> Found:
        value = jsontext.read(row[at])
        if question is not None:
            yield from _of_rule(policy, table, name, selector_text.of_name(row[question] or ""), value)
            return
        prefix = "" if type_at is None else selector_text.of_class(class_name(table, row[type_at]))
        if prefix:
            yield from _of_rule(policy, table, name, prefix, value)
        if isinstance(value, dict):
            for key, item in value.items():
                selector = selector_text.of_key(key)
                yield from _of_rule(policy, table, name, f"{prefix}/{selector}" if prefix else selector, item)

    return read_row


def _of_rule(policy: Policy, table: str, column: str, selector: str, value: object) -> Found:
    rule = policy.rule(table, column, selector)
    if rule is not None and rule.kind in KINDS:
        yield from ((leaf, rule.kind) for leaf in value_finders.leaves(value))


def _counts_rows(value: str) -> bool:
    """Return whether a value is a small number (`session_id` 1 to 30): in an experimenter's table, nobody's id."""
    return len(value) <= _ROW_DIGITS and value.isdigit()
