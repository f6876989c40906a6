"""Which column may leave, in what form and why: policy.csv, and decisions that override it.

Each line is one rule: table, column, selector, the action at level `shared` (for a
named colleague) and at level `open` (for a repository), the kind of content and the reason.
A line without a selector applies to the column; a line with one applies to part of its rows:

| column | selector |
|---|---|
| `response.answer` | `<question>` |
| `info`, `node`, `network`: answer, definition, seed, context, vars | `<Class>` or `<Class>/<key>` |
| vars and other JSON objects | `<key>`, `<key>.<key below>` |
| `asset.*` (whose, public or personal) | `<Class>/<module>/<local key>` |

`*` in a selector matches anything; in names from the data it is written as %2A (see selector_text.py). Table `*`
applies to every table that has no line of its own.
"""

import csv
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from psynetdata.psynet.problems import BadInput

from . import key_names, selector_text
from .rounding import BY_KIND

LEVELS = ("shared", "open")
# keep: unchanged.  drop: withheld.  pseudonym: the whole cell is an id and becomes a pseudonym.  scrub: known
# identifiers are replaced inside it.  public: scrubbed if the asset is public, withheld if it is personal.
# coarsen: rounded according to its kind (see rounding.py).  numbers: scrubbed, and all text in it withheld.
ACTIONS = ("keep", "drop", "pseudonym", "scrub", "public", "coarsen", "numbers")
FIELDS = ["table", "column", "selector", "shared", "open", "kind", "reason"]
# Values that PsyNet saves under the question's name (`save_answer`) follow the question's rule if they have no rule.
_COPIED = {("participant", "vars"): ("response", "answer")}
# Tables without lines of their own that have the columns of another: in PsyNet 14, trials moved from `info` to `trial`.
_LIKE = {"trial": "info"}
# Content that the experimenter stored and text that people wrote: column rules of these kinds are preliminary, until
# someone decides.
_UNTIL_DECIDED = ("content", "free_text")
# The kind of rules that nobody wrote: what no line covers.
UNDECIDED = "undecided"
NAMED_IDENTITY = "its name says identity"
Place = tuple[str, str, str]  # table, column, selector
DEFAULT = Path(__file__).with_name("policy.csv")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy; `kind` is the kind of content (see identifiers.KINDS, scrubber.FREE_TEXT)."""

    table: str
    column: str
    selector: str
    shared: str
    open: str
    kind: str
    reason: str

    def action(self, level: str) -> str:
        """Return the action at a level: one of ACTIONS."""
        return self.shared if level == "shared" else self.open

    def check(self) -> None:
        """Raise BadInput for an action that does not exist, or a kind that cannot be rounded."""
        where = f"The rule for {self.table}.{self.column} {self.selector}".rstrip()
        for level in LEVELS:
            if self.action(level) not in ACTIONS:
                raise BadInput(f"{where} has an unknown action for {level}; use one of {', '.join(ACTIONS)}.")
            if self.action(level) == "coarsen" and self.kind not in BY_KIND:
                raise BadInput(f"{where} rounds a kind that cannot be rounded; use one of {', '.join(BY_KIND)}.")


def _places(table: str, column: str) -> list[tuple[str, str]]:
    """Return where a column's rules are looked up: the most specific place first."""
    like = _LIKE.get(table)
    return [(table, column), *([(like, column)] if like else []), ("*", column)]


class Policy:
    """All rules, looked up by table, column and selector; specific rules come before general ones.

    `withholds`: undecided data leaves at neither level. `decided`: (table, column, selector) of the rules that are
    decisions of staff.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        version: str,
        sha256: str = "",
        withholds: bool = False,
        decided: Collection[Place] = (),
    ):
        self.version = version
        self.withholds = withholds
        self.decided = frozenset(decided)
        self.rules = list(rules)
        self._columns: dict[tuple[str, str], Rule] = {}
        self._exact: dict[tuple[str, str], dict[str, Rule]] = {}
        self._patterns: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.rules:
            self._add(rule)
        text = "\n".join("\x1f".join(astuple(rule)) for rule in self.rules)
        self.sha256 = sha256 or hashlib.sha256(f"{version}\n{key_names.sha256()}\n{text}".encode()).hexdigest()

    @classmethod
    def load(cls, path: Path | None = None) -> "Policy":
        """Read a policy file, by default the one that comes with this package.

        Lines that begin with # are comments; the first line is `# version N`.
        Raises BadInput, naming the line, for a missing field or an invalid rule.
        """
        path = path or DEFAULT
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0].startswith("# version "):
            raise BadInput(f"{path.name} does not begin with '# version N'.")
        reader = csv.DictReader(line for line in lines if line and not line.startswith("#"))
        if reader.fieldnames != FIELDS:
            raise BadInput(f"{path.name} needs the columns {', '.join(FIELDS)}, in this order.")
        return cls(
            [cls.rule_of(path.name, line) for line in reader], version=lines[0].removeprefix("# version ").strip()
        )

    @staticmethod
    def rule_of(name: str, line: dict[str, str | None]) -> Rule:
        """Return a rule from a line of the file called `name`. Raises BadInput if fields are missing."""
        where = f"{name}: the line for {line['table']}.{line['column']} {line['selector'] or ''}".rstrip()
        if None in line or None in line.values():
            raise BadInput(f"{where} does not have {len(FIELDS)} fields.")
        # Names of tables and columns are as they are in the database; a selector has no blanks at its ends.
        return Rule(line["table"] or "", line["column"] or "", *[(line[field] or "").strip() for field in FIELDS[2:]])

    def extended(self, decisions: Iterable[Rule]) -> "Policy":
        """Return this policy with decisions added; where both have a rule, the decision applies."""
        added = list(decisions)
        decided = {*self.decided, *((rule.table, rule.column, rule.selector) for rule in added)}
        return Policy([*self.rules, *added], version=self.version, withholds=self.withholds, decided=decided)

    def withholding(self) -> "Policy":
        """Return a policy that withholds undecided data at level shared too, instead of scrubbing it there."""

        def sharpened(rule: Rule) -> Rule:
            waits = not rule.selector and rule.kind in _UNTIL_DECIDED
            return replace(rule, shared="drop") if waits and (rule.shared, rule.open) == ("scrub", "drop") else rule

        return Policy(map(sharpened, self.rules), version=self.version, withholds=True, decided=self.decided)

    def with_action(self, kind: str, old: str, new: str) -> "Policy":
        """Return this policy with action `new` instead of `old` for a kind of content; version and hash stay."""

        def changed(rule: Rule) -> Rule:
            actions = {level: new for level in LEVELS if rule.kind == kind and rule.action(level) == old}
            return replace(rule, **actions) if actions else rule

        return Policy(
            map(changed, self.rules),
            version=self.version,
            sha256=self.sha256,
            withholds=self.withholds,
            decided=self.decided,
        )

    def rule(self, table: str, column: str, selector: str | None = None) -> Rule | None:
        """Return the rule for a column, or for one of its selectors; None if there is none (undecided).

        With a selector, only lines with a selector count: None then means undecided, and the column's
        own line applies until someone decides.
        """
        for key in _places(table, column):
            if selector is None:
                rule = self._columns.get(key)
            else:
                rule = self._exact.get(key, {}).get(selector) or self._by_pattern(key, selector)
            if rule is not None:
                return rule
        copied = _COPIED.get((table, column))
        question = selector_text.of_question(selector) if copied and selector else None
        return self.rule(*copied, question) if copied and question else None

    def strictest(self, table: str, column: str, selector: str) -> Rule | None:
        """Return the rule for a selector; one that withholds it if it is undecided and its name says identity."""
        rule = self.rule(table, column, selector)
        if rule is None and key_names.is_identity(selector_text.plain(selector)):
            return Rule(table, column, selector, "drop", "drop", UNDECIDED, NAMED_IDENTITY)
        return rule

    def is_preliminary(self, rule: Rule) -> bool:
        """Return whether a column's rule applies only until someone decides about the experimenter's own content."""
        place = rule.table, rule.column, rule.selector
        return not rule.selector and rule.kind in (*_UNTIL_DECIDED, UNDECIDED) and place not in self.decided

    def selectors(self, table: str, column: str) -> list[str]:
        """Return all selectors that have a rule in a column."""
        keys = _places(table, column)
        exact = [name for key in keys for name in self._exact.get(key, {})]
        return exact + [rule.selector for key in keys for rule in self._patterns.get(key, [])]

    def _by_pattern(self, key: tuple[str, str], selector: str) -> Rule | None:
        return next((rule for rule in self._patterns.get(key, []) if fnmatchcase(selector, rule.selector)), None)

    def _add(self, rule: Rule) -> None:
        rule.check()
        key = (rule.table, rule.column)
        if not rule.selector:
            self._columns[key] = rule
        elif selector_text.is_pattern(rule.selector):
            known = [other for other in self._patterns.get(key, []) if other.selector != rule.selector]
            self._patterns[key] = sorted([*known, rule], key=lambda each: -len(each.selector))
        else:
            self._exact.setdefault(key, {})[rule.selector] = rule
