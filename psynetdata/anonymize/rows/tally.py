"""Counts of changes to rows, which can be added over several processes."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Tally:
    """Counts of the changes to some rows of a table, possibly made by another process.

    `changes`: (column, action, cells changed). `undecided`: {(table, column, selector): rows}. `special`: selectors
    of special categories that left. `dates`: {how: rows}.
    """

    table: str
    rows: int
    changes: list[tuple[str, str, int]]
    undecided: Counter[tuple[str, str, str]]
    special: set[str]
    dates: Counter[str]


def added(tallies: list[Tally]) -> list[Tally]:
    """Return one tally for each table, sorted by name."""
    found: dict[str, Tally] = {}
    for tally in tallies:
        before = found.get(tally.table)
        found[tally.table] = tally if before is None else _sum(before, tally)
    return [found[table] for table in sorted(found)]


def _sum(one: Tally, other: Tally) -> Tally:
    changed = {name: (action, number) for name, action, number in one.changes}
    for name, action, number in other.changes:
        changed[name] = action, number + (changed[name][1] if name in changed else 0)
    return Tally(
        one.table,
        one.rows + other.rows,
        [(name, *told) for name, told in changed.items()],
        one.undecided + other.undecided,
        one.special | other.special,
        one.dates + other.dates,
    )
