"""From an Export row to its published archives: build, verify, scan, and only then publish (laws 2, 4 and 7)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.leakscan.needles.collection import collect
from exports.leakscan.second_check.sightings import SecondCheck
from exports.ledger.collection import Ledger, complete
from exports.mirroring.mirror import MirrorSource
from exports.models import Export, ExportArchive, Snapshot
from exports.package import leak_check, manifest, participant_list
from exports.package.archive import Archive
from exports.package.options import ANONYMOUS, REGULAR, ExportOptions
from exports.package.progress_meter import ProgressMeter
from exports.package.publication import Finished, publish
from exports.package.tree import asset_folder, basic_data, table_files
from exports.package.tree.convert_worker import ConvertContext, Side
from exports.package.tree.members import Member, written
from exports.server import logs, source_code, source_code_download
from exports.store import withdrawals
from exports.store.participant_filter import filter_snapshot
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.face.deployment_anonymizer import anonymizer
from psynetdata.anonymize.identifiers.personal_assets import decided_public
from psynetdata.anonymize.rows.anonymizer import Anonymizer
from psynetdata.infra import processes
from psynetdata.jobs import Running
from psynetdata.mirror import Transform
from psynetdata.psynet.ownership.selection import Ownership
from psynetdata.psynet.problems import Conflict, Damaged

_NO_LOGS = "The server's logs mention all participants, and this export leaves some of them out; so it has no logs."
# What a row costs in the progress bar, in units of reading it back; and what an asset file costs (docs/benchmarks.md).
_WRITING = {(REGULAR, "psynet"): 16, (REGULAR, "database"): 4, (ANONYMOUS, "psynet"): 24, (ANONYMOUS, "database"): 12}
_CHECKING, _SCANNING, _FETCHING = 1, 10, 1000


def build(export: Export, running: Running | None = None) -> list[ExportArchive]:
    """Make all archives of an export; either all of them are published or none.

    Raises LeakFound if an anonymous archive holds an identifier, Damaged if stored data or a finished archive is not as
    it should be, Cancelled, and Problem for missing assets if `strict` is on.
    """
    options = ExportOptions.from_json(export.options)
    published = list(export.archives.order_by("mode"))
    if len(published) == len(options.modes):
        return published  # another worker finished it before it was given up as dead
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="export-") as folder:
        withdrew = withdrawals.withdrawn_ids(export.deployment)
        source, left_out = _rows(export.snapshot, options, withdrew, Path(folder), running)
        meter = ProgressMeter(running, _units(source.snapshot, options))
        building = _ExportBuild(export, options, Path(folder), meter, source, left_out)
        finished = building.finish()
        building.meter.check()
        return publish(export, finished, last_look=lambda: _check_nobody_else(export, withdrew))


def _check_nobody_else(export: Export, withdrew: frozenset[int]) -> None:
    if withdrawals.withdrawn_ids(export.deployment) != withdrew:
        raise Conflict("A withdrawal was made or undone while the export was running; ask for the export again.")


def _rows(
    snapshot: Snapshot, options: ExportOptions, withdrew: frozenset[int], folder: Path, running: Running | None
) -> tuple[MirrorSource, dict]:
    """Return (the rows to export, what the manifest says of the rows that are left out)."""
    chosen = options.participants
    if chosen is None and not withdrew:
        return MirrorSource(snapshot), {}
    if gone := sorted(withdrew & {*(chosen or ())}):
        raise Conflict(f"Chosen participants have withdrawn: {participant_list.id_ranges(gone)}; leave them out.")
    place = folder / "selection"
    place.mkdir()
    on_progress = (lambda *_: running.progress("choosing rows")) if running else None
    filtered = filter_snapshot(
        snapshot, Ownership(chosen) if chosen else Ownership.without(withdrew), place, on_progress
    )
    source = MirrorSource(filtered.snapshot, filtered.store)
    if chosen:
        return source, {"selection": {"participants": list(chosen), "rows_left_out": filtered.left_out}}
    number = filtered.left_out.get("participant", 0)
    return source, {"withdrawn": {"participants": number, "rows_left_out": filtered.left_out}} if number else {}


def _units(snapshot: Snapshot, options: ExportOptions) -> int:
    """Return the units of the whole work on the progress bar, before any of it is done."""
    of_a_row = sum(
        _WRITING[mode, options.type] + _CHECKING + (_SCANNING if mode == ANONYMOUS else 0) for mode in options.modes
    )
    return snapshot.rows * of_a_row + _assets_of(snapshot, options) * _FETCHING


def _assets_of(snapshot: Snapshot, options: ExportOptions) -> int:
    """Return how many asset files there may be to fetch, at most."""
    return snapshot.tables.get("asset", {"rows": 0})["rows"] if options.wants_assets else 0


@dataclass
class _ExportBuild:
    """An export being made, in a folder of its own.

    `reader`: the rows to export. Identifiers always come from the whole snapshot, because a row of a selection may
    name other participants. `left_out`: for the manifest, {} if nothing was left out.
    """

    export: Export
    options: ExportOptions
    folder: Path
    meter: ProgressMeter
    reader: MirrorSource
    left_out: dict

    def finish(self) -> list[Finished]:
        """Make, verify and, if anonymous, scan all archives."""
        finished = []
        with self._workers() as pool:
            for mode in self.options.modes:
                path = self.folder / f"{mode}.zip"
                moment = manifest.moment(mode, self.export.snapshot, self.options)
                with Archive(path, moment, self.context, pool, self.meter) as archive:
                    mode_manifest = self._fill(mode, archive, pool)
                    archive.add_account(manifest.NAME, manifest.to_bytes(mode_manifest))
                    size, sha256 = archive.finish()
                finished.append(Finished(mode, path, size, sha256, manifest.without_asset_files(mode_manifest), {}))
        return [replace(one, report=self._prove(one.path)) if one.mode == ANONYMOUS else one for one in finished]

    @contextmanager
    def _workers(self) -> Iterator[processes.Pool]:
        """Start the worker processes: forked only once everything that they share exists."""
        for mode in self.options.modes:
            self.context.add_side(self._side(mode))
        with processes.pool(self.options.processes, self.context, check_cancelled=self.meter.check) as pool:
            yield pool

    def _side(self, mode: str) -> Side:
        if mode == REGULAR:
            return Side(mode)
        of_tables = {table: self.anonymizer.table(table, self.reader.columns(table)) for table in self.reader.tables()}
        return Side(mode, self.anonymizer, {table: changing.withheld for table, changing in of_tables.items()})

    @cached_property
    def context(self) -> ConvertContext:
        classes = self.options.type == "psynet"
        clock = self.export.deployment.clock
        return ConvertContext(self.reader, self.folder, clock=clock, classes=classes, guards=self.options.excel)

    @cached_property
    def ledger(self) -> Ledger:
        """All identifiers that any snapshot held, because rows of this one may name people of others."""
        self.meter.begin("collecting identifiers")
        return complete(self.export.deployment, lambda *_: self.meter.check())

    @cached_property
    def anonymizer(self) -> Anonymizer:
        source, options = MirrorSource(self.export.snapshot), self.options.anonymizing
        return anonymizer(self.export.deployment, source, self.ledger, level=self.options.level, options=options)

    @cached_property
    def needles(self):
        everything = SnapshotReader(self.export.snapshot)
        decided = decided_public(asset_folder.rows_of(everything), self.anonymizer.policy)
        return collect(everything, decided=decided, processes=self.options.processes, ledger=self.ledger.searched)

    @cached_property
    def second_check(self) -> SecondCheck:
        return leak_check.second_check(SnapshotReader(self.export.snapshot), self.needles)

    @cached_property
    def fetched(self) -> asset_folder.FetchedAssets:
        """Fetch the asset files once for all modes. Files that no mode includes are not fetched."""
        personal = self.anonymizer.identifiers.personal_assets if self.options.modes == (ANONYMOUS,) else ()
        deployment, folder = self.export.deployment, self.folder / "assets"
        units = _FETCHING * _assets_of(self.reader.snapshot, self.options)
        if not self.options.wants_assets:
            return asset_folder.FetchedAssets()
        return asset_folder.fetch_all(
            self.reader, deployment, self.options.assets, folder, strict=self.options.strict_assets,
            n=self.options.n_parallel, leave=personal, meter=self.meter, units=units,
        )  # fmt: skip

    def _fill(self, mode: str, archive: Archive, pool: processes.Pool) -> dict:
        """Write all members except the outer manifest, and return that manifest."""
        prefix = f"{mode}/"
        units = _WRITING[mode, self.options.type] * self.reader.snapshot.rows
        tables = table_files.make(self.context, pool, mode, self.meter, units)
        # Before basic data is computed: that anonymizes the same rows a second time.
        report = self.anonymizer.report() if mode == ANONYMOUS else {}
        archive.add_database(f"{prefix}database.zip", tables)
        asset_entries = self._add_files(mode, archive, tables)
        archive.read_back(_CHECKING * self.reader.snapshot.rows)
        notes = [*tables.notes, *(self._notes_of_regular() if mode == REGULAR else report["warnings"])]
        more = {"assets": asset_entries, "notes": notes, **self.left_out}
        mode_manifest = manifest.manifest(mode, self.reader.snapshot, self.options, archive.members, **more)
        return mode_manifest if mode == REGULAR else self._account_for(archive, mode_manifest, tables, report)

    def _add_files(self, mode: str, archive: Archive, tables: table_files.Tables) -> dict:
        """Add class files, basic data and assets. Return what the manifest says of the assets."""
        prefix, folder = f"{mode}/", self.folder / mode
        options, anonymous = self.options, mode == ANONYMOUS
        leave = self.anonymizer.identifiers.personal_assets if anonymous else frozenset()
        files, asset_entries = asset_folder.members(
            self.fetched, asset_folder.rows_of(tables), prefix, leave, clean=self._clean(mode)
        )
        if options.type == "psynet":
            archive.add_class_files(f"{prefix}data/", tables, options.file_format, for_excel=options.excel)
            transform = (
                Transform(f"level={options.level}", self.anonymizer.table) if anonymous else Transform("as it is")
            )
            files += basic_data.basic_data(
                self.reader, transform, prefix, folder, anonymize=anonymous, meter=self.meter
            )
            files += [] if anonymous else [*self.source_code[0], *self.logs[0]]
        archive.add_files(files)
        return asset_entries

    def _notes_of_regular(self) -> list[str]:
        return [*leak_check.password_notes(self.reader), *self.source_code[1], *self.logs[1]]

    @cached_property
    def logs(self) -> tuple[list[Member], list[str]]:
        """Return (the server's logs at the top of the tree, as in PsyNet, or nothing; sentences about what is missing).

        Logs may hold anything, so no anonymous archive includes them.
        """
        if self.options.type != "psynet":
            return [], []
        if self.left_out:
            return [], [_NO_LOGS] if logs.are_kept(self.export.deployment) else []
        self.meter.begin("reading logs")
        kept, notes = logs.fetch_for_export(self.export.deployment, self.meter.check)
        try:
            return [written(logs.NAME, self.folder / logs.NAME, logs.all_of(kept))] if kept else [], notes
        except Damaged as problem:
            return [], [*notes, problem.sentence]

    @cached_property
    def source_code(self) -> tuple[list[Member], list[str]]:
        """Return (the zip at the top of the tree, as in PsyNet, or nothing; a sentence if it could not be fetched).

        It may hold keys and names, so no anonymous archive includes it. If none is stored, the experiment is asked.
        """
        deployment, path, notes = self.export.deployment, self.folder / source_code.NAME, []
        if self.options.no_source or self.options.type != "psynet":
            return [], notes
        if not source_code.is_kept(deployment) and source_code_download.can_be_asked(deployment):
            self.meter.begin("fetching source code")
            try:
                source_code_download.fetch(deployment, check_cancelled=self.meter.check)
            except source_code_download.NotFetched as problem:
                notes.append(problem.sentence)
        kept = source_code.bring(deployment, path)
        return [Member(source_code.NAME, path, kept.bytes, kept.sha256)] if kept else [], notes

    def _account_for(self, archive: Archive, mode_manifest: dict, tables: table_files.Tables, report: dict) -> dict:
        """Add anonymization.json and the anonymous tree's manifest. Return the outer manifest, which lists both."""
        prefix = f"{ANONYMOUS}/"
        self.needles.withhold(tables.texts.texts)
        scan = leak_check.looked_for(self.needles, archive.members, self.second_check)
        report = report | {"scan": scan}
        mode_manifest["anonymization"] = {name: report[name] for name in ("level", "policy", "replaced_most")}
        archive.add_account(f"{prefix}anonymization.json", manifest.to_bytes(report))
        inner = mode_manifest | {"files": [self._below(member, prefix) for member in archive.members]}
        archive.add_account(f"{prefix}{manifest.NAME}", manifest.to_bytes(inner))
        return mode_manifest | {"files": [member.to_json() for member in archive.members]}

    @staticmethod
    def _below(member: Member, prefix: str) -> dict:
        return replace(member, name=member.name.removeprefix(prefix)).to_json()

    def _clean(self, mode: str) -> asset_folder.Clean | None:
        if mode == REGULAR or not self.options.wants_assets:
            return None
        return asset_folder.Clean(self.folder / "cleaned", self.anonymizer.identifiers.copies.nodes)

    def _prove(self, path: Path) -> dict:
        units = _SCANNING * self.reader.snapshot.rows
        second, processes = self.second_check, self.options.processes
        return leak_check.prove(path, self.needles, self.meter, units, second=second, processes=processes)
