"""Verbs: decide about selectors, undo a decision, withhold undecided data. They apply to a deployment and to the
deployments that continue it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

from django.db import transaction

from psynetdata.anonymize.identifiers.identifiers import KINDS
from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.key_names import SPECIAL
from psynetdata.anonymize.policy.rules import FIELDS, Policy, Rule
from psynetdata.models import Audit, Decision, Deployment
from psynetdata.psynet.problems import BadInput, NotFound
from psynetdata.psynet.tables import known_tables

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LONGEST = {"selector": 500, "reason": 300, "kind": 40, "table": 100, "column": 100}


def decide(deployment: Deployment, rules: Iterable[Rule], *, user=None) -> int:
    """Add rules that override the policy, and return their number. They replace earlier ones for the same selector.

    Each decision is recorded in the audit log. All rules are stored or none: raises BadInput for an invalid rule.
    """
    first = deployment.first
    rules = [replace(rule, selector=selector_text.typed(rule.selector)) for rule in rules]
    policy = Policy.load()
    for rule in rules:
        _check(rule, policy)
    account = user if getattr(user, "is_authenticated", False) else None
    with transaction.atomic():
        for rule in rules:
            place = {"table": rule.table, "column": rule.column, "selector": rule.selector}
            what = {"shared": rule.shared, "open": rule.open, "kind": rule.kind, "reason": rule.reason}
            Decision.objects.update_or_create(deployment=first, **place, defaults={**what, "decided_by": account})
            Audit.record("decide", user=user, deployment=deployment, target=_name(rule), **what)
    return len(rules)


def forget(deployment: Deployment, table: str, column: str, selector: str = "", *, user=None) -> None:
    """Undo a decision: the policy's own rule applies again, if there is one. Raises NotFound if nothing was decided."""
    selector = selector_text.typed(selector)
    place = {"table": table, "column": column, "selector": selector}
    with transaction.atomic():
        gone, _ = Decision.objects.filter(deployment=deployment.first, **place).delete()
        if not gone:
            raise NotFound(f"Nothing was decided about {table}.{column} {selector}".rstrip() + ".")
        Audit.record("forget decision", user=user, deployment=deployment, target=f"{table}.{column} {selector}".strip())


def withhold(deployment: Deployment, everything: bool, *, user=None) -> bool:
    """Set whether undecided data is withheld at level shared too (True) or scrubbed there (False).

    Returns False if nothing had to change.
    """
    numbers = [one.pk for one in deployment.chain()]
    with transaction.atomic():
        rows = Deployment.objects.select_for_update().filter(pk__in=numbers)
        if not rows.exclude(withhold_undecided=everything).update(withhold_undecided=everything):
            return False
        Audit.record("withhold undecided", user=user, deployment=deployment, everything=everything)
    return True


def from_file(path: Path) -> list[Rule]:
    """Read decisions from a CSV file with the columns of policy.csv; lines with # are comments. Raises BadInput."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.") from None
    try:
        reader = csv.DictReader(_without_comments(text))
        if reader.fieldnames != FIELDS:
            raise BadInput(f"{path.name} needs the columns {', '.join(FIELDS)}, in this order.")
        return [Policy.rule_of(path.name, line) for line in reader]
    except csv.Error as error:
        raise BadInput(f"{path.name} is not a CSV file: {error}.") from None


def to_csv(rules: Iterable[Rule]) -> str:
    """Return decisions as `from_file` reads them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(FIELDS)
    # In quotes, the name of a table that begins with # does not look like a comment.
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(map(astuple, rules))
    return out.getvalue()


def _without_comments(text: str) -> Iterator[str]:
    """Yield the lines that are not comments. A line end in quotes is part of a name, and so is a # after it."""
    inside = False
    for line in _LINE.findall(text):
        if inside or (line.strip() and not line.startswith("#")):
            inside ^= bool(line.count('"') % 2)
            yield line


def _check(rule: Rule, policy: Policy) -> None:
    rule.check()
    for name, longest in _LONGEST.items():
        if len(getattr(rule, name)) > longest:
            raise BadInput(f"The {name} of a rule has at most {longest} characters.")
    if not (rule.table and rule.column and rule.kind):
        raise BadInput(f"The rule for {_name(rule)} needs a table, a column and a kind of content.")
    if rule.kind == SPECIAL and rule.open != "drop":
        raise BadInput(f"{_name(rule)} is a special category of data: choose drop for level open.")
    known = known_tables().get(rule.table)
    if known is not None and rule.column not in known and (rule.table, rule.column) != ("asset", "*"):
        raise BadInput(f"PsyNet's table {rule.table} has no column {rule.column}.")
    # Ids of people in PsyNet's own columns leave as pseudonyms or not at all: an export that keeps them fails its scan.
    own = policy.rule(rule.table, rule.column) if known is not None and not rule.selector else None
    if own is not None and own.kind in KINDS and {rule.shared, rule.open} - {"pseudonym", "drop"}:
        raise BadInput(f"{_name(rule)} holds ids of people: choose pseudonym or drop.")


def _name(rule: Rule) -> str:
    return f"{rule.table}.{rule.column} {rule.selector}".strip()
