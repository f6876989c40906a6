"""manifest.json: what an archive holds and where it comes from. Same snapshot and same options: same bytes."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from exports.models import Snapshot
from psynetdata.anonymize.rows.dates import without_launch
from psynetdata.psynet import times

from .options import ANONYMOUS, ExportOptions
from .tree.members import Member

NAME = "manifest.json"
VERSION = 1


def manifest(mode: str, snapshot: Snapshot, options: ExportOptions, members: Iterable[Member], **more) -> dict:
    """Build the manifest. `more`: missing assets, notes, policy. It names no source address and no other mode."""
    deployment = snapshot.deployment
    hides_dates = mode == ANONYMOUS and options.shift_dates
    deployment_id = without_launch(deployment.deployment_id) if hides_dates else deployment.deployment_id
    return {
        "format": "psynetdata export",
        "format_version": VERSION,
        "mode": mode,
        "deployment": {"deployment_id": deployment_id, "label": deployment.label},
        "snapshot": {"id": snapshot.id, "taken_at": times.to_iso(moment(mode, snapshot, options))},
        "versions": {
            "psynet": snapshot.psynet_version or deployment.psynet_version or None,
            "dallinger": snapshot.dallinger_version or deployment.dallinger_version or None,
            "python": snapshot.python_version or deployment.python_version or None,
        },
        "clock": {"minutes_ahead_of_utc": deployment.clock_offset, "read_as": deployment.clock},
        "options": options.recorded(mode),
        "tables": {table: entry["rows"] for table, entry in sorted(snapshot.tables.items())},
        **more,
        "files": [member.to_json() for member in sorted(members, key=lambda member: member.name)],
    }


def moment(mode: str, snapshot: Snapshot, options: ExportOptions) -> datetime:
    """Return the time that an archive gives for its snapshot and its members: the year only if dates are shifted."""
    if mode == ANONYMOUS and options.shift_dates:
        return datetime(snapshot.taken_at.year, 1, 1, tzinfo=UTC)
    return snapshot.taken_at


def merged(regular: dict, anonymous: dict) -> dict:
    """Return the manifest of a folder that holds both trees."""
    files = sorted([*regular["files"], *anonymous["files"]], key=lambda file: file["path"])
    by_mode = {key: {"regular": regular[key], "anonymous": anonymous[key]} for key in ("options", "assets", "notes")}
    return {**regular, "mode": "both", **by_mode, "anonymization": anonymous["anonymization"], "files": files}


def to_bytes(content: dict) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")


def without_asset_files(content: dict) -> dict:
    """Return the part to keep in a database row: thousands of asset files stay in the archive's own manifest."""
    kept = [file for file in content["files"] if "/assets/" not in file["path"]]
    return {**content, "files": kept, "asset_files": len(content["files"]) - len(kept)}
