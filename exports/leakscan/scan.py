"""The search of a finished archive."""

from collections.abc import Callable, Collection
from pathlib import Path

from psynetdata.psynet.problems import NotFound

from .matcher import Matcher
from .members import Walk
from .needles import Needles
from .report import Finding, ScanReport, Tally, inventory

__all__ = ["Finding", "ScanReport", "scan"]


def scan(
    path: Path,
    needles: Needles,
    *,
    accounts: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    engine: str | None = None,
) -> ScanReport:
    """Search a zip file, any other file, or a folder for every needle in every form.

    `accounts`: members of a zip that are the exporter's own accounts of what it did. In them a small number under a
    name such as `worker_id` counts ids, and is nobody's; all else is looked for there as anywhere.
    `progress` is called with the bytes searched so far (unpacked) after each block; it may raise to stop the
    scan. `engine` is `hyperscan` or `ahocorasick`; by default the first that is installed. A damaged,
    encrypted or unknown packed member is a finding of kind `unreadable`, never passed over.
    Raises NotFound where nothing is at `path`, UsageError where no engine is installed.
    """
    path = Path(path)
    if not path.exists():
        raise NotFound("There is nothing to scan: the archive's file or folder does not exist.")
    matcher = Matcher(needles, engine)
    tally = Tally()
    walk = Walk(matcher, tally, progress, accounts)
    if path.is_dir():
        walk.folder(path)
    else:
        with path.open("rb") as stream:
            walk.member(stream, path.name, "archive")
    looked_for, only_named = inventory(matcher)
    return ScanReport(
        method=matcher.method,
        findings=tally.findings(),
        bytes_scanned=tally.bytes,
        members=tally.members,
        looked_for=looked_for,
        only_named=only_named,
        set_aside=dict(needles.set_aside),
    )
