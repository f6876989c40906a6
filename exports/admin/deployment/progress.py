"""How an experiment goes, from the numbers counted with its newest snapshot (exports.mirroring.summary)."""

from datetime import UTC, datetime, timedelta

from django.utils.safestring import SafeString

from exports.clearance.shown_names import ShownNames
from exports.models import Summary
from psynetdata.admin.pages import charts, html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import TYPED_MODELS

# In the order in which they are shown.
STATES = {
    "finished": "finished", "working": "at work", "left": "left before the end", "failed": "failed",
}  # fmt: skip
_HOUR = timedelta(hours=1)
_HOURS = 24


def started(summary: Summary) -> int:
    return sum(summary.participants.values())


def in_words(summary: Summary) -> str:
    """Return a text like `59 started: 29 finished, 20 at work, 10 failed`."""
    counts = [f"{html.number(count)} {STATES[state]}" for state, count in _counts(summary) if count]
    return f"{html.number(started(summary))} started" + (f": {', '.join(counts)}" if counts else "")


def shares(summary: Summary) -> SafeString:
    parts = [(STATES[state], count, state) for state, count in _counts(summary)]
    return charts.shares(parts, in_words(summary))


def rate(part: int, summary: Summary) -> str:
    """Return a text like `29 of 59 (49 %)`."""
    total = started(summary)
    share = f" ({100 * part / total:.0f} %)" if total else ""
    return f"{html.number(part)} of {html.number(total)}{share}"


def trials_by_hour(summary: Summary, now: datetime) -> tuple[SafeString, str]:
    """Return (a bar for each hour of the last day, the numbers in a sentence)."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [this - ago * _HOUR for ago in reversed(range(_HOURS))]
    counts = [(hour, summary.by_hour.get(hour.isoformat(), 0)) for hour in hours]
    total, (best, most) = sum(count for _, count in counts), max(counts, key=lambda one: one[1])
    caption = f"{html.number(total)} trials in the last 24 hours"
    if most:
        caption += f", at most {html.number(most)} an hour ({best:%H:%M} UTC)"
    values = [(f"{hour:%H:%M} UTC: {html.number(count)} trials", count) for hour, count in counts]
    return charts.bars(values, caption), caption


def by_progress(summary: Summary) -> tuple[SafeString, str]:
    """Return (a bar for each tenth of the experiment, a sentence): where participants are, or where they stopped."""
    step = 100 // max(1, len(summary.progress))
    values = [
        (f"{place * step} to {(place + 1) * step} % of the way: {html.number(count)} participants", count)
        for place, count in enumerate(summary.progress)
    ]
    caption = f"{html.number(sum(summary.progress[-1:]))} of {html.number(started(summary))} are in the last tenth"
    return charts.bars(values, f"How far participants came: {caption}"), caption


def how_it_goes(summary: Summary | None, now: datetime) -> list[Card]:
    """Return cards on participants and the last day's trials; none before the first snapshot is mirrored."""
    if summary is None:
        return []
    done, failed = (summary.participants.get(state, 0) for state in ("finished", "failed"))
    facts = [
        ("participants", in_words(summary)),
        ("completion", rate(done, summary)),
        ("drop-out", rate(summary.participants.get("left", 0), summary)),
        ("failed", rate(failed, summary)),
        ("median duration", _median(summary)),
    ]
    figures = [("trials per hour", *trials_by_hour(summary, now)), ("how far participants came", *by_progress(summary))]
    context = {"shares": shares(summary), "figures": figures}
    footnote = html.joined(["As of", html.utc(summary.taken_at)])
    return [Card("Progress", facts=facts, template="admin/exports/how.html", context=context, footnote=footnote)]


def classes_card(summary: Summary | None, names: ShownNames) -> list[Card]:
    """Return a card with the rows of each class, with links to them."""
    rows = [
        (
            _class_link(summary, table, names.name(name)),
            str(TYPED_MODELS[table]._meta.verbose_name_plural),
            html.number(count),
            html.number(failed) if failed else html.EMPTY,
        )
        for table, name, count, failed in (summary.classes if summary else ())
    ]
    return [Card("Classes", headers=("class", "among", "rows", "failed"), rows=rows)] if rows else []


def _class_link(summary: Summary, table: str, name: str) -> SafeString:
    return html.link(html.list_url(TYPED_MODELS[table], **{"deployment": summary.deployment_id, "class": name}), name)


def _median(summary: Summary) -> str:
    if summary.median_seconds is None:
        return "nobody has finished yet"
    minutes, seconds = divmod(round(summary.median_seconds), 60)
    return f"{minutes} min {seconds} s, from beginning to end, of those who finished"


def _counts(summary: Summary) -> list[tuple[str, int]]:
    return [(state, summary.participants.get(state, 0)) for state in STATES]
