from datetime import datetime
from pathlib import Path

from exports.models import Export, ExportArchive, Snapshot
from exports.package.publish import discard
from exports.package.request import ANONYMOUS, ExportOptions, chosen, request_export, run_here
from exports.package.unpack import check_path, default_path, unpack
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.management.cli import Progress
from psynetdata.psynet import times
from psynetdata.psynet.problems import UsageError

# Understood, because PsyNet's users type them or the design promises them.
_NOT_YET = ("server", "package")
_OPTIONS = (
    "anonymize", "level", "assets", "type", "format", "excel", "no_source", "strict_assets", "n_parallel",
)  # fmt: skip
_OF_ANONYMOUS = ("pseudonyms", "drop_text", "shift_dates", "coarsen")


class Command(BaseCommand):
    help = "Export a deployment's data into a folder: regular, anonymized, or both."

    def add_arguments(self, parser):
        parser.add_argument("source", nargs="?", choices=["local", "ssh", "heroku"], help="Deployments there only.")
        parser.add_argument("--app", metavar="NAME", help="Which deployment, by the app (or database) of its source.")
        parser.add_argument("--deployment", metavar="ID", help="Which deployment; not needed where there is one.")
        parser.add_argument(
            "--snapshot", metavar="ID", type=int, help="Which snapshot; the newest good one if not said."
        )
        parser.add_argument(
            "--anonymize", nargs="?", const="yes", default="both", choices=["yes", "no", "both"], help="Default: both."
        )
        parser.add_argument(
            "--level",
            default="shared",
            choices=["shared", "open"],
            help="How careful an anonymized export is: for a named colleague (shared), or for a repository (open).",
        )
        parser.add_argument(
            "--assets", default="experiment", choices=["none", "experiment", "all"], help="Default: experiment."
        )
        parser.add_argument("--strict-assets", action="store_true", help="A missing asset file fails the export.")
        parser.add_argument("--type", default="psynet", choices=["psynet", "database"], help="Default: psynet.")
        parser.add_argument(
            "--format", default="csv", choices=["csv", "parquet"], help="Of the files in data/. Default: csv."
        )
        parser.add_argument(
            "--excel",
            action="store_true",
            help="Files in data/ for Excel: with a byte-order mark, and an apostrophe before what it would run.",
        )
        parser.add_argument(
            "--n_parallel",
            "--n-parallel",
            type=int,
            metavar="N",
            help="How many processes work at the same time. Default: as many as the machine has cores.",
        )
        parser.add_argument(
            "--legacy",
            action="store_true",
            help="From a snapshot that is taken now; the archive is not kept at the desk.",
        )
        parser.add_argument("--no-source", action="store_true", help="Leave out the source code.")
        parser.add_argument("--path", type=Path, metavar="DIR", help="A folder that does not exist yet or is empty.")
        self._add_anonymous_arguments(parser.add_argument_group("anonymized exports"))
        self._add_later_arguments(parser.add_argument_group("not yet"))

    def _add_anonymous_arguments(self, group):
        group.add_argument(
            "--pseudonyms",
            default="hmac",
            choices=["hmac", "number"],
            help="Letters of a keyed hash (hmac), or numbers that each value keeps (participant_n0007).",
        )
        group.add_argument("--drop-text", action="store_true", help="Withhold what people typed; numbers stay.")
        group.add_argument(
            "--shift-dates",
            action="store_true",
            help="Move each participant's times back by 1 to 364 days of their own; order and intervals stay.",
        )
        group.add_argument("--coarsen", default="", choices=["day"], help="Cut times to the day.")

    def _add_later_arguments(self, group):
        for name in _NOT_YET:
            group.add_argument(f"--{name}", metavar="NAME")

    def run(self, *, path: Path | None, **options):
        for name in _NOT_YET:
            if options[name] is not None:
                raise UsageError(f"--{name} does not work yet; leave it out.")
        if options["legacy"] and options["snapshot"] is not None:
            raise UsageError("--legacy exports a snapshot that is taken now; leave out --snapshot or --legacy.")
        deployment, snapshot = chosen(
            options["deployment"], options["snapshot"], source=options["source"], app=options["app"]
        )
        if path is not None:
            path = Path(path).expanduser().absolute()
            check_path(path)
        asked = ExportOptions(**{name: options[name] for name in (*_OPTIONS, *_OF_ANONYMOUS)})
        if options["legacy"]:
            taken = self.job("snapshot", options={"mirror": False}, deployment=deployment)
            snapshot = Snapshot.objects.select_related("deployment").get(pk=taken.result["snapshot"])
            deployment = snapshot.deployment
        export = request_export(deployment, asked, snapshot=snapshot, here=True)
        shown = Progress(self.stderr)
        try:
            run_here(export, on_progress=shown)
        finally:
            shown.close()
        archives = list(export.archives.order_by("mode"))
        path = path or default_path(export, datetime.now())
        try:
            manifest = unpack(archives, path, processes=asked.processes)
        finally:
            if options["legacy"]:
                discard(export)
        self._tell(export, archives, manifest, path)

    def _tell(self, export: Export, archives: list[ExportArchive], manifest: dict, path: Path) -> None:
        moment = times.to_iso(export.snapshot.taken_at)
        self.stdout.write(
            f"export {export.pk} of {export.deployment.deployment_id}, snapshot {export.snapshot_id} ({moment})"
        )
        for archive in sorted(archives, key=lambda archive: archive.mode, reverse=True):
            files = [file for file in manifest["files"] if file["path"].startswith(f"{archive.mode}/")]
            size = sum(file["bytes"] for file in files)
            self.stdout.write(f"{archive.mode:<10} {len(files)} files, {export.snapshot.rows} rows, {size} bytes")
            if archive.mode == ANONYMOUS:
                self._tell_proof(archive.report)
            missing = archive.manifest["assets"]["missing"]
            if missing:
                self.warn(f"{archive.mode}: {len(missing)} asset files are missing; manifest.json says which and why.")
            for note in archive.manifest["notes"]:
                self.warn(f"{archive.mode}: {note}")
        self.stdout.write(str(path))

    def _tell_proof(self, report: dict) -> None:
        looked_for = {kind: sum(classes.values()) for kind, classes in report["looked_for"].items()}
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(looked_for.items())) or "nothing"
        self.stdout.write(f"           searched for {sum(looked_for.values())} values and found none: {kinds}")
        for note in report["notes"]:
            self.stdout.write(f"           {note}")
