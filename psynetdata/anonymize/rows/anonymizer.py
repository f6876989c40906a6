"""Applies the policy to the rows of one deployment's tables: rows in, rows out.

The result is *pseudonymized*: while snapshots and the key exist, pseudonyms can
be traced back, and people's answers can still be linked (see report.linkable).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from operator import ne
from typing import Any

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy import key_names, selector_text
from psynetdata.anonymize.policy.key_names import SENSITIVE, SPECIAL
from psynetdata.anonymize.policy.rules import LEVELS, NAMED_IDENTITY, UNDECIDED, Policy, Rule
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import Scrubber
from psynetdata.psynet.csvtext import Row, with_null, without_null
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.tables import Column, known_tables
from psynetdata.psynet.wordlists.exemptions import SCRUB, limit

from . import blocks, event_log
from .copy_rules import Copied, copying
from .dates import Dates, TableDates
from .options import Options
from .replacement_counts import TEXT_STAYS, ReplacementCounts, account
from .report import how_dates_leave, linkable
from .selectors import CLASS, QUESTION, Alone, ByKey, ByQuestion, Step, scheme
from .tally import Tally, added
from .treatments import Treatments, withheld_value

DEFAULTS, NOBODY = Options(), People()
_ROW_DIGITS = limit("own_table_digits", SCRUB)


class Anonymizer:
    """Makes a TableAnonymizer for each table; holds the level and options, and counts the changes."""

    def __init__(
        self,
        *,
        policy: Policy,
        pseudonyms: Pseudonyms,
        identifiers: Identifiers,
        level: str = "shared",
        options: Options = DEFAULTS,
        people: People = NOBODY,
    ):
        """`people` is needed only if dates are shifted. Raises UsageError for an unknown level."""
        if level not in LEVELS:
            raise UsageError(f"There is no anonymization level called {level}; use {' or '.join(LEVELS)}.")
        self.policy = options.applied(policy)
        self.level = level
        self.options = options
        self.identifiers = identifiers
        self.dates = Dates(pseudonyms.secret("dates"), options, people) if options.of_dates else None
        self.scrubber = Scrubber(identifiers, pseudonyms)
        self.treatments = Treatments(self.scrubber, pseudonyms, level)
        self._tables: list[TableAnonymizer] = []
        self._tallies: list[Tally] = []
        self.copied = Copied(identifiers.copies, self.policy, self.treatments)

    def table(self, table: str, columns: list[Column]) -> "TableAnonymizer":
        """Return the anonymizer for one pass over a table whose rows have these columns."""
        table_anonymizer = TableAnonymizer(self, table, columns)
        self._tables.append(table_anonymizer)
        return table_anonymizer

    def add(self, tally: Tally) -> None:
        """Add counts of work that was done elsewhere (by another process)."""
        self._tallies.append(tally)

    def report(self) -> dict[str, Any]:
        """Return what was done so far, as JSON: policy, level, counts, undecided selectors. Contains no identifier."""
        self._tallies = added([*self._tallies, *(each.take_tally() for each in self._tables)])
        return {
            "policy": {"version": self.policy.version, "sha256": self.policy.sha256},
            "level": self.level,
            "undecided_withheld": self.level == "open" or self.policy.withholds,
            "options": asdict(self.options),
            "looked_for": self.identifiers.counts(),
            "personal_assets": len(self.identifiers.personal_assets),
            **account(((tally.replaced, tally.people) for tally in self._tallies), self.identifiers.kinds),
            "tables": self._merged(),
            "undecided": self._undecided(),
            "special_categories": self._special(SPECIAL),
            "sensitive": self._special(SENSITIVE),
            **({"dates": self._dates()} if self.dates else {}),
            "linkable": linkable(self.level, self.options),
        }

    def _dates(self) -> dict[str, Any]:
        rows: Counter[str] = Counter()
        for tally in self._tallies:
            rows.update(tally.dates)
        counts = {"rows": dict(sorted(rows.items()))} if self.options.shift_dates else {}
        return {**counts, "how": how_dates_leave(self.options)}

    def _special(self, kind: str) -> list[str]:
        """Return the selectors of a kind that leave, as `table.column selector`. Article 9 of the GDPR is about SPECIAL
        categories (health …); SENSITIVE data (income) is not among them."""
        found = {name for tally in self._tallies for each, name in tally.special if each == kind}
        return sorted(map(self._shown, found))

    def _shown(self, selector: str) -> str:
        """Return a selector as it may be shown: a key can be someone's id."""
        plain = selector_text.plain(selector)
        clean = self.scrubber.string(plain, free_text=True)
        return selector if clean == plain else clean

    def _merged(self) -> dict[str, dict[str, Any]]:
        return {
            tally.table: {
                "rows": tally.rows,
                "columns": {
                    name: {"action": action, "changed": changed}
                    for name, action, changed in tally.changes
                    if changed or action != "keep"
                },
            }
            for tally in self._tallies
        }

    def _undecided(self) -> list[dict[str, Any]]:
        total: Counter[tuple[str, str, str]] = Counter()
        for tally in self._tallies:
            total.update(tally.undecided)
        return [
            {"table": table, "column": column, "selector": self._shown(selector), "rows": rows}
            for (table, column, selector), rows in sorted(total.items())
        ]


class TableAnonymizer:
    """The policy compiled for one table: only columns that can change cost time.

    `withheld`: names of the columns that are withheld in every row.
    """

    def __init__(self, owner: Anonymizer, table: str, columns: list[Column]):
        self.table = table
        self.rows = 0
        self._owner = owner
        self._places = {column.name: at for at, column in enumerate(columns)}
        self._actions = {column.name: self._rule(column) for column in columns}
        self._blank: Counter[str] = Counter()
        self._steps: list[tuple[int, Step]] = []
        for at, column in enumerate(columns):
            step = self._step(column)
            if step is not None:
                self._steps.append((at, step))
        person = self._places.get("id" if table == "participant" else "participant_id")
        self._replacements = ReplacementCounts(owner.scrubber.matcher, person)
        self._texts = {at for at, step in self._steps if self._text_stays(columns[at], step)}
        # Whether anything in these rows depends on the deployment's identifiers.
        self.scrubs = bool(self._steps)
        self._copies = copying(owner.copied, table, columns)
        self._logs = [at for at, column in enumerate(columns) if column.type and column.name in event_log.COLUMNS]
        self.dates = owner.dates.table(table, columns, self._times()) if owner.dates else None
        self._changed = [0] * len(columns)
        self.withheld = frozenset(column.name for column in columns if self._is_withheld(column))

    def block(self, rows: list[list[str]]) -> list[tuple[str, ...]]:
        """Return the rows of a block as they may leave, with the same length and order.

        NULL and the empty text are written as in csvtext.block_rows. A withheld cell is NULL, or an empty value if the
        column is NOT NULL. The work is done column by column: many small blocks cost more than a large one.
        """
        if not rows:
            return []
        self.rows += len(rows)
        before: list[Sequence[str]] = list(zip(*rows, strict=True))
        columns = list(before)
        for at, step in self._steps:
            cells = columns[at]
            if isinstance(step, Alone):
                new = step.column(cells)
            elif isinstance(step, ByKey | ByQuestion):
                new = blocks.guided(step, cells, before)
            else:
                new = blocks.stepped(step, cells, rows)
            changed = sum(map(ne, cells, new))
            self._changed[at] += changed
            if changed and at in self._texts:
                self._replacements.count(cells, new, before)
            columns[at] = new
        if self._copies:
            columns = list(zip(*map(self._copied, rows, zip(*columns, strict=True)), strict=True))
        for at in self._logs:
            columns[at] = [event_log.logs(cell) for cell in columns[at]]
        left = list(zip(*columns, strict=True))
        if self.dates is None:
            return left
        return [_dated(self.dates, came, out) for came, out in zip(rows, left, strict=True)]

    def _copied(self, came: Sequence[str], out: Sequence[str]) -> list[str]:
        cells, left = with_null(came), with_null(out)
        for copy in self._copies:
            copy(cells, left)
        return without_null(left)

    def take_tally(self) -> Tally:
        """Return the counts since the last call, and reset them."""
        dates = Counter(self.dates.counts if self.dates else {})
        changes, replaced = self.changes(), self._replacements.take()
        tally = Tally(self.table, self.rows, changes, self.undecided(), self.special(), dates, *replaced)
        self.rows, self._changed = 0, [0] * len(self._changed)
        self._blank.clear()
        if self.dates is not None:
            self.dates.counts.clear()
        for _, step in self._steps:
            if isinstance(step, ByKey | ByQuestion):
                step.undecided.clear()
        return tally

    def changes(self) -> list[tuple[str, str, int]]:
        """Return (column, action, cells changed) for every column that is not just kept, or could hold identifiers."""
        level, looked_at = self._owner.level, {at for at, _ in self._steps}
        return [
            (name, rule.action(level), self._changed[self._places[name]])
            for name, rule in self._actions.items()
            if rule.action(level) != "keep" or self._places[name] in looked_at
        ]

    def undecided(self) -> Counter[tuple[str, str, str]]:
        """Return {(table, column, selector): rows} that no rule covers; selector "" means the whole column."""
        counts = Counter({(self.table, name, ""): rows for name, rows in self._blank.items()})
        names = {at: name for name, at in self._places.items()}
        for at, step in self._steps:
            if isinstance(step, ByKey | ByQuestion):
                counts.update({(self.table, names[at], name): rows for name, rows in step.undecided.items()})
        return counts

    def special(self) -> set[tuple[str, str]]:
        """Return (kind, `table.column selector`) of special categories of data that leave."""
        names = {at: name for name, at in self._places.items()}
        steps = [(names[at], step) for at, step in self._steps if isinstance(step, ByKey | ByQuestion)]
        found = {
            (kind, f"{self.table}.{name} {selector}") for name, step in steps for kind, selector in step.special.found
        }
        own = [] if self.table in known_tables() else self._actions.items()
        return found | {
            (kind, f"{self.table}.{name}")
            for name, rule in own
            if rule.action(self._owner.level) != "drop" and (kind := key_names.special_kind(name))
        }

    def _times(self) -> set[str]:
        return {name for name, rule in self._actions.items() if rule.kind == "time" and not rule.selector}

    def _text_stays(self, column: Column, step: Step) -> bool:
        """Return whether identifiers are replaced inside the column's cells; other columns change as a whole."""
        return (
            isinstance(step, ByKey | ByQuestion) or self._actions[column.name].action(self._owner.level) in TEXT_STAYS
        )

    def _rule(self, column: Column) -> Rule:
        """Return the column's rule, or a default one if no rule covers it.

        By default the experimenter's own tables leave scrubbed at level shared, unless the policy withholds undecided
        data.
        """
        rule = self._owner.policy.rule(self.table, column.name)
        if rule is not None:
            return rule
        own = self.table not in known_tables()
        if own and key_names.is_identity(column.name):
            return Rule(self.table, column.name, "", "drop", "drop", UNDECIDED, NAMED_IDENTITY)
        if own and (kind := id_names.kind_of(column.name)):
            return Rule(self.table, column.name, "", "pseudonym", "drop", kind, NAMED_IDENTITY)
        shared = "scrub" if own and not self._owner.policy.withholds else "drop"
        return Rule(self.table, column.name, "", shared, "drop", UNDECIDED, "no rule covers it")

    def _step(self, column: Column) -> Step | None:
        rule = self._actions[column.name]
        policy, treatments = self._owner.policy, self._owner.treatments
        how = scheme(self.table, column.name)
        if how == QUESTION and "question" in self._places:
            return ByQuestion(self.table, column, rule, self._places["question"], policy, treatments)
        if how is not None and (rule.action(treatments.level) != "drop" or policy.selectors(self.table, column.name)):
            class_at = self._places.get("type") if how == CLASS else None
            return ByKey(self.table, column, rule, class_at, policy, treatments)
        treatment = treatments.cell_treatment(rule, column, undecided=policy.is_preliminary(rule))
        if treatment is None:
            return None
        if rule.action(treatments.level) == "pseudonym" and self.table not in known_tables() and column.type is None:
            return self._own_ids(treatment)
        if self.table not in known_tables():
            treatment = self._without_numbers(treatment)
        if rule.kind == UNDECIDED:
            return self._counted(column, treatment)
        if self.table == "asset" and (rule.action(treatments.level) == "public" or rule.kind == "asset_size"):
            return self._by_owner(column, treatment, rule)
        return Alone(treatment)

    def _by_owner(self, column: Column, treatment: Callable[[str], str | None], rule: Rule) -> Step:
        """Withhold (or round) the cell of a personal asset; keep (and scrub) the cell of a public one."""
        personal = self._owner.identifiers.personal_assets
        at = self._places["id"]
        empty = withheld_value(column)
        coarse = rule.kind == "asset_size"

        def step(cell: str, cells: Row) -> str | None:
            if int(cells[at] or 0) in personal:
                return treatment(cell) if coarse else empty
            return cell if coarse else treatment(cell)

        return step

    def _own_ids(self, treatment: Callable[[str], str | None]) -> Step:
        """Treat ids in an experimenter's table: a small number that is nobody's id is kept (`session_id` 1 to 30)."""
        named = self._owner.scrubber.matcher.named

        def treat(cell: str) -> str | None:
            counts_rows = cell.isdigit() and len(cell) <= _ROW_DIGITS
            return cell if counts_rows and named(cell) is None else treatment(cell)

        return Alone(treat)

    def _without_numbers(self, treatment: Callable[[str], str | None]) -> Callable[[str], str | None]:
        """Also withhold a number that is someone's id, in a table of the experimenter: the column may hold no text."""
        number = self._owner.scrubber.matcher.number
        return lambda cell: None if number(cell) else treatment(cell)

    def _counted(self, column: Column, treatment: Callable[[str], str | None]) -> Step:
        """Treat a column that no rule covers."""

        def step(cell: str, cells: Row) -> str | None:
            self._blank[column.name] += 1
            return treatment(cell)

        return step

    def _is_withheld(self, column: Column) -> bool:
        rule = self._actions[column.name]
        if rule.action(self._owner.level) != "drop":
            return False
        policy, level = self._owner.policy, self._owner.level
        if scheme(self.table, column.name) is None:
            return True
        selectors = policy.selectors(self.table, column.name)
        return not any(
            (own_rule := policy.rule(self.table, column.name, name)) is not None and own_rule.action(level) != "drop"
            for name in selectors
        )


def _dated(dates: TableDates, came: Sequence[str], out: Sequence[str]) -> tuple[str, ...]:
    left = with_null(out)
    dates.row(with_null(came), left)
    return tuple(without_null(left))
