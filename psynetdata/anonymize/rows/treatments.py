"""Actions as functions that treat one cell, or one value inside a JSON object."""

import json
from collections.abc import Callable

from psynetdata.anonymize.forms import numbers
from psynetdata.anonymize.policy import rounding
from psynetdata.anonymize.policy.rules import Rule
from psynetdata.anonymize.text import json_spans, named_values
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import FREE_TEXT, Scrubber
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.tables import Column

Treatment = Callable[[str], str | None]
TEXT = "[text]"  # replaces text that people typed, inside JSON, if it is withheld
_TEXT = json.dumps(TEXT)

# Replacements for a withheld value in a column that is NOT NULL, by PostgreSQL type.
_EMPTY = {
    "jsonb": "{}",
    "json": "{}",
    "bool": "f",
    "timestamp": "1970-01-01 00:00:00",
    "timestamptz": "1970-01-01 00:00:00+00",
    "date": "1970-01-01",
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric"), "0"),
}
# Types that can hold any text; None is an unknown type, in an experimenter's own table.
_WRITTEN = frozenset({"text", "varchar", "bpchar", "json", "jsonb", None})
# Kinds of PsyNet's own columns that hold no text, in any table.
_NO_TEXT = frozenset({"reference", "time", "flag"})


def withheld_value(column: Column) -> str | None:
    """Return NULL (None), or a value that PsyNet's loader accepts instead if the column is NOT NULL."""
    return _EMPTY.get(column.type or "", "") if column.not_null else None


class Treatments:
    """Makes treatments for rules; holds the scrubber, pseudonyms and level that they share."""

    def __init__(self, scrubber: Scrubber, pseudonyms: Pseudonyms, level: str):
        self.scrubber = scrubber
        self.pseudonyms = pseudonyms
        self.level = level

    def cell_treatment(
        self, rule: Rule, column: Column, *, is_json: bool = False, undecided: bool = False
    ) -> Treatment | None:
        """Return the treatment of a whole cell (JSON text if `is_json`); None if the cell leaves unchanged.

        `undecided`: nobody decided about these values, so those under names that say identity are withheld.
        """
        treatment = self._cell_treatment(rule, column, is_json)
        return self._without_named(rule, treatment) if undecided and treatment else treatment

    def _cell_treatment(self, rule: Rule, column: Column, is_json: bool) -> Treatment | None:
        action = rule.action(self.level)
        if action == "keep" and not _may_hold_text(rule, column):
            return None
        if action == "drop":
            return self.withheld(column)
        if action == "numbers":
            empty = withheld_value(column)
            without = self._without_text(self._scrub(rule.kind, plain=column.name in columns_with_role(Role.PLAIN)))
            return lambda cell: empty if (left := without(cell)) in ("null", _TEXT) else left
        if is_json:
            return self.value_treatment(rule)
        if action == "pseudonym":
            return self.pseudonyms.pseudonym
        if action == "coarsen":
            return rounding.BY_KIND[rule.kind]
        return self._scrub(_patterns_of(rule, action), plain=column.name in columns_with_role(Role.PLAIN))

    def value_treatment(self, rule: Rule, *, undecided: bool = False) -> Treatment:
        """Return the treatment of one value inside JSON, given as JSON text; `undecided` as in `cell_treatment`."""
        treatment = self._value_treatment(rule)
        return self._without_named(rule, treatment) if undecided else treatment

    @staticmethod
    def withheld(column: Column) -> Treatment:
        empty = withheld_value(column)
        return lambda cell: empty

    def _without_named(self, rule: Rule, treatment: Treatment) -> Treatment:
        if rule.action(self.level) not in ("keep", "scrub", "numbers"):
            return treatment
        return lambda text: treatment(named_values.withheld(text))

    def _value_treatment(self, rule: Rule) -> Treatment:
        action = rule.action(self.level)
        if action == "drop":
            return lambda text: "null"
        if action == "pseudonym":
            return self._pseudonym_json
        if action == "coarsen":
            return rounding.BY_KIND[rule.kind]
        if action == "numbers":
            return self._without_text(self._scrub(rule.kind))
        return self._scrub(_patterns_of(rule, action))

    def _scrub(self, kind: str, *, plain: bool = False) -> Treatment:
        cell, string = self.scrubber.cell, self.scrubber.string
        free_text = kind == FREE_TEXT
        if not plain:
            return (lambda text: cell(text, free_text=True)) if free_text else cell

        def scrub(text: str) -> str:
            known = string if numbers.whole(text) else cell
            return known(text, free_text=free_text)

        return scrub

    @staticmethod
    def _without_text(scrub: Treatment) -> Treatment:
        """Also replace all strings by `[text]`; keys stay."""

        def treat(text: str) -> str:
            if not json_spans.is_json(text) or text.lstrip()[:1] == '"':
                return _TEXT
            return json_spans.rewrite_strings(scrub(text) or "null", lambda value, is_key: value if is_key else TEXT)

        return treat

    def _pseudonym_json(self, text: str) -> str:
        """Return the pseudonym of a string or whole number, or of each item of a list; `null` for anything else."""
        value = jsontext.decode(text)
        if value is jsontext.MISSING:
            return self.pseudonyms.pseudonym(text)
        if isinstance(value, list):
            return json.dumps([self._pseudonym_of(item) for item in value])
        return json.dumps(self._pseudonym_of(value))

    def _pseudonym_of(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return None
        return self.pseudonyms.pseudonym(str(value))


def _may_hold_text(rule: Rule, column: Column) -> bool:
    """Return whether a column that is kept can contain someone's id, so that it must be searched."""
    if column.type is None and rule.table == "*" and rule.kind in _NO_TEXT:
        return False
    return column.type in _WRITTEN


def _patterns_of(rule: Rule, action: str) -> str:
    """Return the kind that decides whether patterns run. They do not run on values that a rule keeps unchanged."""
    return "" if action == "keep" else rule.kind
