"""The newest snapshots of a deployment, on its page."""

from itertools import pairwise

from exports.admin.watch.alarms import wrong_card
from exports.admin.watch.health import seconds_words
from exports.clearance.shown_names import ShownNames
from exports.models import Snapshot
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import Deployment

from .count_diff import in_a_line
from .row_diff import unfolds

SHOWN = 10


def newest_of(obj: Deployment) -> list[Snapshot]:
    """Return as many snapshots as the page shows, and one more to compare with, if there is one."""
    return list(obj.snapshots.defer("sequences", "server")[: SHOWN + 1])


def newest_card(obj: Deployment, snapshots: list[Snapshot], names: ShownNames) -> Card:
    """Return a card of the newest ones, each with what changed since the previous one."""
    before = {row.pk: earlier for row, earlier in pairwise(snapshots)}
    rows = [_snapshot_row(row, before.get(row.pk), names) for row in snapshots[:SHOWN]]
    note = "" if rows else "There are no snapshots yet; `manage.py load` makes one from a database.zip."
    if obj.source != Deployment.Source.UPLOAD and not rows:
        note = "There are no snapshots yet."
    headers = ("snapshot", "state", "age", "rows", "since the previous one", "new bytes", "duration", "time")
    more = html.list_url(Snapshot, deployment__number__exact=obj.number)
    footnote = html.link(more, "all snapshots") if len(snapshots) > SHOWN else ""
    return Card("Newest snapshots", headers=headers, rows=rows, note=note, footnote=footnote)


def suspect_cards(last: Snapshot | None) -> list[Card]:
    """Return a card for a suspect newest snapshot, until the next check makes an alarm of it, or if nobody checks."""
    if last is None or last.state != Snapshot.State.SUSPECT:
        return []
    return [wrong_card("The newest snapshot is suspect", [html.joined([html.to_object(last), last.reason])])]


def _snapshot_row(row: Snapshot, before: Snapshot | None, names: ShownNames) -> tuple:
    pinned = [html.badge("pinned", "neutral")] if row.pinned else []
    return (
        html.to_object(row),
        html.joined([html.badge(row.state), *pinned]),
        html.age(row.taken_at),
        html.number(row.rows),
        unfolds(row, before, in_a_line(before, row, names)),
        html.size(row.new_bytes),
        html.EMPTY if row.seconds is None else seconds_words(row.seconds),
        html.utc(row.taken_at),
    )
