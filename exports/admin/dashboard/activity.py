"""Parts of the first page: a card for each running deployment, and exports in progress."""

from collections.abc import Iterable

from django.db.models import Count, Sum
from django.utils import timezone

from exports.admin.deployment import progress
from exports.admin.watch.watch_summary import age_of, rows_in
from exports.models import CheckedPart, ExportArchive, SecondCopy, Snapshot, StoredAsset
from exports.store.second_copy.place import is_configured
from exports.watch.disks import disks
from exports.watch.storage_alarms import oldest_check
from psynetdata.admin.job import progress_of
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.visibility import only
from psynetdata.models import Deployment, Job, Participant, Trial

MOST_EXPORTS = 10


def deployment_card(row: Deployment, stored: int) -> Card:
    """`row` is from `watch_summary.with_newest`, with its summary loaded; `stored`: bytes of its snapshots."""
    summary = getattr(row, "summary", None)
    context = {
        "alarms": [html.badge(incident.get_kind_display(), "danger") for incident in row.incidents_open],
        "url": html.change_url(Deployment, row.pk),
        "name": str(row),
        "age": age_of(row),
        "participants": html.list_url(Participant, deployment=row.number),
        "trials": html.list_url(Trial, deployment=row.number),
        "trial_count": rows_in(row.newest, "info"),
        "stored": html.size(stored),
    }
    if summary:
        chart, caption = progress.trials_by_hour(summary, timezone.now())
        context |= {"shares": progress.shares(summary), "people": progress.in_words(summary)}
        context |= {"chart": chart, "told": caption}
    else:
        context["people"] = f"{rows_in(row.newest, 'participant')} participants"
    return Card("", template="admin/exports/running.html", context=context)


def stored_bytes(rows: Iterable[Deployment]) -> dict[int, int]:
    """Return {number: bytes that the kept snapshots added to the storage}."""
    kept = Snapshot.objects.filter(deployment__in=[row.pk for row in rows]).order_by().values("deployment_id")
    return {one["deployment_id"]: one["stored"] for one in kept.annotate(stored=Sum("new_bytes"))}


def running_exports(exports) -> Card | None:
    """Return a card of unfinished exports, each with its progress bar; None if there are none."""
    active = exports.filter(job__state__in=Job.ACTIVE).select_related("job", "deployment", "owner")
    rows = [
        {"link": html.to_object(export), "of": html.to_object(export.deployment), "progress": progress_of(export.job)}
        for export in active[:MOST_EXPORTS]
    ]
    return Card("Exports at work", template="admin/exports/at_work.html", context={"rows": rows}) if rows else None


def storage_card(request) -> Card:
    """Return a card with what is stored, and how much room is left."""
    snapshots = only(request, Snapshot.objects.all()).aggregate(count=Count("pk"), bytes=Sum("new_bytes"))
    archives = only(request, ExportArchive.objects.all(), "export__deployment")
    archives = archives.aggregate(count=Count("pk"), bytes=Sum("bytes"))
    files = only(request, StoredAsset.objects.all()).aggregate(count=Count("pk"), bytes=Sum("bytes"))
    facts = [
        (name, f"{html.size(found['bytes'] or 0)} in {html.number(found['count'])}")
        for name, found in (("snapshots", snapshots), ("exports", archives), ("asset files", files))
    ]
    facts += [(f"disk of {disk.label}", disk.free_space) for disk in disks()]
    facts += [("oldest check", _oldest_check()), *_second_copy()]
    return Card("Storage", facts=facts)


def _oldest_check():
    """Return how long ago the stored data that was checked longest ago was compared with its hashes."""
    if CheckedPart.objects.filter(checked_at=None).exists():
        return "not all data was checked yet"
    at = oldest_check()
    return html.age(at) if at else html.EMPTY


def _second_copy() -> list[tuple]:
    row = SecondCopy.objects.first() if is_configured() else None
    if row is None:
        return []
    if row.waiting_files or row.complete_at is None:
        return [("second copy", f"{html.number(row.waiting_files)} files ({html.size(row.waiting_bytes)}) wait")]
    return [("second copy", html.joined(["complete", html.age(row.complete_at)]))]
