"""Which asset files an export takes, and what they are called in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psynetdata.psynet.tables import class_name

WHICH = ("none", "experiment", "all")

# Classes that are no kin of psynet.asset.ExperimentAsset: shared by experiments, elsewhere, or made when asked for.
_CACHED = {"CachedAsset", "CachedFunctionAsset"}
_EXTERNAL = {"ExternalAsset", "ExternalS3Asset"}
_ON_DEMAND = {"OnDemandAsset"}
_MD5 = re.compile(r"[0-9a-f]{32}")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True)
class PlannedAsset:
    """A row of `asset` whose file is wanted. `host_path` is relative to where assets live, None: there is no file."""

    id: int
    host_path: str | None
    export_path: str
    md5: str | None
    why_none: str = ""


def plan(rows: Iterable[dict[str, str | None]], which: str) -> Iterator[PlannedAsset]:
    """The assets that `which` (one of WHICH) means, in the order of the rows, which are dictionaries by column name.

    `experiment` is what the experiment made: psynet.asset.ExperimentAsset and its kin, such as Recording.
    """
    if which == "none":
        return
    for row in rows:
        origin = _origin(row)
        if which == "experiment" and origin != "experiment":
            continue
        md5 = row.get("md5_contents") or ""
        yield PlannedAsset(
            id=int(row["id"] or 0),
            host_path=row.get("host_path") or None,
            export_path=export_path(row),
            md5=md5 if _MD5.fullmatch(md5) and row.get("is_folder") != "t" else None,
            why_none="" if row.get("host_path") else _WHY_NONE.get(origin, "its row names no file"),
        )


def export_path(row: dict[str, str | None]) -> str:
    """Where PsyNet puts the file below `assets/`; `asset-<id>` where the row does not tell, or may not."""
    extension = row.get("extension") or ""
    return row.get("export_path") or f"asset-{row['id']}{extension if _EXTENSION.fullmatch(extension) else ''}"


_WHY_NONE = {
    "on demand": "it is made by the experiment's code when it is asked for; no file is kept",
    "external": "it lives at an address of its own, outside the experiment",
}


def _origin(row: dict[str, str | None]) -> str:
    """`experiment`, `cached`, `external` or `on demand`: by class where PsyNet's, else by what the row shows."""
    name = class_name("asset", row.get("type"))
    path = row.get("host_path") or ""
    if name in _CACHED or path.startswith("cached/"):
        return "cached"
    if name in _EXTERNAL or row.get("s3_key"):
        return "external"
    if name in _ON_DEMAND or (row.get("secret") and not path):
        return "on demand"
    if not path:
        return (
            "external"
            if "://" in (row.get("url") or "")
            else "experiment"
            if row.get("deposited") == "f"
            else "on demand"
        )
    return "experiment"
