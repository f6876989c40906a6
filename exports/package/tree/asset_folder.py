"""assets/ of an export: fetched once, and named in each mode by the rows that this mode exports."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from exports.assets.fetch import FetchedAsset
from exports.assets.plan import PlannedAsset, export_path, plan, rows_of
from exports.assets.retrieval import WORKERS, obtain
from exports.package.progress_meter import ProgressMeter
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Damaged, Problem
from psynetdata.psynet.table_source import TableSource

from . import media_metadata
from .file_names import UsedNames, safe_path
from .members import Member, hashed


@dataclass
class FetchedAssets:
    """{asset id: the result of fetching it}"""

    fetched: dict[int, FetchedAsset] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(1 for asset in self.fetched.values() if asset.missing)


def fetch_all(
    source: TableSource, deployment: Deployment, which: str, folder: Path, *, strict: bool, n: int | None,
    leave: Iterable[int], meter: ProgressMeter, units: int,
) -> FetchedAssets:  # fmt: skip
    """Fetch the assets that `which` (exports.assets.plan) includes, except those in `leave`; `n` at the same time.

    `units`: how many units of the meter this is worth. Raises Problem for a missing one if `strict`.
    """
    assets = FetchedAssets()
    left = frozenset(leave)

    def wanted() -> Iterator[PlannedAsset]:
        return (planned for planned in plan(rows_of(source), which) if planned.id not in left)

    meter.begin("fetching assets", units, files=sum(1 for _ in wanted()))
    for planned, fetched in obtain(deployment, wanted(), folder, n=n or WORKERS, check_cancelled=meter.check):
        meter.advance(files=1)
        assets.fetched[planned.id] = fetched
    if strict and assets.missing:
        reasons = sorted({found.missing for found in assets.fetched.values() if found.missing})
        raise Problem(
            f"{assets.missing} of {len(assets.fetched)} asset files are missing ({'; '.join(reasons)}); "
            "export without --strict-assets to have them listed in the manifest instead."
        )
    return assets


def members(
    assets: FetchedAssets,
    rows: Iterable[dict[str, str | None]],
    prefix: str,
    leave: frozenset[int],
    *,
    clean: "Clean | None" = None,
) -> tuple[list[Member], dict]:
    """Return (the files below assets/, what the manifest says of them). `rows` are the mode's; `leave` is left out.

    `clean` removes the metadata from files that participants made.
    """
    taken = UsedNames()
    files: list[Member] = []
    entries: dict = {"included": 0, "missing": [], "differing": []}
    for row in rows:
        number = int(row["id"] or 0)
        if number in leave or number not in assets.fetched:
            continue
        of_row, path = assets.fetched[number], export_path(row)
        if clean is not None and clean.concerns(row):
            of_row = clean.cleaned(number, of_row)
        if of_row.missing:
            entries["missing"].append({"id": number, "export_path": path, "reason": of_row.missing})
            continue
        entries["included"] += 1
        name = ""
        for file in of_row.files:
            inside = f"/{file.inside}" if file.inside else ""
            name = taken.claim(
                safe_path(path + inside), f"asset-{number}/{safe_path(path + inside).rpartition('/')[2]}"
            )
            files.append(Member(f"{prefix}assets/{name}", file.path, file.bytes, file.sha256))
        if of_row.differs:
            entries["differing"].append({"id": number, "path": f"{prefix}assets/{name}", "reason": of_row.differs})
    return files, entries


@dataclass
class Clean:
    """For an anonymous archive: files that participants made are exported without metadata, from copies in `folder`.

    `made_nodes`: ids of nodes that were made from participants' answers.
    """

    folder: Path
    made_nodes: Container[str]

    def concerns(self, row: dict[str, str | None]) -> bool:
        return bool(row.get("trial_id") or row.get("participant_id") or row.get("node_id") in self.made_nodes)

    def cleaned(self, number: int, fetched: FetchedAsset) -> FetchedAsset:
        """Return the files without metadata, with their new hashes; a file that cannot be read counts as missing."""
        files, formats = [], set()
        for place, file in enumerate(fetched.files):
            to = self.folder / str(number) / str(place)
            try:
                formats.add(format_ := media_metadata.strip(file.path, to))
            except Damaged as problem:
                return FetchedAsset(missing=f"its metadata cannot be removed: {problem.sentence}")
            if format_:
                size, sha256 = hashed(to)
                file = replace(file, path=to, bytes=size, sha256=sha256)
            files.append(file)
        notes = [fetched.differs]
        if known := sorted(formats - {""}):
            notes.append(f"metadata was removed ({', '.join(known)})")
        if "" in formats:
            notes.append("of a kind that is not searched for metadata")
        return replace(fetched, files=tuple(files), differs="; ".join(filter(None, notes)))
