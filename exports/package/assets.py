"""assets/ of an export: fetched once, named for each mode by the rows that leave in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from exports.assets.fetch import Fetched
from exports.assets.obtain import WORKERS, obtain
from exports.assets.plan import export_path, plan, rows_of
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem
from psynetdata.psynet.source import TableSource

from .members import Member
from .meter import Meter
from .names import Taken, safe_path
from .request import ExportOptions


@dataclass
class Assets:
    """{asset id: what came of fetching it}"""

    fetched: dict[int, Fetched] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(1 for found in self.fetched.values() if found.missing)


def fetch_all(
    source: TableSource, deployment: Deployment, options: ExportOptions, folder: Path, *, leave: Iterable[int],
    meter: Meter,
) -> Assets:  # fmt: skip
    """Have what the options ask for, without the assets in `leave`. Raises Problem for a missing one if told to."""
    assets = Assets()
    if not options.wants_assets:
        return assets
    left = frozenset(leave)
    wanted = (planned for planned in plan(rows_of(source), options.assets) if planned.id not in left)
    for planned, found in obtain(deployment, wanted, folder, n=_workers(options), look=meter.check):
        meter.advance("fetching assets")
        assets.fetched[planned.id] = found
    if options.strict_assets and assets.missing:
        reasons = sorted({found.missing for found in assets.fetched.values() if found.missing})
        raise Problem(
            f"{assets.missing} of {len(assets.fetched)} asset files are missing ({'; '.join(reasons)}); "
            "export without --strict-assets to have them listed in the manifest instead."
        )
    return assets


def members(
    assets: Assets, rows: Iterable[dict[str, str | None]], prefix: str, leave: frozenset[int]
) -> tuple[list[Member], dict]:
    """(the files below assets/, what the manifest says of them). `rows` are the mode's own; `leave` stays unnamed."""
    taken = Taken()
    found: list[Member] = []
    told: dict = {"included": 0, "missing": [], "differing": []}
    for row in rows:
        number = int(row["id"] or 0)
        if number in leave or number not in assets.fetched:
            continue
        of_row, path = assets.fetched[number], export_path(row)
        if of_row.missing:
            told["missing"].append({"id": number, "export_path": path, "reason": of_row.missing})
            continue
        told["included"] += 1
        name = ""
        for file in of_row.files:
            inside = f"/{file.inside}" if file.inside else ""
            name = taken.take(safe_path(path + inside), f"asset-{number}/{safe_path(path + inside).rpartition('/')[2]}")
            found.append(Member(f"{prefix}assets/{name}", file.path, file.bytes, file.sha256))
        if of_row.differs:
            told["differing"].append({"id": number, "path": f"{prefix}assets/{name}", "reason": of_row.differs})
    return found, told


def _workers(options: ExportOptions) -> int:
    """How many files are fetched at a time: as many as the export may have processes, where somebody said it."""
    return getattr(options, "n_parallel", None) or WORKERS
