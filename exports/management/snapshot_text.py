"""Snapshots and their differences, as text for people or as JSON."""

import json
from itertools import islice

from django.utils import timezone

from exports.history.diff import TableDiff
from exports.models import Snapshot
from exports.operations.prune import retention_reasons
from psynetdata.models import Deployment
from psynetdata.psynet import times

from .text_table import table

_HEADER = ["id", "deployment", "state", "taken (UTC)", "rows", "new bytes", "seconds", "kept because"]


def snapshot_list(deployments: list[Deployment], limit: int | None, *, as_json: bool) -> str:
    """Return a list of snapshots, newest first, each with the reason why it is kept."""
    now = timezone.now()
    reasons: dict[int, str | None] = {}
    for deployment in deployments:
        reasons |= retention_reasons(deployment, now)
    rows = Snapshot.objects.filter(deployment__in=deployments).select_related("deployment").order_by("-taken_at", "-pk")
    entries = [_as_json(one, reasons.get(one.pk)) for one in islice(rows.defer("tables", "sequences", "server"), limit)]
    if as_json:
        return to_text(entries)
    if not entries:
        return "There are no snapshots yet."
    return "\n".join(table(_HEADER, [[*list(one.values())[:7], one["kept"] or "goes"] for one in entries]))


def snapshot_details(snapshot: Snapshot, *, as_json: bool) -> str:
    """Return all about a snapshot; a table's `state` is the ref from which its rows are found (docs/store.md)."""
    if as_json:
        content = _as_json(snapshot, None) | {"tables": snapshot.tables, "sequences": snapshot.sequences}
        content |= {"server": snapshot.server, "reason": snapshot.reason, "damage": snapshot.damage}
        del content["kept"]
        return to_text(content)
    about = {
        "snapshot": snapshot.pk,
        "deployment": snapshot.deployment.deployment_id,
        "state": snapshot.state,
        "reason": snapshot.reason,
        "taken": times.to_iso(snapshot.taken_at),
        "from": snapshot.origin,
        "rows": snapshot.rows,
        "pinned": "yes" if snapshot.pinned else "",
        "versions": versions(snapshot),
        "server": ", ".join(f"{name} {value}" for name, value in sorted(snapshot.server.items())),
    }
    lines = [f"{name:<11} {value}" for name, value in about.items() if value != ""]
    rows = [[name, entry["rows"], entry["state"]] for name, entry in sorted(snapshot.tables.items())]
    lines += ["", *table(["table", "rows", "state"], rows)]
    if snapshot.sequences:
        lines += ["", *table(["sequence", "last"], sorted(map(list, snapshot.sequences.items())))]
    return "\n".join(lines)


def snapshot_diff(differences: list[TableDiff]) -> str:
    differing = [one for one in differences if not one.same]
    same = f"{len(differences) - len(differing)} tables are the same"
    if not differing:
        return same
    rows = [[one.table, one.before, one.after, one.added, one.changed, one.removed] for one in differing]
    lines = table(["table", "before", "after", "added", "changed", "removed"], rows)
    for one in differing:
        lines += [f"{one.table}: {remark}" for remark in _remarks(one)]
    return "\n".join([*lines, same])


def versions(snapshot: Snapshot) -> str:
    named = (("PsyNet", "psynet"), ("Dallinger", "dallinger"), ("Python", "python"))
    return ", ".join(f"{name} {getattr(snapshot, f'{field}_version') or '(not known)'}" for name, field in named)


def to_text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _as_json(snapshot: Snapshot, reason: str | None) -> dict:
    return {
        "id": snapshot.pk,
        "deployment": snapshot.deployment.deployment_id,
        "state": snapshot.state,
        "taken_at": times.to_iso(snapshot.taken_at),
        "rows": snapshot.rows,
        "new_bytes": snapshot.new_bytes,
        "seconds": snapshot.seconds,
        "pinned": snapshot.pinned,
        "kept": reason,
    }


def _remarks(one: TableDiff) -> list[str]:
    remarks = []
    if one.before is None or one.after is None:
        remarks.append("the table is new" if one.before is None else "the table is gone")
    if one.columns_added:
        remarks.append(f"new columns {', '.join(one.columns_added)}")
    if one.columns_removed:
        remarks.append(f"columns gone {', '.join(one.columns_removed)}")
    remarks += [f"column {name} was {old} and is {new}" for name, (old, new) in one.retyped.items()]
    remarks += [f"ids {kind} {', '.join(map(str, ids))}" for kind, ids in sorted(one.ids.items())]
    return remarks
