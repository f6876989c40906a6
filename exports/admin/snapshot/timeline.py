"""The history of a deployment's snapshots as a picture: when each was taken, its rows, what it added."""

from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from exports.models import Snapshot
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import Deployment

SHOWN = 200
_WIDTH, _HEIGHT, _MARK = 1000, 80, 4


def timeline_card(deployment: Deployment) -> list[Card]:
    """Return a card; none for fewer than two snapshots."""
    columns = ("pk", "taken_at", "rows", "new_bytes", "state", "pinned")
    rows = list(deployment.snapshots.values(*columns)[:SHOWN])[::-1]
    if len(rows) < 2:
        return []
    first, last = rows[0]["taken_at"], rows[-1]["taken_at"]
    caption = (
        f"{len(rows)} snapshots from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
        f"from {html.number(rows[0]['rows'])} to {html.number(rows[-1]['rows'])} rows"
    )
    context = {"figures": [("", _drawing(rows, caption), caption)]}
    note = "A mark for each snapshot, as high as its number of rows; the bar inside shows how much was new to store."
    return [Card("History", template="admin/exports/how.html", context=context, footnote=note)]


def _drawing(rows: list[dict], caption: str) -> SafeString:
    most_rows, most_bytes = (max(row[name] for row in rows) or 1 for name in ("rows", "new_bytes"))
    span = (rows[-1]["taken_at"] - rows[0]["taken_at"]).total_seconds() or 1
    marks, before = [], None
    for row in rows:
        x = round((_WIDTH - _MARK) * _since(rows[0]["taken_at"], row["taken_at"]) / span, 1)
        tall, new = (
            max(1.0, round(_HEIGHT * row[n] / m, 1)) for n, m in (("rows", most_rows), ("new_bytes", most_bytes))
        )
        colour = "suspect" if row["state"] == Snapshot.State.SUSPECT else "rows"
        url = html.change_url(Snapshot, row["pk"])
        marks.append((url, _words(row, before), colour, x, _HEIGHT - tall, _MARK, tall, x, _HEIGHT - new, _MARK, new))
        before = row
    inside = format_html_join("", (
        '<a href="{}" tabindex="-1"><title>{}</title><rect class="psd-mark-{}" x="{}" y="{}" width="{}" height="{}"/>'
        '<rect class="psd-bar" x="{}" y="{}" width="{}" height="{}"/></a>'
    ), marks)  # fmt: skip
    return format_html(
        '<svg class="psd-chart psd-history" viewBox="0 0 {} {}" preserveAspectRatio="none" role="group" '
        'aria-label="{}">{}</svg>',
        _WIDTH, _HEIGHT, caption, inside,
    )  # fmt: skip


def _since(start: datetime, moment: datetime) -> float:
    return (moment - start).total_seconds()


def _words(row: dict, before: dict | None) -> str:
    more = "" if before is None else f" ({row['rows'] - before['rows']:+,})"
    marks = [row["state"], "pinned"] if row["pinned"] else [row["state"]]
    return (
        f"snapshot {row['pk']}, {row['taken_at']:%Y-%m-%d %H:%M:%S} UTC, {', '.join(marks)}: "
        f"{html.number(row['rows'])} rows{more}, {html.size(row['new_bytes'])} new"
    )
