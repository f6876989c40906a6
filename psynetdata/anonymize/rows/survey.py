"""Finds data that no rule covers, by table, column and selector, before an export."""

from collections.abc import Callable, Iterable

from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.policy import key_names, selector_text
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.policy.selector_text import NO_OBJECT, OTHERS
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column, class_name, known_tables

from .selectors import CLASS, MOST_SELECTORS, QUESTION, covering, deep, key_selector, scheme
from .value_shapes import ValueShape

_REMEMBERED, _LONGEST = 20_000, 2_000
Place = tuple[str, str, str]
RowSurveyor = Callable[[Row], None]


class Survey:
    """Reads rows and collects the shapes of undecided values: `found` {(table, column, selector): Shape}."""

    def __init__(self, policy: Policy):
        self.found: dict[Place, ValueShape] = {}
        self._policy = policy

    def add_rows(self, table: str, columns: list[Column], rows: Iterable[Row]) -> None:
        """Read all rows of one table."""
        surveyors = [
            survey_row for at in range(len(columns)) if (survey_row := _column_surveyor(self, table, columns, at))
        ]
        for row in rows if surveyors else ():
            for survey_row in surveyors:
                survey_row(row)

    def is_open(self, table: str, column: str, selector: str) -> bool:
        """Return whether no rule covers the selector."""
        return covering(self._policy, table, column, selector) is None

    def deep(self, table: str, column: str) -> set[str]:
        """Return the keys that have keys with their own rules below them."""
        return deep(self._policy, table, column)

    def add(self, place: Place, value: object) -> None:
        if place not in self.found and len(self.found) >= MOST_SELECTORS:
            place = (place[0], place[1], OTHERS)
        self.found.setdefault(place, ValueShape()).add(value)

    def whole(self, table: str, column: str) -> bool:
        """Return whether the column itself has no rule, and its name does not suggest a pseudonym."""
        if self._policy.rule(table, column) is not None:
            return False
        return table in known_tables() or key_names.is_identity(column) or id_names.kind_of(column) is None


def _column_surveyor(survey: Survey, table: str, columns: list[Column], at: int) -> RowSurveyor | None:
    """Return a function that reads one column of a row; None if a rule covers all of it."""
    column, names = columns[at].name, [each.name for each in columns]
    how = scheme(table, column)
    if how is None:
        if not survey.whole(table, column):
            return None
        return lambda row: survey.add((table, column, ""), jsontext.read(row[at])) if row[at] else None
    if how == QUESTION and "question" in names:
        return _by_question(survey, table, column, at, names.index("question"))
    return _by_key(survey, table, column, at, names.index("type") if how == CLASS and "type" in names else None)


def _by_question(survey: Survey, table: str, column: str, at: int, question_at: int) -> RowSurveyor:
    known: dict[str, str] = {}

    def survey_row(row: Row) -> None:
        question = row[question_at] or ""
        if question not in known:
            selector = selector_text.of_name(question)
            known[question] = selector if survey.is_open(table, column, selector) else ""
        if known[question] and row[at] is not None:
            survey.add((table, column, known[question]), jsontext.read(row[at]))

    return survey_row


def _by_key(survey: Survey, table: str, column: str, at: int, type_at: int | None) -> RowSurveyor:
    memo: dict[tuple[str, str], list[tuple[str, object]]] = {}
    deep = survey.deep(table, column)

    def survey_row(row: Row) -> None:
        cell = row[at]
        if not cell or cell == "{}":
            return
        name = "" if type_at is None else selector_text.of_class(class_name(table, row[type_at]))
        undecided = memo.get((name, cell))
        if undecided is None:
            undecided = [each for each in _members(table, cell, name, deep) if survey.is_open(table, column, each[0])]
            if len(cell) <= _LONGEST and len(memo) < _REMEMBERED:
                memo[name, cell] = undecided
        for selector, value in undecided:
            survey.add((table, column, selector), value)

    return survey_row


def _members(table: str, cell: str, name: str, deep: set[str]) -> Iterable[tuple[str, object]]:
    """Yield (selector, value) for each value in a cell that can have its own rule, as in selectors.ByKey."""
    value = jsontext.read(cell)
    if not isinstance(value, dict):
        yield name or NO_OBJECT, value
        return
    yield from _below(table, value, f"{name}/" if name else "", deep)


def _below(table: str, value: dict[str, object], prefix: str, deep: set[str]) -> Iterable[tuple[str, object]]:
    for key, item in value.items():
        selector = prefix + key_selector(table, key)
        if selector in deep and isinstance(item, dict):
            yield from _below(table, item, f"{selector}.", deep)
        else:
            yield selector, item
