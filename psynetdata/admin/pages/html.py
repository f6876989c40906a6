"""Small pieces of HTML for several admin pages; everything that comes from the data is escaped."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from psynetdata.psynet import jsontext

EMPTY = mark_safe('<span class="psd-quiet">–</span>')  # nosec B308  # our own text
SHORT = 80  # characters of a text in a list
TREE_LIMIT = 20_000  # characters of JSON text that are still shown as a tree
DEPTH_LIMIT = 30
OPEN_LIMIT = 12  # entries of an object or list that is expanded initially

_COLOURS = {
    "good": "success", "done": "success", "finished": "success", "clean": "success", "anonymous": "success",
    "running": "info", "regular": "warning", "identified": "warning", "paused": "warning", "suspect": "danger",
    "failed": "danger",
}  # fmt: skip


def utc(moment: datetime | None) -> str | SafeString:
    """Return a time as `2026-11-22 08:12:49 UTC`, with its fraction as a tooltip."""
    if moment is None:
        return EMPTY
    moment = moment.astimezone(timezone.get_fixed_timezone(0))
    return format_html(
        '<time class="psd-time" datetime="{}" title="{} UTC">{} UTC</time>',
        moment.isoformat(), moment.replace(tzinfo=None).isoformat(" "), moment.strftime("%Y-%m-%d %H:%M:%S"),
    )  # fmt: skip


def age(moment: datetime | None) -> str:
    """Return how long ago a moment was, in one unit: `3 minutes`, `2 days`."""
    return "–" if moment is None else duration(timezone.now() - moment)


def duration(length: timedelta) -> str:
    """Return a length of time in its largest unit, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def number(value: int | None) -> str:
    """Return a number with separators: `12,345`."""
    return "–" if value is None else f"{value:,}"


def size(count: int | None) -> str:
    """Return a readable number of bytes: `812 B`, `4.3 MB` (decimal units, as on download pages)."""
    if count is None:
        return "–"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def badge(text: str, colour: str | None = None) -> SafeString:
    """Return a coloured label; well-known words determine the default colour."""
    return format_html('<span class="psd-badge psd-{}">{}</span>', colour or _COLOURS.get(text, "neutral"), text)


def link(url: str, text: Any) -> SafeString:
    return format_html('<a class="psd-link" href="{}">{}</a>', url, text)


def change_url(model: type[models.Model], key: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=(key,))


def list_url(model: type[models.Model], **filters: Any) -> str:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def to_object(row: models.Model | None) -> str | SafeString:
    """Return a link to the page of a row of the site's own tables."""
    return EMPTY if row is None else link(change_url(type(row), row.pk), row)


def short(text: str | None) -> str | SafeString:
    """Return JSON or plain text on one line for a list; a JSON string is shown without its quotes."""
    if text is None:
        return EMPTY
    value = jsontext.read(text)
    line = " ".join((value if isinstance(value, str) else text).split())
    return format_html('<span class="psd-short">{}</span>', line if len(line) <= SHORT else f"{line[: SHORT - 1]}…")


def nowrap(text: str) -> SafeString:
    """Return text that stays on one line even in a narrow column."""
    return format_html('<span class="psd-time">{}</span>', text)


def value(content: Any) -> str | SafeString:
    """Return a column's value for a row's page: JSON as a tree, long text in a box, NULL and "" look different."""
    if content is None:
        return mark_safe('<span class="psd-quiet">NULL</span>')  # nosec B308  # our own text
    if isinstance(content, bool):
        return badge("yes" if content else "no", "success" if content else "neutral")
    if isinstance(content, datetime):
        return utc(content)
    if not isinstance(content, str):
        return str(content)
    if content == "":
        return mark_safe('<span class="psd-quiet">"" (empty)</span>')  # nosec B308  # our own text
    decoded = jsontext.decode(content)
    if isinstance(decoded, dict | list):
        return json_value(decoded, content)
    return _plain(content)


def json_value(decoded: dict | list, text: str | None = None) -> SafeString:
    """Return an expandable tree; a very large or very deep value is shown as text, so that the page stays small."""
    text = text or json.dumps(decoded, ensure_ascii=False)
    try:
        if decoded and len(text) <= TREE_LIMIT:
            return format_html('<div class="psd-tree">{}</div>', _branch(decoded, 0))
        return _box(json.dumps(decoded, indent=2, ensure_ascii=False))
    except RecursionError:
        return _box(text)


def _branch(node: Any, depth: int) -> SafeString:
    if not isinstance(node, dict | list) or not node or depth >= DEPTH_LIMIT:
        return format_html('<code class="psd-leaf">{}</code>', json.dumps(node, ensure_ascii=False))
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    lines = format_html_join(
        "", "<li><span class='psd-key'>{}</span> {}</li>", ((key, _branch(child, depth + 1)) for key, child in pairs)
    )
    what = f"{{{len(node)}}}" if isinstance(node, dict) else f"[{len(node)}]"
    opened = mark_safe(" open") if depth < 2 and len(node) <= OPEN_LIMIT else ""  # nosec B308  # our own text
    return format_html("<details{}><summary>{}</summary><ul>{}</ul></details>", opened, what, lines)


def _plain(text: str) -> str | SafeString:
    return _box(text) if "\n" in text or len(text) > 200 else text


def _box(text: str) -> SafeString:
    return format_html('<pre class="psd-box">{}</pre>', text)


def joined(pieces) -> SafeString:
    """Return pieces of HTML in one row."""
    return format_html('<span class="psd-row">{}</span>', format_html_join(" ", "{}", ((piece,) for piece in pieces)))
