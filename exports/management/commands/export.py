import os
import shlex
from datetime import datetime
from pathlib import Path

from exports.management import option_arguments
from exports.management.export_text import print_export
from exports.models import Snapshot
from exports.package.deployment_choice import SOURCES, chosen
from exports.package.export_folder import check_path, default_path, unpack
from exports.package.options import ExportOptions
from exports.package.publication import discard
from exports.package.request import request_export, run_here
from exports.remote.desk import Desk, DeskAway
from exports.remote.remote_export import RemoteExport
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.management.cli import Interrupted, Progress
from psynetdata.psynet.problems import UsageError

# Recognized because PsyNet's users may type them; they do not work yet.
_NOT_YET = ("package",)
_WHICH = ("deployment", "snapshot", "app", "source", "server")


class Command(BaseCommand):
    help = "Export a deployment's data into a folder: regular, anonymized, or both."

    def add_arguments(self, parser):
        parser.add_argument("source", nargs="?", choices=list(SOURCES), help="Only such deployments.")
        parser.add_argument("--app", metavar="NAME", help="Which deployment, by the app (or database) of its source.")
        parser.add_argument("--server", metavar="NAME", help="Of apps with one name, the one on this host.")
        parser.add_argument("--deployment", metavar="ID", help="Which deployment; not needed if there is only one.")
        parser.add_argument(
            "--snapshot", metavar="ID", type=int, help="Which snapshot; by default the newest good one."
        )
        option_arguments.add_arguments(parser)
        parser.add_argument(
            "--legacy",
            action="store_true",
            help="Export a snapshot taken now; the desk does not keep the archive.",
        )
        self._add_remote_arguments(parser.add_argument_group("at a desk elsewhere"))
        parser.add_argument("--path", type=Path, metavar="DIR", help="A folder that does not exist yet or is empty.")
        self._add_later_arguments(parser.add_argument_group("not yet"))

    def _add_remote_arguments(self, group):
        group.add_argument(
            "--remote",
            metavar="URL",
            help="Let the desk there make it, and fetch it; the variable PSYNETDATA_TOKEN holds a token of that desk.",
        )
        group.add_argument("--export", metavar="ID", type=int, help="Continue with this export of that desk.")

    def _add_later_arguments(self, group):
        for name in _NOT_YET:
            group.add_argument(f"--{name}", metavar="NAME")

    def run(self, *, path: Path | None, **options):
        for name in _NOT_YET:
            if options[name] is not None:
                raise UsageError(f"--{name} does not work yet; leave it out.")
        if options["legacy"] and options["snapshot"] is not None:
            raise UsageError("--legacy exports a snapshot taken now; leave out --snapshot or --legacy.")
        if path is not None:
            path = Path(path).expanduser().absolute()
            check_path(path)
        asked = option_arguments.asked(options)
        if options["remote"] is not None:
            self._remote(asked, path, options)
        elif options["export"] is not None:
            raise UsageError("--export continues with an export of another desk; name the desk with --remote.")
        else:
            self._here(asked, path, options)

    def _here(self, asked: ExportOptions, path: Path | None, options: dict) -> None:
        deployment, snapshot = chosen(
            options["deployment"], options["snapshot"],
            source=options["source"], app=options["app"], server=options["server"],
        )  # fmt: skip
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
        print_export(self, export.pk, path, manifest, {archive.mode: archive.report for archive in archives})

    def _remote(self, asked: ExportOptions, path: Path | None, options: dict) -> None:
        """Export at another desk. This does not use this machine's databases: a laptop has none."""
        if options["legacy"]:
            raise UsageError("--legacy is for exports that are made on this machine; leave out --remote or --legacy.")
        shown = Progress(self.stderr)
        desk = Desk(options["remote"], os.environ.get("PSYNETDATA_TOKEN", ""))
        if desk.is_in_clear:
            self.warn(f"The connection to {desk.name} is not encrypted; others on the way can read the token.")
        remote = RemoteExport(desk, shown, options["export"])
        try:
            if remote.number is None:
                remote.ask(asked, **{name: options[name] for name in _WHICH})
            fetched = remote.fetch(path, processes=asked.processes)
        except (Interrupted, DeskAway) as problem:
            if remote.number is not None:
                lead = "Interrupted." if isinstance(problem, Interrupted) else problem.sentence
                problem.sentence = f"{lead} {_how_to_go_on(remote, path)}"
            raise
        finally:
            shown.close()
        print_export(self, fetched.number, fetched.path, fetched.manifest, fetched.scans)


def _how_to_go_on(remote: RemoteExport, path: Path | None) -> str:
    where = f" --path {shlex.quote(str(path))}" if path else ""
    return (
        f"Export {remote.number} continues at {remote.desk.name}; fetch it with `manage.py export --remote "
        f"{remote.desk.url} --export {remote.number}{where}`, or cancel it on its page there."
    )
