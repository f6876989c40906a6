"""From an Export row to its published archives: build, verify, scan, and only then publish (laws 2, 4 and 7)."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.leakscan.collect import collect
from exports.models import Export, ExportArchive
from exports.snapshots.mirror import MirrorSource
from exports.snapshots.reader import SnapshotReader
from psynetdata.anonymize.anonymizer import Anonymizer
from psynetdata.anonymize.for_deployment import anonymizer
from psynetdata.anonymize.personal import decided_public
from psynetdata.jobs import Running
from psynetdata.mirror import Transform
from psynetdata.psynet.problems import Damaged

from . import assets, basic, manifest, proof, tables
from .members import Member, read, write, written, zipped
from .meter import Meter
from .publish import Finished, publish
from .request import ANONYMOUS, REGULAR, ExportOptions
from .verify import ZipTree, check

# How often each row is gone through, for the progress: see _units.
_WORK = {(REGULAR, "psynet"): 5, (REGULAR, "database"): 2, (ANONYMOUS, "psynet"): 7, (ANONYMOUS, "database"): 4}


def build(export: Export, running: Running | None = None) -> list[ExportArchive]:
    """Make all archives of an export; either all are published or none.

    Raises LeakFound when an anonymous archive holds an identifier, Damaged when stored data or a
    finished archive is not what it should be, Cancelled, and Problem for missing assets where they are strict.
    """
    options = ExportOptions.from_json(export.options)
    made = list(export.archives.order_by("mode"))
    if len(made) == len(options.modes):
        return made  # another worker came to the end before it was given up for dead
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="export-") as folder:
        work = _Work(export, options, Path(folder), Meter(running, _units(export, options)))
        finished = [work.finish(mode) for mode in options.modes]
        work.meter.check()
        return publish(export, finished)


def _units(export: Export, options: ExportOptions) -> int:
    """Rows times how often each is gone through, and the assets."""
    entries = export.snapshot.tables
    rows = sum(entry["rows"] for entry in entries.values())
    assets = entries.get("asset", {"rows": 0})["rows"] if options.wants_assets else 0
    return assets + rows * sum(_WORK[mode, options.type] for mode in options.modes)


@dataclass
class _Work:
    """An export on its way, in a folder of its own."""

    export: Export
    options: ExportOptions
    folder: Path
    meter: Meter

    def finish(self, mode: str) -> Finished:
        """One archive, verified and, if anonymous, scanned."""
        if mode == REGULAR:
            members, found = self._tree(mode, tables.AsTheyAre(self.reader), Transform("as it is"), frozenset())
        else:
            members, found = self._anonymous_tree()
        top = self._written(manifest.NAME, manifest.to_bytes(found))
        path = self.folder / f"{mode}.zip"
        members = sorted([*members, top], key=lambda member: member.name)
        files = ((member.name, read(member.path, self.meter)) for member in members)
        size, sha256 = write(path, zipped(files, self.export.snapshot.taken_at))
        self._check(path)
        report = self._prove(path) if mode == ANONYMOUS else {}
        return Finished(mode, path, size, sha256, manifest.without_asset_files(found), report)

    @cached_property
    def reader(self) -> SnapshotReader:
        return SnapshotReader(self.export.snapshot)

    @cached_property
    def anonymizer(self) -> Anonymizer:
        source, options = MirrorSource(self.export.snapshot), self.options.anonymizing
        return anonymizer(self.export.deployment, source, level=self.options.level, options=options)

    @cached_property
    def needles(self):
        decided = decided_public(assets.rows_of(self.reader), self.anonymizer.policy)
        return collect(self.reader, decided=decided)

    @cached_property
    def fetched(self) -> assets.Assets:
        """Once for all modes; what no mode takes is not fetched."""
        personal = self.anonymizer.identifiers.personal_assets if self.options.modes == (ANONYMOUS,) else ()
        deployment, folder = self.export.deployment, self.folder / "assets"
        return assets.fetch_all(self.reader, deployment, self.options, folder, leave=personal, meter=self.meter)

    def _anonymous_tree(self) -> tuple[list[Member], dict]:
        anonymizer, prefix = self.anonymizer, f"{ANONYMOUS}/"
        rows = tables.Anonymized(self.reader, anonymizer, self.folder, self.meter)
        self.needles.withhold(rows.withheld_texts.texts)
        report = anonymizer.report() | {"scan": proof.looked_for(self.needles)}
        again = Transform(f"level={self.options.level}", anonymizer.table)
        personal = anonymizer.identifiers.personal_assets
        members, found = self._tree(ANONYMOUS, rows, again, personal)
        found["anonymization"] = {"level": report["level"], "policy": report["policy"]}
        members.append(self._written(f"{prefix}anonymization.json", manifest.to_bytes(report)))
        inner = found | {
            "files": [self._below(member, prefix) for member in sorted(members, key=lambda each: each.name)]
        }
        members.append(self._written(f"{prefix}{manifest.NAME}", manifest.to_bytes(inner)))
        files = [member.to_json() for member in sorted(members, key=lambda each: each.name)]
        return members, found | {"files": files}

    @staticmethod
    def _below(member: Member, prefix: str) -> dict:
        return replace(member, name=member.name.removeprefix(prefix)).to_json()

    def _tree(
        self, mode: str, rows: tables.Tables, transform: Transform, leave: frozenset[int]
    ) -> tuple[list[Member], dict]:
        snapshot, prefix, folder = self.export.snapshot, f"{mode}/", self.folder / mode
        members = [
            tables.database_zip(rows, f"{prefix}database.zip", folder / "database.zip", snapshot.taken_at, self.meter)
        ]
        told, notes = assets.members(self.fetched, assets.rows_of(rows), prefix, leave, clean=self._clean(mode)), []
        if self.options.type == "psynet":
            clock = self.export.deployment.clock
            of_classes, notes = tables.class_files(rows, prefix, folder / "data", clock, self.meter)
            self._check_rows(of_classes)
            members += of_classes
            members += basic.basic_data(
                snapshot, transform, prefix, folder, anonymize=mode == ANONYMOUS, meter=self.meter
            )
            members += told[0]
        return members, manifest.manifest(mode, snapshot, self.options, members, assets=told[1], notes=notes)

    def _clean(self, mode: str) -> assets.Clean | None:
        if mode == REGULAR or not self.options.wants_assets:
            return None
        return assets.Clean(self.folder / "cleaned", self.anonymizer.identifiers.copies.nodes)

    def _check_rows(self, of_classes: list[Member]) -> None:
        found: Counter[str] = Counter()
        for member in of_classes:
            found[member.table] += member.rows
        for table, entry in self.export.snapshot.tables.items():
            if found[table] != entry["rows"]:
                raise Damaged(
                    f"The class files of table {table} came to {found[table]} rows, the snapshot has {entry['rows']}."
                )

    def _prove(self, path: Path) -> dict:
        self.meter.advance("scanning", 0)
        report = proof.prove(path, self.needles, self.meter)
        self.meter.advance("scanning", sum(entry["rows"] for entry in self.export.snapshot.tables.values()))
        return report

    def _written(self, name: str, content: bytes) -> Member:
        return written(name, self.folder / "written" / name, [content])

    def _check(self, path: Path) -> None:
        tree = ZipTree(path)
        try:
            problems = check(tree, self.meter).problems
        finally:
            tree.close()
        if problems:
            raise Damaged(f"The finished archive is not as it should be and was not published: {problems[0]}")
