"""Rules for part of a column: by question, by class and key, by key of a JSON object."""

from collections import Counter
from collections.abc import Callable, Sequence

from psynetdata.anonymize.identifiers.answer_copies import TRIALS
from psynetdata.anonymize.policy import key_names, selector_text
from psynetdata.anonymize.policy.key_names import SENSITIVE, SPECIAL
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.policy.selector_text import NO_OBJECT, OTHERS
from psynetdata.anonymize.text import json_spans, named_values
from psynetdata.psynet.column_roles import Role, has_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column, class_name

from . import blocks
from .treatments import Treatment, Treatments, withheld_value

QUESTION, CLASS, KEY = "question", "class", "key"
# More different selectors than this in one column are counted together.
MOST_SELECTORS = 2_000
MEMO_SIZE = 20_000
MEMO_LONGEST = 4_000

# A column that has several of these roles has the first one.
_SCHEMES = {Role.BY_QUESTION: QUESTION, Role.BY_CLASS: CLASS, Role.BY_KEY: KEY}


def scheme(table: str, column: str) -> str | None:
    """Return how the rule is chosen inside a column: QUESTION, CLASS (and key), KEY; None: the column has one rule."""
    table = "info" if table in TRIALS else table
    return next((name for role, name in _SCHEMES.items() if has_role(role, table, column)), None)


class Alone:
    """A treatment that depends on the cell alone."""

    def __init__(self, treatment: Treatment):
        self._treatment = treatment

    def column(self, cells: Sequence[str]) -> list[str]:
        """Treat a whole column, with cells written as in psynetdata.anonymize.rows.blocks."""
        return blocks.treated(self._treatment, cells)


class Special:
    """Selectors of special categories of data that leave: `found` {(kind, selector)}; see key_names.py."""

    def __init__(self, policy: Policy, level: str):
        self.found: set[tuple[str, str]] = set()
        self._policy, self._level = policy, level

    def add(self, selector: str, name: str, rule: Rule | None, default: Rule) -> None:
        """Add a selector whose values leave. `rule`: its own, if there is one; `default`: the one that applies else.

        Without a rule, and if staff decided that it is something else, the name says what it is.
        """
        if (rule or default).action(self._level) == "drop":
            return
        by_staff = rule is None or (rule.table, rule.column, rule.selector) in self._policy.decided
        kind = rule.kind if rule is not None and rule.kind in (SPECIAL, SENSITIVE) else None
        if kind := kind or (key_names.special_kind(name) if by_staff else None):
            self.found.add((kind, selector))

    def add_below(self, selector: str, text: str, default: Rule) -> None:
        """Add the keys at any depth below an undecided selector. `text`: a JSON value under it."""
        if "{" in text and default.action(self._level) != "drop" and len(self.found) < MOST_SELECTORS:
            for key, kind in named_values.special_names(text).items():
                self.found.add((kind, f"{selector}.{selector_text.of_key(key)}"))


class ByQuestion:
    """Treats response.answer by `question`."""

    def __init__(self, table: str, column: Column, rule: Rule, at: int, policy: Policy, treatments: Treatments):
        self.undecided: Counter[str] = Counter()
        self.special = Special(policy, treatments.level)
        self.guide = at
        self._rule = rule
        self._default = treatments.cell_treatment(rule, column, is_json=True, undecided=True)
        self._table, self._column, self._policy, self._treatments = table, column, policy, treatments
        self._known: dict[str, tuple[Treatment | None, str | None]] = {}

    def times(self, cell: str, question: str, rows: int) -> str | None:
        """Return the new cell, and count it for `rows` rows that have this cell and this question."""
        known = self._known.get(question)
        if known is None:
            known = self._known[question] = self._of_question(question)
        treatment, undecided = known
        if undecided is not None:
            count(self.undecided, undecided, rows)
            if treatment is self._default:
                self.special.add_below(undecided, cell, self._rule)
        return cell if treatment is None else treatment(cell)

    def _of_question(self, question: str) -> tuple[Treatment | None, str | None]:
        """Return the treatment of answers to a question, and its selector if nobody decided about it."""
        selector = selector_text.of_name(question)
        rule = self._policy.rule(self._table, self._column.name, selector)
        if rule is not None:
            self.special.add(selector, question, rule, self._rule)
            return self._treatments.cell_treatment(rule, self._column, is_json=True), None
        if key_names.is_identity(question):
            return self._treatments.withheld(self._column), selector
        self.special.add(selector, question, None, self._rule)
        return self._default, selector


class ByKey:
    """Treats a JSON object by its keys, and by the row's class if `class_at` is the index of its type."""

    def __init__(
        self, table: str, column: Column, rule: Rule, class_at: int | None, policy: Policy, treatments: Treatments
    ):
        self.undecided: Counter[str] = Counter()
        self.special = Special(policy, treatments.level)
        self._table, self._column, self._policy, self._treatments = table, column, policy, treatments
        self.guide = class_at
        self._rule = rule
        self._default = treatments.value_treatment(rule, undecided=True)
        self._whole_default = treatments.cell_treatment(rule, column, is_json=True, undecided=True)
        self._dropped = rule.action(treatments.level) == "drop"
        self._deep = deep(policy, table, column.name)
        self._rules: dict[str, Rule | None] = {}
        self._memo: dict[tuple[str, str], tuple[str | None, tuple[str, ...]]] = {}

    def times(self, cell: str, type_text: str, rows: int) -> str | None:
        """Return the new cell, and count it for `rows` rows that have this cell and this type."""
        if cell == "{}":
            return cell
        name = "" if self.guide is None else selector_text.of_class(class_name(self._table, type_text))
        known = self._memo.get((name, cell))
        if known is None:
            known = self._treat(cell, name)
            if len(cell) <= MEMO_LONGEST:
                if len(self._memo) >= MEMO_SIZE:
                    self._memo.clear()
                self._memo[name, cell] = known
        for selector in known[1]:
            count(self.undecided, selector, rows)
        return known[0]

    def _treat(self, cell: str, name: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the new cell, and the undecided selectors in it."""
        undecided: list[str] = []
        cell = self._treatments.scrubber.matcher.under_names(cell)
        members = json_spans.members(cell)
        if members is None:
            rule = self._of_selector(name or NO_OBJECT)
            if rule is None:
                undecided.append(name or NO_OBJECT)
                return self._apply(self._whole_default, cell), tuple(undecided)
            return self._apply(self._treatments.cell_treatment(rule, self._column, is_json=True), cell), ()
        prefix = f"{name}/" if name else ""
        selectors = [prefix + key_selector(self._table, member.key) for member in members]
        for member, selector in zip(members, selectors, strict=True):
            if self._of_selector(selector) is None:
                self.special.add_below(selector, cell[slice(*member.value_span)], self._rule)
        if not self._deep and not any(map(self._of_selector, selectors)):
            return self._apply(self._whole_default, cell), tuple(selectors)
        if not self._deep and self._stays(cell, selectors):
            return cell, tuple(name for name in selectors if self._of_selector(name) is None)
        pieces, kept = self._members(cell, members, prefix, undecided)
        if self._dropped and not kept:
            return withheld_value(self._column), tuple(undecided)
        return json_spans.splice(cell, pieces), tuple(undecided)

    def _stays(self, cell: str, selectors: list[str]) -> bool:
        """Return whether every member is kept or scrubbed, and there is nothing to scrub."""
        if self._dropped:
            return False
        rules = [rule for rule in map(self._of_selector, selectors) if rule is not None]
        harmless = all(rule.action(self._treatments.level) in ("keep", "scrub") for rule in rules)
        if not harmless or self._treatments.scrubber.worth_a_look(cell, True):
            return False
        return len(rules) == len(selectors) or not named_values.may_hold(cell)

    def _members(
        self, text: str, members: list[json_spans.Member], prefix: str, undecided: list[str]
    ) -> tuple[list[tuple[tuple[int, int], str]], bool]:
        pieces: list[tuple[tuple[int, int], str]] = []
        kept = False
        for member in members:
            value = text[slice(*member.value_span)]
            new, stays = self._value(value, prefix + key_selector(self._table, member.key), undecided)
            kept = kept or stays
            key = self._treatments.scrubber.key(text[slice(*member.key_span)])
            pieces += [(member.key_span, key), (member.value_span, new)]
        return pieces, kept

    def _value(self, value: str, selector: str, undecided: list[str]) -> tuple[str, bool]:
        below = json_spans.members(value) if selector in self._deep else None
        if below is not None:
            pieces, kept = self._members(value, below, selector + ".", undecided)
            return json_spans.splice(value, pieces), kept
        rule = self._of_selector(selector)
        if rule is None:
            undecided.append(selector)
            if key_names.is_identity(self._name(selector)) and value not in ("true", "false"):
                return "null", False
            new = self._apply(self._default, value)
            return new or "null", not self._dropped
        new = self._apply(self._treatments.value_treatment(rule), value)
        return new or "null", rule.action(self._treatments.level) != "drop"

    def _of_selector(self, selector: str) -> Rule | None:
        if selector not in self._rules:
            if len(self._rules) > MOST_SELECTORS:
                self._rules.clear()
            rule = covering(self._policy, self._table, self._column.name, selector)
            self._rules[selector] = rule
            name = self._name(selector)
            if rule is not None or not key_names.is_identity(name):
                self.special.add(selector, name, rule, self._rule)
        return self._rules[selector]

    def _name(self, selector: str) -> str:
        return selector_text.last_name(selector, self.guide is not None)

    @staticmethod
    def _apply(treatment: Treatment | None, text: str) -> str | None:
        return text if treatment is None else treatment(text)


# How one column is treated; a function returns the new cell from the cell and its whole row.
Step = Alone | ByQuestion | ByKey | Callable[[str, Row], str | None]


def key_selector(table: str, key: str) -> str:
    """Return a key's selector. Request parameters come in any casing: `workerId`, `PROLIFIC_PID`."""
    return selector_text.of_key("".join(filter(str.isalnum, key.casefold())) if table == "request" else key)


def covering(policy: Policy, table: str, column: str, selector: str) -> Rule | None:
    """Return the rule that covers a selector: its own, or that of a key above, or of its class; None: undecided."""
    rule = policy.rule(table, column, selector)
    if rule is not None:
        return rule
    above = selector_text.keys_above(selector) if scheme(table, column) != QUESTION else []
    if scheme(table, column) == CLASS and "/" in selector:
        above.append(selector.partition("/")[0])
    return next((rule for each in above if (rule := policy.rule(table, column, each)) is not None), None)


def deep(policy: Policy, table: str, column: str) -> set[str]:
    """Return the selectors of keys that have keys with their own rules below them."""
    return {above for name in policy.selectors(table, column) for above in selector_text.keys_above(name)}


def count(counter: Counter[str], selector: str, rows: int) -> None:
    """Add a number of rows to a selector's count."""
    counter[selector if selector in counter or len(counter) < MOST_SELECTORS else OTHERS] += rows
