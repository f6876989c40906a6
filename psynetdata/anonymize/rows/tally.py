"""Counts of changes to rows, which can be added over several processes."""

from collections import Counter
from dataclasses import dataclass, field

from .replacement_counts import merged


@dataclass(frozen=True)
class Tally:
    """Counts of the changes to some rows of a table, possibly made by another process.

    `changes`: (column, action, cells changed). `undecided`: {(table, column, selector): rows}. `special`: (kind,
    selector) of special categories of data that left. `dates`: {how: rows}. `replaced`, `people`: see
    replacement_counts.py.
    """

    table: str
    rows: int
    changes: list[tuple[str, str, int]]
    undecided: Counter[tuple[str, str, str]]
    special: set[tuple[str, str]]
    dates: Counter[str]
    replaced: Counter[str] = field(default_factory=Counter)
    people: dict[str, set[str]] = field(default_factory=dict)


def added(tallies: list[Tally]) -> list[Tally]:
    """Return one tally for each table, sorted by name."""
    tallies_by_table: dict[str, Tally] = {}
    for tally in tallies:
        before = tallies_by_table.get(tally.table)
        tallies_by_table[tally.table] = tally if before is None else _sum(before, tally)
    return [tallies_by_table[table] for table in sorted(tallies_by_table)]


def _sum(one: Tally, other: Tally) -> Tally:
    changed = {name: (action, number) for name, action, number in one.changes}
    for name, action, number in other.changes:
        changed[name] = action, number + (changed[name][1] if name in changed else 0)
    return Tally(
        one.table,
        one.rows + other.rows,
        [(name, *count) for name, count in changed.items()],
        one.undecided + other.undecided,
        one.special | other.special,
        one.dates + other.dates,
        *merged([(one.replaced, one.people), (other.replaced, other.people)]),
    )
