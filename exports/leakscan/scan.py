"""Search a finished archive, in several processes."""

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from psynetdata.infra import processes as spread
from psynetdata.psynet.problems import NotFound

from .archive.members import Walk
from .archive.work_units import Piece, Plan, Shelf, tasks
from .needles.needle import Needles
from .report import Finding, ScanReport, Tally, inventory
from .search.cells import NAMED, NUMBERS
from .search.matcher import Matcher

__all__ = ["Finding", "ScanReport", "scan"]


def scan(
    path: Path,
    needles: Needles,
    *,
    accounts: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    engine: str | None = None,
    processes: int | None = None,
    scratch: Path | None = None,
) -> ScanReport:
    """Search a zip file, any other file, or a folder for every needle in every form.

    `accounts`: members of a zip in which the exporter itself reports what it did. In them a small number under a name
    such as `worker_id` is a count and identifies nobody; everything else is looked for there as elsewhere. `progress`
    is called often, in this process, with the bytes searched so far (uncompressed); it may raise to stop the scan.
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
        plan = Plan(matcher, accounts, Path(folder))
        if path.is_dir():
            plan.folder(path)
        else:
            plan.file(path, path.name, "archive")
        _search(plan, _Context(matcher, accounts, progress), processes or spread.cores())
    looked_for, only_named = inventory(matcher)
    return ScanReport(
        method=matcher.method,
        findings=plan.tally.findings(),
        bytes_scanned=plan.tally.bytes,
        members=plan.tally.members,
        looked_for=looked_for,
        only_named=only_named,
        set_aside=dict(needles.set_aside),
    )


class _Context:
    """What every process of a scan has: the compiled needles, shared by forking, and its own open zips."""

    def __init__(self, matcher: Matcher, accounts: Collection[str], progress: Callable[[int], None] | None):
        self.matcher = matcher
        self.accounts = accounts
        self.shelf = Shelf()
        self.searched = 0
        self._progress = progress
        self._process = os.getpid()

    def look(self, more: int = 0) -> None:
        if self._progress and os.getpid() == self._process:
            self._progress(self.searched + more)


def _search(plan: Plan, context: _Context, processes: int) -> None:
    """Search what is planned; findings go to the plan's tally."""
    tally, pieces = plan.tally, plan.pieces
    context.searched = tally.bytes
    tables = [piece for piece in pieces if piece.is_csv and context.matcher.needs_rows]
    first = [*pieces, *(replace(piece, rows=NAMED) for piece in tables)]
    work = tasks(first, processes)
    # Tables with numbers are checked again if the search found a number that could identify somebody.
    with spread.pool(min(processes, len(work)), context, look=context.look) as pool:
        try:
            numbers = set()
            for found, lone in pool.each(_searched, work):
                tally.merge(found)
                numbers |= lone
                context.searched = tally.bytes
                context.look()
            again = [replace(p, rows=NUMBERS) for p in tables if (p.path, p.member) in numbers]
            for found, _ in pool.each(_searched, tasks(again, processes)):
                tally.merge(found)
        finally:
            context.shelf.close()


def _searched(context: _Context, task: tuple[Piece, ...]) -> tuple[Tally, set[tuple[Path, int | None]]]:
    """Do a task. Return the findings, and the files and members that hold a number by itself."""
    walk = Walk(context.matcher, context.look, context.accounts)
    lone = set()
    for piece in task:
        context.matcher.lone_numbers = False
        with walk.readable(piece.shown), context.shelf.content(piece) as stream:
            if piece.rows:
                walk.rows(stream, piece.shown, piece.rows)
            elif piece.packed:
                walk.member(stream, piece.name, piece.shown, piece.depth)
            else:
                walk.tally.members += not piece.start
                walk.part(stream, piece.name, piece.shown, piece.start, piece.end)
        if context.matcher.lone_numbers:
            lone.add((piece.path, piece.member))
    return walk.tally, lone
