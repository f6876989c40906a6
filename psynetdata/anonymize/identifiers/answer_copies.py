"""Answers that PsyNet copies: the rule of the answer applies to its copies too, if it is the stricter one.

`participant.answer` is a participant's last answer, `participant.answer_accumulators` holds the answers of the module
they are in, `info.answer` is the answer of a trial's response, and a chain's node is made from the answers of its
parent's trials (psynet.trial.chain, ChainNode.create_definition_from_seed); trials and assets of the node repeat its
definition, and pages of these trials quote it (`response.metadata_`, key `prompt`). This module finds the copies by
their rows; what happens to them depends on level and options. In PsyNet 14 trials are in the table `trial`.
"""

import hashlib
from dataclasses import dataclass, field

from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.rules import LEVELS, Policy, Rule
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import class_name

from .contribution import Contribution

# Strict actions, the strictest first. All other actions are not stricter than a copy's own rule.
_STRICT = ("drop", "pseudonym", "numbers", "coarsen")
TRIALS = ("info", "trial")
# Where rules for answers of trials are looked up: those of `info` apply to it too.
TRIAL = "trial"


def node_copies(table: str) -> dict[str, str]:
    """Return {column with a copy: column with the id of the node} of a table."""
    copies = columns_with_role(Role.NODE_COPY, "info" if table in TRIALS else table)
    return dict.fromkeys(copies, "id" if table == "node" else "node_id")


def reader(table: str, names: list[str], policy: Policy) -> "AnswerCopyReader | None":
    """Return the reader for one table, or None: most tables hold no copies."""
    of_trials = {"node_id", "answer", "type", "response_id"}
    wanted = {
        "node": {"id", "parent_id"},
        **dict.fromkeys(TRIALS, of_trials),
        "response": {"id", "participant_id", "question", "answer"},
    }.get(table)
    return AnswerCopyReader(table, names, policy) if wanted and wanted <= set(names) else None


class AnswerCopyReader:
    """Collects from a part's rows: [node, its parent]; {class: nodes of its trials that have an answer}; {node:
    responses of its trials}; and [id, participant, question, digest of the answer] of responses whose question has a
    strict rule."""

    def __init__(self, table: str, names: list[str], policy: Policy):
        self._at = {name: place for place, name in enumerate(names)}
        self._policy = policy
        self.read = {"node": self._node, "response": self._response}.get(table, self._trial)
        self._parents: list[list[str]] = []
        self._trials: dict[str, set[str]] = {}
        self._pages: dict[str, list[str]] = {}
        self._answers: list[list[str]] = []
        self._strict: dict[str, bool] = {}

    def give(self, contribution: Contribution) -> None:
        contribution.parents, contribution.answers, contribution.pages = self._parents, self._answers, self._pages
        contribution.trials = {name: sorted(nodes) for name, nodes in sorted(self._trials.items())}

    def _node(self, row: Row) -> None:
        if parent := row[self._at["parent_id"]]:
            self._parents.append([row[self._at["id"]] or "", parent])

    def _trial(self, row: Row) -> None:
        if not (node := row[self._at["node_id"]]):
            return
        if row[self._at["answer"]] is not None:
            self._trials.setdefault(row[self._at["type"]] or "", set()).add(node)
        if response := row[self._at["response_id"]]:
            self._pages.setdefault(node, []).append(response)

    def _response(self, row: Row) -> None:
        question, answer = row[self._at["question"]] or "", row[self._at["answer"]]
        if question not in self._strict:
            rule = _of_question(self._policy, question)
            self._strict[question] = rule is not None and any(rule.action(level) in _STRICT for level in LEVELS)
        if self._strict[question] and answer is not None:
            self._answers.append(
                [row[self._at["id"]] or "", row[self._at["participant_id"]] or "", question, digest(answer)]
            )


@dataclass(frozen=True, repr=False)
class AnswerCopies:
    """Plain dictionaries, as JSON stores them: `nodes` {node: classes of the trials it was made from}, `responses`
    {response: question}, `answers` {participant: {digest of an answer: question}}, `questions` {node: questions that
    were asked in the trials it was made from}, `pages` {response: the node that its page showed}, only for nodes that
    were made from trials. `responses`, `answers` and `questions` are only about questions with a strict rule."""

    nodes: dict[str, list[str]] = field(default_factory=dict)
    responses: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    def node_rules(self, policy: Policy, level: str) -> dict[str, Rule]:
        """Return {node: the strictest rule of the answers it was made from}, for nodes with a strict rule."""
        default = policy.rule(TRIAL, "answer")
        of_class: dict[str, Rule | None] = {}
        rules_by_node = {}
        asked = self.question_rules(policy, level)
        for node, names in self.nodes.items():
            for name in names:
                if name not in of_class:
                    of_class[name] = policy.rule(TRIAL, "answer", of_type(name)) or default
            rules = [rule for name in names if (rule := of_class[name]) and rule.action(level) in _STRICT]
            rules += [asked[name] for name in self.questions.get(node, ()) if name in asked]
            if rules:
                rules_by_node[node] = min(rules, key=lambda rule: _STRICT.index(rule.action(level)))
        return rules_by_node

    def node_key_rules(self, policy: Policy, level: str) -> dict[str, dict[str, Rule]]:
        """Return {node: {key: rule}} for keys with their own strict rule in the answers that the node was made from."""
        of_class: dict[str, dict[str, Rule]] = {}
        for selector in policy.selectors(TRIAL, "answer"):
            name, _, key = selector.partition("/")
            rule = policy.rule(TRIAL, "answer", selector)
            if key and "." not in key and rule is not None and rule.action(level) in _STRICT:
                of_class.setdefault(name, {})[selector_text.plain(key)] = rule
        rules_by_node = {}
        for node, names in self.nodes.items() if of_class else ():
            keys = {key: rule for name in names for key, rule in of_class.get(of_type(name), {}).items()}
            if keys:
                rules_by_node[node] = keys
        return rules_by_node

    def question_rules(self, policy: Policy, level: str) -> dict[str, Rule]:
        """Return {question: rule} for questions whose rule is strict at this level."""
        names = {*self.responses.values(), *(name for each in self.answers.values() for name in each.values())}
        rules = {name: _of_question(policy, name) for name in names}
        return {name: rule for name, rule in rules.items() if rule and rule.action(level) in _STRICT}


class AnswerCopyCollector:
    """Puts the copies of all parts together."""

    def __init__(self) -> None:
        self._parents: list[list[str]] = []
        self._in_chains: set[str] = set()
        self._classes: dict[str, set[str]] = {}
        self._answers: list[list[str]] = []
        self._pages: dict[str, str] = {}

    def add(self, contribution: Contribution) -> None:
        """Add a part. The parts of `node` come first: only pages of nodes with a parent or a child are kept."""
        self._parents += contribution.parents
        self._in_chains.update(node for pair in contribution.parents for node in pair)
        self._answers += contribution.answers
        for node, responses in contribution.pages.items():
            if node in self._in_chains:
                self._pages |= dict.fromkeys(responses, node)
        for name, nodes in contribution.trials.items():
            for node in nodes:
                self._classes.setdefault(node, set()).add(name)

    def all(self) -> AnswerCopies:
        nodes = {node: sorted(self._classes[parent]) for node, parent in self._parents if parent in self._classes}
        answers: dict[str, dict[str, str]] = {}
        for _, person, question, each in self._answers:
            answers.setdefault(person, {})[each] = question
        asked: dict[str, set[str]] = {}
        for response, _, question, _ in self._answers:
            if node := self._pages.get(response):
                asked.setdefault(node, set()).add(question)
        questions = {node: sorted(asked[parent]) for node, parent in self._parents if parent in asked}
        pages = {response: node for response, node in self._pages.items() if node in nodes}
        responses = {number: question for number, _, question, _ in self._answers}
        return AnswerCopies(nodes, responses, answers, questions, pages)


def of_type(type_text: str | None) -> str:
    """Return the selector of a trial's class."""
    return selector_text.of_class(class_name("info", type_text))


def _of_question(policy: Policy, question: str) -> Rule | None:
    return policy.strictest("response", "answer", selector_text.of_name(question))


def digest(answer: str) -> str:
    return hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()[:16]
