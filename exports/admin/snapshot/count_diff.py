"""What changed from one snapshot to the next, from their counts and hashes only: no segment is read.

`exports.history.diff` reads the rows and knows more: what was changed and what was replaced.
"""

from dataclasses import dataclass

from exports.clearance.shown_names import ShownNames
from exports.history.diff import differ
from exports.models import Snapshot
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.table_names import name_of
from psynetdata.models import TYPED_MODELS

_NAMED = 4  # tables that a line lists


@dataclass(frozen=True)
class Change:
    """A table that differs. `before` and `after`: its rows, None if there is no such table."""

    table: str
    before: int | None
    after: int | None

    @property
    def difference(self) -> int:
        return (self.after or 0) - (self.before or 0)

    @property
    def words(self) -> str:
        if self.before is None:
            return "new table"
        if self.after is None:
            return "gone"
        return f"{self.difference:+,}".replace("-", "−") if self.difference else "changed"


def changes(before: Snapshot, after: Snapshot, names: ShownNames) -> list[Change]:
    """Return the tables that differ: people and their work first, then the largest differences."""
    all_changes = [
        Change(shown, was and was["rows"], is_now and is_now["rows"])
        for table, shown in names.tables({*before.tables, *after.tables}).items()
        for was, is_now in [(before.tables.get(table), after.tables.get(table))]
        if differ(was, is_now)
    ]
    return sorted(all_changes, key=lambda one: (one.table not in TYPED_MODELS, -abs(one.difference), one.table))


def in_a_line(before: Snapshot | None, after: Snapshot, names: ShownNames) -> str:
    """Return a text like `trials +12, participants changed, and 3 more tables`."""
    if before is None:
        return "the first one"
    all_changes = changes(before, after, names)
    if not all_changes:
        return "nothing"
    named = [f"{name_of(one.table)} {one.words}" for one in all_changes[:_NAMED]]
    more = len(all_changes) - len(named)
    return ", ".join(named) + (f", and {more} more table{'s' if more > 1 else ''}" if more else "")


def neighbour(obj: Snapshot, which: str) -> Snapshot | None:
    """Return the snapshot before (`lt`) or after (`gt`) it in the deployment's history, by time and then by number."""
    others = Snapshot.objects.filter(deployment=obj.deployment)
    at_once = others.filter(**{"taken_at": obj.taken_at, f"pk__{which}": obj.pk})
    other_time = others.filter(**{f"taken_at__{which}": obj.taken_at})
    order = ("-taken_at", "-pk") if which == "lt" else ("taken_at", "pk")
    return (at_once | other_time).order_by(*order).first()


def changes_card(before: Snapshot | None, after: Snapshot, names: ShownNames) -> Card:
    if before is None:
        return Card("What changed", note="It is the first snapshot of this deployment.")
    rows = [
        (one.table, html.number(one.before), html.number(one.after), one.words) for one in changes(before, after, names)
    ]
    title = f"What changed since {before}"
    if not rows:
        return Card(title, note="Nothing: each table holds exactly the same rows.")
    note = "By counts and hashes. “changed”: as many rows as before, but not the same."
    return Card(title, headers=("table", "rows before", "rows now", "difference"), rows=rows, footnote=note)
