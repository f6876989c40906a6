from pathlib import Path

from exports.management.mirroring_command import MirroringCommand
from exports.management.text_table import rows_per_table
from exports.models import Snapshot, SourceCode
from psynetdata.models import Deployment
from psynetdata.psynet import times


class Command(MirroringCommand):
    help = "Load a PsyNet database from a file or folder: keep it as a snapshot and mirror it."

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path, help="A database.zip, an export (folder or zip), or a zip within one.")
        parser.add_argument(
            "--deployment",
            metavar="ID",
            help="Its deployment, if the database does not say so itself; refused if it belongs to another.",
        )
        parser.add_argument(
            "--assets", metavar="DIR", type=Path, help="The folder in which each asset's host_path leads to its file."
        )

        parser.add_argument(
            "--source",
            metavar="ZIP",
            type=Path,
            help="The experiment's source code; by default the one at the top of the export, if there is one.",
        )

    def run(self, *, path: Path, deployment: str | None, assets: Path | None, source: Path | None, **options):
        job = self.job(
            "load",
            options={
                "path": str(Path(path).absolute()),
                "deployment_id": deployment,
                "assets": str(Path(assets).absolute()) if assets else None,
                "source": str(Path(source).absolute()) if source else None,
                "mirror": False,
            },
        )
        for sentence in job.result["warnings"]:
            self.warn(sentence)
        snapshot = Snapshot.objects.select_related("deployment").get(pk=job.result["snapshot"])
        if Snapshot.objects.newest(snapshot.deployment) == snapshot:
            self.mirror([snapshot.deployment], done=f"{str(snapshot).capitalize()} is stored, but not mirrored.")
        self._print_deployment(snapshot.deployment)
        self._print_rows(job.result["rows"])
        came = "new" if job.result["created"] else "already there; nothing was added"
        self.stdout.write(f"\nsnapshot {snapshot.pk}, of {times.to_iso(snapshot.taken_at)} ({came})")

    def _print_deployment(self, deployment: Deployment) -> None:
        self.stdout.write(f"deployment  {deployment.deployment_id}")
        self.stdout.write(f"label       {deployment.label or '(none)'}")
        self.stdout.write(f"clock       {times.offset_words(deployment.clock_offset)}")
        for name, version in (
            ("PsyNet", deployment.psynet_version),
            ("Dallinger", deployment.dallinger_version),
            ("Python", deployment.python_version),
        ):
            self.stdout.write(f"{name:<11} {version or '(not known)'}")
        if deployment.assets_url:
            self.stdout.write(f"assets      {deployment.assets_url}")
        if code := SourceCode.objects.filter(deployment=deployment).first():
            method = "with" if code.basic_data else "without"
            self.stdout.write(f"source code {code.bytes} bytes, {method} a get_basic_data")

    def _print_rows(self, rows: dict[str, int]) -> None:
        self.stdout.write("\n".join(["", *rows_per_table(rows)]))
