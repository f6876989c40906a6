"""Counts how often each identifier was replaced inside texts, and in how many participants' rows.

An identifier that is replaced in the rows of many participants is probably a word, such as one that a visitor sent as
an id. Neither the counts of a report nor its warnings contain a value.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from psynetdata.anonymize.forms.strong_shapes import has_strong_shape
from psynetdata.anonymize.text.matcher import Matcher
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.wordlists.exemptions import SCRUB, limit

FEW = limit("rows", SCRUB)
# As many identifiers as a report lists.
MOST = 10
# Kinds of one person's ids, or of what somebody can send as one. Several people share a study, a network, a recording.
_OF_ONE = frozenset({"worker_id", "assignment_id", "unique_id", "lucid", "entry", "name", "secret"})
_REMEMBERED = 20_000
# Actions after which the text of a cell is still there, except for what was replaced in it.
TEXT_STAYS = frozenset({"keep", "scrub", "numbers", "public"})

# ({identifier: cells}, {identifier: participants})
Counts = tuple[Counter[str], dict[str, set[str]]]


class ReplacementCounts:
    """The counts of one table: `cells` {identifier: cells}, `people` {identifier: participants}."""

    def __init__(self, matcher: Matcher, person_at: int | None):
        self._matcher, self._person_at = matcher, person_at
        self._known: dict[str, frozenset[str]] = {}
        self.cells: Counter[str] = Counter()
        self.people: dict[str, set[str]] = {}

    def count(self, cells: Sequence[str], new: Sequence[str], columns: list[Sequence[str]]) -> None:
        """Count what was replaced in one column of a block; `columns` are all columns as they came."""
        people: Iterable[str] = columns[self._person_at] if self._person_at is not None else [""] * len(cells)
        for cell, left, person in zip(cells, new, people, strict=True):
            if cell != left and left and left != EMPTY:
                for value in self._identifiers(cell):
                    self.cells[value] += 1
                    if person:
                        self.people.setdefault(value, set()).add(person)

    def take(self) -> Counts:
        """Return (cells, people), and start again from zero."""
        taken = self.cells, self.people
        self.cells, self.people = Counter(), {}
        return taken

    def _identifiers(self, cell: str) -> frozenset[str]:
        known = self._known.get(cell)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[cell] = self._matcher.identifiers_in(cell)
        return known


def account(parts: Iterable[Counts], kinds: dict[str, str]) -> dict[str, Any]:
    """Return the report's part about replacements; `kinds` {identifier: kind}."""
    cells, people = merged(parts)
    return {"replaced_most": _replaced_most(cells, people, kinds), "warnings": _warnings(people, kinds)}


def merged(parts: Iterable[Counts]) -> Counts:
    """Return the counts of several parts together."""
    cells: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    for some_cells, some_people in parts:
        cells.update(some_cells)
        for value, persons in some_people.items():
            people.setdefault(value, set()).update(persons)
    return cells, people


def _replaced_most(cells: Counter[str], people: dict[str, set[str]], kinds: dict[str, str]) -> list[dict[str, Any]]:
    """Return kind, cells and participants of the identifiers that were replaced most, without the identifiers."""
    rows = [(-number, kinds[value], -len(people.get(value, ()))) for value, number in cells.items()]
    return [{"kind": kind, "cells": -number, "participants": -persons} for number, kind, persons in sorted(rows)[:MOST]]


def _warnings(people: dict[str, set[str]], kinds: dict[str, str]) -> list[str]:
    """Return a sentence for each kind with identifiers that were replaced in more than a few participants' rows."""
    widest: dict[str, list[int]] = {}
    for value, persons in people.items():
        if len(persons) > FEW and kinds[value] in _OF_ONE and not has_strong_shape(value):
            widest.setdefault(kinds[value], []).append(len(persons))
    return [
        f"Identifiers of kind {kind} were replaced in the rows of {', '.join(map(str, sorted(rows)))} participants. "
        "They may be words that somebody typed or sent as an id. Compare these rows with the regular data; if they "
        "lost data, withdraw the participant who typed the word."
        for kind, rows in sorted(widest.items())
    ]
