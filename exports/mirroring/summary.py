"""The numbers that pages show of a deployment: counted in the mirror, segment by segment, once for each snapshot.

A segment's numbers are stored under the hash of its rows, so the cost depends on the change (law 6): in a minute in
which one segment of a million trials got new rows, only that one is counted.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncHour

from exports.models import SegmentTally, Snapshot, Summary
from exports.store.blobs import Segment
from exports.store.reader import SnapshotReader
from psynetdata.faces import IDENTIFIED, reading
from psynetdata.models import TYPED_MODELS, Asset, MirroredTable, MirrorModel, Participant, Trial
from psynetdata.psynet.asset_kinds import EXPERIMENT, origin

LAST_DAY = timedelta(hours=24)
TENTHS = 10
_MB = 1024 * 1024
_CODE = 1  # increase it when something else is counted, or counted differently
Named = tuple[str, str]  # (table, name of a segment's tally)


def summarize(snapshot: Snapshot) -> Summary | None:
    """Count new segments and save the sum. Return None and save nothing if the mirror now shows another snapshot."""
    reader, number = SnapshotReader(snapshot), snapshot.deployment_id
    states = {table: reader.table_state(table) for table in TYPED_MODELS if table in snapshot.tables}
    named = {
        (table, _name(segment, snapshot.deployment.clock)): segment
        for table, state in states.items()
        for segment in state.segments
    }
    kept = {(row.table, row.name): row for row in SegmentTally.objects.filter(deployment=number)}
    with reading(IDENTIFIED):
        if not _shows(snapshot, states):
            return None
        since = snapshot.taken_at - LAST_DAY
        counted = {
            (table, name): _count_segment(TYPED_MODELS[table], segment, states[table].cut, number, since)
            for (table, name), segment in named.items()
            if (table, name) not in kept
        }
    fields = _summary_fields({name: counted[name] if name in counted else kept[name].counts for name in sorted(named)})
    gone = [row.pk for name, row in kept.items() if name not in named]
    tallies = [SegmentTally(deployment_id=number, table=t, name=n, counts=found) for (t, n), found in counted.items()]
    with transaction.atomic():
        SegmentTally.objects.filter(pk__in=gone).delete()
        SegmentTally.objects.bulk_create(tallies, ignore_conflicts=True)
        fields |= {"snapshot_number": snapshot.pk, "taken_at": snapshot.taken_at}
        return Summary.objects.update_or_create(deployment_id=number, defaults=fields)[0]


def _shows(snapshot: Snapshot, states: Iterable[str]) -> bool:
    rows = MirroredTable.objects.using(IDENTIFIED).filter(deployment_number=snapshot.deployment_id)
    shown = dict(rows.values_list("table", "state"))
    return all(shown.get(table) == snapshot.tables[table]["state"] for table in states)


def _name(segment: Segment, clock: int) -> str:
    """Return a name made from all that the counts depend on: the rows, the clock of their times, and the code."""
    return hashlib.sha256(f"{_CODE} {clock} {segment.sha256}".encode()).hexdigest()


def _count_segment(model: type[MirrorModel], segment: Segment, cut: int | None, number: int, since: datetime) -> dict:
    is_cut = cut is not None and segment.range is not None
    ids = (segment.range << cut, (segment.range + 1) << cut) if is_cut else None
    return _count(model, _rows(model, number, ids), since)


def _rows(model: type[MirrorModel], number: int, ids: tuple[int, int] | None) -> QuerySet:
    """Select rows by the key, which has an index."""
    first, end = (
        (model.make_key(number, one) for one in ids) if ids else (model.make_key(n, 0) for n in (number, number + 1))
    )
    return model._default_manager.using(IDENTIFIED).filter(key__gte=first, key__lt=end).order_by()


def _count(model: type[MirrorModel], rows: QuerySet, since: datetime) -> dict:
    """Return {"classes": {class: [rows, failed]}} and the other counts of the table, as JSON."""
    fails = any(field.name == "failed" for field in model._meta.concrete_fields)
    failed = Count("key", filter=Q(failed=True)) if fails else Count("key", filter=Q(pk__in=()))
    classes = rows.values("class_name").annotate(rows=Count("key"), failed=failed)
    counts: dict[str, Any] = {"classes": {one["class_name"]: [one["rows"], one["failed"]] for one in classes}}
    if model is Trial:
        counts["by_hour"] = _by_hour(rows.filter(creation_time__gte=since))
    elif model is Participant:
        counts |= _participant_counts(rows)
    elif model is Asset:
        counts["assets"] = _asset_counts(rows)
    return counts


def _by_hour(rows: QuerySet) -> dict[str, int]:
    hours = rows.annotate(hour=TruncHour("creation_time", tzinfo=UTC)).values_list("hour").annotate(rows=Count("key"))
    return {hour.isoformat(): count for hour, count in hours}


def _participant_counts(rows: QuerySet) -> dict:
    """Count participants by outcome; `seconds` is {whole seconds from beginning to end: how many took so long}."""
    states, progress, seconds = Counter(), Counter(), Counter()
    columns = ("failed", "complete", "status", "progress", "creation_time", "end_time")
    for failed, complete, status, share, began, ended in rows.values_list(*columns):
        state = _state(failed, complete, status)
        states[state] += 1
        progress[min(TENTHS - 1, max(0, int((share or 0) * TENTHS)))] += 1
        if state == "finished" and began and ended:
            seconds[max(0, round((ended - began).total_seconds()))] += 1
    return {"states": states, "progress": progress, "seconds": seconds}


def _state(failed: bool | None, complete: bool | None, status: str | None) -> str:
    """Return one state for each participant: one that is marked as failed counts as failed, whatever else is set."""
    if failed:
        return "failed"
    if complete:
        return "finished"
    return "working" if status == "working" else "left"


def _asset_counts(rows: QuerySet) -> dict:
    """Return {kind of origin: {personal or not: [files, bytes]}}, according to the rows."""
    counts_by_kind: dict[str, dict[str, list[int]]] = {}
    for one in rows.values("type", "host_path", "url", "deposited", "personal", "size_mb"):
        row = {"type": one["type"], "host_path": one["host_path"], "url": one["url"]}
        kind = (
            EXPERIMENT
            if origin(row | {"deposited": "f" if one["deposited"] is False else "t"}) == EXPERIMENT
            else "other"
        )
        entry = counts_by_kind.setdefault(kind, {}).setdefault("personal" if one["personal"] else "public", [0, 0])
        entry[0] += 1
        entry[1] += round((one["size_mb"] or 0) * _MB)
    return counts_by_kind


def _summary_fields(tallies: dict[Named, dict]) -> dict:
    """Return the fields of a Summary: the sum of all segments' tallies."""
    classes: dict[tuple[str, str], list[int]] = {}
    states, progress, seconds, hours = Counter(), Counter(), Counter(), Counter()
    assets: dict[str, dict[str, list[int]]] = {}
    for (table, _), tally in tallies.items():
        for name, counts in tally["classes"].items():
            _add(classes.setdefault((table, name), [0, 0]), counts)
        states.update(tally.get("states", {}))
        progress.update({int(tenth): count for tenth, count in tally.get("progress", {}).items()})
        seconds.update({int(length): count for length, count in tally.get("seconds", {}).items()})
        hours.update(tally.get("by_hour", {}))
        for kind, sides in tally.get("assets", {}).items():
            for side, counts in sides.items():
                _add(assets.setdefault(kind, {}).setdefault(side, [0, 0]), counts)
    return {
        "classes": [[table, name, *counts] for (table, name), counts in sorted(classes.items())],
        "participants": dict(states),
        "progress": [progress[tenth] for tenth in range(TENTHS)],
        "median_seconds": _median(seconds),
        "by_hour": dict(sorted(hours.items())),
        "assets": assets,
    }


def _add(sums: list[int], counts: list[int]) -> None:
    sums[:] = [one + other for one, other in zip(sums, counts, strict=True)]


def _median(counts: Counter[int]) -> float | None:
    """Return the median of values given as {value: count}: the mean of the middle two if their number is even."""
    total = counts.total()
    if not total:
        return None
    middle, values, passed = {(total - 1) // 2, total // 2}, [], 0
    for value in sorted(counts):
        values += [value for place in middle if passed <= place < passed + counts[value]]
        passed += counts[value]
    return sum(values) / len(values)
