"""What changed from one snapshot to the next, row by row: computed on request, and cached, as it does not change."""

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from exports.clearance.shown_names import ShownNames
from exports.history.diff import TableDiff, diff, to_read
from exports.models import Snapshot
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import row_or_404
from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.admin.pages.table_names import name_of
from psynetdata.psynet.problems import Problem

from .count_diff import neighbour

PAGE = "exports_snapshot_changed"
MOST = 400_000  # rows that are read while somebody waits
_KEEP = 7 * 24 * 3600
_PART = "part"  # the parameter that requests only the lines


def address(row: Snapshot) -> str:
    return reverse(f"admin:{PAGE}", args=(row.pk,))


def unfolds(row: Snapshot, before: Snapshot | None, line: str) -> str | SafeString:
    """Return the line of counts, which opens to show the changed rows; without JavaScript it links to their page."""
    if before is None or line == "nothing":
        return line
    return format_html(
        '<details class="psd-unfolds" data-unfold-url="{0}?{1}"><summary>{2}</summary>'
        '<div aria-live="polite"><a class="psd-link" href="{0}">row by row</a></div></details>',
        address(row), _PART, line,
    )  # fmt: skip


def page(model_admin, request: HttpRequest, number: int) -> HttpResponse:
    row = row_or_404(model_admin, request, number)
    if not model_admin.has_view_permission(request, row):
        raise PermissionDenied
    before = neighbour(row, "lt")
    changed, why = _changed(before, row) if before else ([], "It is the first snapshot of this deployment.")
    names = ShownNames(shown_face(request), row.deployment)
    changed = [one.named(names) for one in changed]
    if _PART in request.GET:
        return HttpResponse(_lines(changed, why))
    card = _card(before, changed, why)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"What changed: {row}",
        "opts": model_admin.opts,
        "original": row,
        "cards": [card],
        "back_url": html.change_url(Snapshot, row.pk),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/exports/changed.html", context)


def _changed(before: Snapshot, after: Snapshot) -> tuple[list[TableDiff], str]:
    """Return (tables that differ, why they are not shown)."""
    name = f"changed-{before.pk}-{after.pk}"
    kept = cache.get(name)
    if kept is not None:
        return [TableDiff(**one) for one in kept], ""
    try:
        rows = to_read(before, after)
        if rows > MOST:
            way = f"“manage.py snapshot diff {before.pk} {after.pk}” reads them"
            return [], f"{html.number(rows)} rows would have to be read, too many for a page; {way}."
        changed = [one for one in diff(before, after) if not one.same]
    except Problem as problem:
        return [], problem.sentence
    cache.set(name, [one.to_json() for one in changed], _KEEP)
    return changed, ""


def _card(before: Snapshot | None, changed: list[TableDiff], why: str) -> Card:
    if not changed:
        return Card("Row by row", note=why or f"Nothing: each table holds exactly the same rows as in {before}.")
    rows = [
        (one.table, *(html.number(getattr(one, kind)) for kind in ("added", "changed", "removed")), _remarks(one))
        for one in changed
    ]
    headers = ("table", "added", "changed", "removed", "and")
    if not any(row[-1] for row in rows):
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    return Card(f"Row by row, since {before}", headers=headers, rows=rows)


def _lines(changed: list[TableDiff], why: str) -> str | SafeString:
    """Return lines like `trials: 12 added, 3 changed`."""
    if not changed:
        return format_html("<p>{}</p>", why or "No row differs.")
    pairs = ((name_of(one.table), _counts(one)) for one in changed)
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", pairs))


def _counts(one: TableDiff) -> str:
    counts = [f"{html.number(n)} {kind}" for kind in ("added", "changed", "removed") if (n := getattr(one, kind))]
    return ", ".join([*counts, *filter(None, [_remarks(one)])])


def _remarks(one: TableDiff) -> str:
    remarks = ["new table"] if one.before is None else ["table gone"] if one.after is None else []
    remarks += [f"new columns {', '.join(one.columns_added)}"] if one.columns_added else []
    remarks += [f"columns gone {', '.join(one.columns_removed)}"] if one.columns_removed else []
    remarks += [f"column {name} was {old} and is {new}" for name, (old, new) in one.retyped.items()]
    return "; ".join(remarks)
