"""Search a finished archive, in several processes."""

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from psynetdata.infra import processes as spread
from psynetdata.psynet.problems import NotFound

from .archive.members import MemberSearch
from .archive.work_units import OpenZips, ScanPlan, WorkUnit, tasks
from .needles.needle import Needles
from .report import Finding, ScanReport, Tally, inventory
from .search.cells import NAMED, NUMBERS
from .search.matcher import Matcher
from .second_check.sightings import SecondCheck, listed

__all__ = ["Finding", "ScanReport", "scan"]


def scan(
    path: Path,
    needles: Needles,
    *,
    accounts: Collection[str] = (),
    second: SecondCheck | None = None,
    progress: Callable[[int], None] | None = None,
    engine: str | None = None,
    processes: int | None = None,
    scratch: Path | None = None,
) -> ScanReport:
    """Search a zip file, any other file, or a folder for every needle in every form.

    `accounts`: members of a zip in which the exporter itself reports what it did. In them a small number under a name
    such as `worker_id` is a count and identifies nobody; everything else is looked for there as elsewhere. `second`:
    the check without exemptions, made of the same bytes; what it does not allow is a finding. `progress` is called
    often, in this process, with the bytes searched so far (uncompressed); it may raise to stop the scan.
    `engine` is `hyperscan` or `ahocorasick`; by default the first that is installed. `processes`: by default the
    machine's cores. Zips within zips are unpacked in a separate folder in `scratch`. A damaged, encrypted or unknown
    compressed member is a finding of kind `unreadable`, and never skipped. Raises NotFound if there is nothing at
    `path`, UsageError if no engine is installed.
    """
    path = Path(path)
    if not path.exists():
        raise NotFound("There is nothing to scan: the archive's file or folder does not exist.")
    matcher = Matcher(needles, engine)
    with TemporaryDirectory(dir=scratch, prefix="scan-") as folder:
        plan = ScanPlan(matcher, accounts, Path(folder), second)
        if path.is_dir():
            plan.folder(path)
        else:
            plan.begin(path.stat().st_size)
            plan.file(path, path.name, "archive")
        _search(plan, _Context(matcher, accounts, second, progress), processes or spread.cores())
    looked_for, only_named = inventory(matcher)
    return ScanReport(
        method=matcher.method,
        findings=plan.tally.findings(),
        bytes_scanned=plan.tally.bytes,
        members=plan.tally.members,
        looked_for=looked_for,
        only_named=only_named,
        set_aside=dict(needles.set_aside),
        not_searched=plan.tally.not_searched(),
        second_check=second.to_json() | {"seen": listed(plan.tally.sightings)} if second else {},
    )


class _Context:
    """What every process of a scan has: the compiled needles, shared by forking, and its own open zips."""

    def __init__(
        self,
        matcher: Matcher,
        accounts: Collection[str],
        second: SecondCheck | None,
        progress: Callable[[int], None] | None,
    ):
        self.matcher = matcher
        self.accounts = accounts
        self.second = second
        self.open_zips = OpenZips()
        self.searched = 0
        self._progress = progress
        self._process = os.getpid()

    def report_progress(self, more: int = 0) -> None:
        if self._progress and os.getpid() == self._process:
            self._progress(self.searched + more)


def _search(plan: ScanPlan, context: _Context, processes: int) -> None:
    """Search what is planned; findings go to the plan's tally."""
    tally, units = plan.tally, plan.units
    context.searched = tally.bytes
    tables = [piece for piece in units if piece.is_csv and context.matcher.needs_rows]
    first = [*units, *(replace(piece, rows=NAMED) for piece in tables)]
    work = tasks(first, processes)
    # Tables with numbers are checked again if the search found a number that could identify somebody.
    with spread.pool(min(processes, len(work)), context, check_cancelled=context.report_progress) as pool:
        try:
            numbers = set()
            for tally_of_task, lone in pool.each(_run_task, work):
                tally.merge(tally_of_task)
                numbers |= lone
                context.searched = tally.bytes
                context.report_progress()
            again = [replace(p, rows=NUMBERS) for p in tables if (p.path, p.member) in numbers]
            for tally_of_task, _ in pool.each(_run_task, tasks(again, processes)):
                tally.merge(tally_of_task)
        finally:
            context.open_zips.close()


def _run_task(context: _Context, task: tuple[WorkUnit, ...]) -> tuple[Tally, set[tuple[Path, int | None]]]:
    """Do a task. Return the findings, and the files and members that hold a number by itself."""
    search = MemberSearch(context.matcher, context.report_progress, context.accounts, context.second)
    lone = set()
    for unit in task:
        context.matcher.lone_numbers = False
        with search.readable(unit.shown), context.open_zips.content(unit) as stream:
            search.begin(unit.bytes)
            if unit.rows:
                search.rows(stream, unit.shown, unit.rows)
            elif unit.packed:
                search.member(stream, unit.name, unit.shown, unit.depth)
            else:
                search.tally.members += not unit.start
                search.byte_range(
                    stream,
                    unit.name,
                    unit.shown,
                    kind=unit.kind,
                    depth=unit.depth,
                    start=unit.start,
                    end=unit.end,
                )
        if context.matcher.lone_numbers:
            lone.add((unit.path, unit.member))
    return search.tally, lone
