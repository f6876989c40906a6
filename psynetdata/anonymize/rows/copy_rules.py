"""Treats copied answers (see identifiers/answer_copies.py) in the rows of one table."""

import json
import re
from collections.abc import Callable

from psynetdata.anonymize.identifiers.answer_copies import TRIAL, TRIALS, AnswerCopies, digest, node_copies, of_type
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.text import json_spans
from psynetdata.psynet import jsontext
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import Column

from .treatments import Treatment, Treatments

# Keys of response.metadata_ that quote what was shown.
_QUOTES = ("prompt",)
_NUMBERED = re.compile(r"_\d+$")
# (original row, row that leaves): changes the row that leaves.
Copy = Callable[[Row, Row], None]


class Copied:
    """The rules for copies of an answer at one level, and what finds these copies (see Copies)."""

    def __init__(self, copies: AnswerCopies, policy: Policy, treatments: Treatments):
        self.copies, self.policy, self.treatments = copies, policy, treatments
        self.nodes = copies.node_rules(policy, treatments.level)
        self.keys = copies.node_key_rules(policy, treatments.level)
        self.questions = copies.question_rules(policy, treatments.level)


def copying(copied: Copied, table: str, columns: list[Column]) -> list[Copy]:
    """Return functions that treat the copies in a table's rows.

    The list is empty for most tables, and if no answer has a rule that is stricter than its copy's.
    """
    at = {column.name: place for place, column in enumerate(columns)}
    rules: list[Copy | None] = [
        _of_node(copied, columns[at[name]], at[name], at[node])
        for name, node in node_copies(table).items()
        if name in at and node in at
    ]
    if table == "participant" and "answer" in at:
        rules.append(_of_participant(copied, columns[at["answer"]], at))
    if table == "participant" and "answer_accumulators" in at:
        rules.append(_of_accumulators(copied, at["answer_accumulators"]))
    if table in TRIALS and {"answer", "response_id", "type"} <= at.keys():
        rules.append(_of_trial(copied, columns[at["answer"]], at))
    if table == "response" and "metadata_" in at:
        rules.append(_of_page(copied, at["id"], at["metadata_"]))
    return [copy for copy in rules if copy is not None]


def _of_node(copied: Copied, column: Column, place: int, node: int) -> Copy | None:
    rules, keys = copied.nodes, copied.keys
    treatments = {rule: copied.treatments.cell_treatment(rule, column, is_json=True) for rule in set(rules.values())}

    def copy(cells: Row, out: Row) -> None:
        number, cell = cells[node] or "", out[place]
        if cell is None:
            return
        if number in rules:
            treat = treatments[rules[number]]
            out[place] = cell if treat is None else treat(cell)
        elif number in keys:
            out[place] = _by_key(copied, keys[number], cell)

    return copy if rules or keys else None


def _by_key(copied: Copied, rules: dict[str, Rule], cell: str) -> str:
    """Apply to an object's members the rules of the answer's keys with the same names."""
    pieces = []
    for member in json_spans.members(cell) or ():
        if member.key in rules:
            value = cell[slice(*member.value_span)]
            pieces.append((member.value_span, copied.treatments.value_treatment(rules[member.key])(value) or "null"))
    return json_spans.splice(cell, pieces)


def _of_participant(copied: Copied, column: Column, at: dict[str, int]) -> Copy | None:
    rules, answers = copied.questions, copied.copies.answers
    treatments = _by_question(copied, rules, column)

    def copy(cells: Row, out: Row) -> None:
        mine = answers.get(cells[at["id"]] or "")
        cell = cells[at["answer"]]
        if mine and cell is not None and (treat := treatments.get(mine.get(digest(cell), ""))):
            out[at["answer"]] = treat(cell)

    return copy if rules else None


def _of_accumulators(copied: Copied, place: int) -> Copy | None:
    """Treat a list of {question: answer} of the current module. PsyNet calls a repeated question `<question>_1`."""
    rules = copied.questions
    treatments = {name: copied.treatments.value_treatment(rule) for name, rule in rules.items()}

    def treated(name: str, answer: object) -> object:
        treat = treatments.get(name) or treatments.get(_NUMBERED.sub("", name))
        return answer if treat is None else json.loads(treat(json.dumps(answer)) or "null")

    def copy(cells: Row, out: Row) -> None:
        cell = out[place]
        if not cell or not any(name in cell for name in treatments):
            return
        value = jsontext.decode(cell)
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            new = [{name: treated(name, answer) for name, answer in each.items()} for each in value]
            out[place] = cell if new == value else json.dumps(new)

    return copy if rules else None


def _of_trial(copied: Copied, column: Column, at: dict[str, int]) -> Copy | None:
    rules, questions, policy = copied.questions, copied.copies.responses, copied.policy
    treatments = _by_question(copied, rules, column)

    def copy(cells: Row, out: Row) -> None:
        treat = treatments.get(questions.get(cells[at["response_id"]] or "", ""))
        if treat is None or out[at["answer"]] is None:
            return
        # A decision about the trial's class takes precedence.
        if policy.rule(TRIAL, "answer", of_type(cells[at["type"]])) is None:
            out[at["answer"]] = treat(cells[at["answer"]] or "")

    return copy if rules else None


def _of_page(copied: Copied, number: int, place: int) -> Copy | None:
    """Treat what a page asked, if it quotes a node that was made from such answers: see Role.NODE_COPY."""
    strict = {**{node: [*keys.values()] for node, keys in copied.keys.items()}}
    strict |= {node: [rule] for node, rule in copied.nodes.items()}
    pages = copied.copies.pages

    def copy(cells: Row, out: Row) -> None:
        rules = strict.get(pages.get(cells[number] or "", ""))
        cell = out[place]
        if rules is None or cell is None:
            return
        for rule in rules:
            cell = _by_key(copied, dict.fromkeys(_QUOTES, rule), cell)
        out[place] = cell

    return copy if strict and pages else None


def _by_question(copied: Copied, rules: dict[str, Rule], column: Column) -> dict[str, Treatment | None]:
    return {name: copied.treatments.cell_treatment(rule, column, is_json=True) for name, rule in rules.items()}
