import os
import shlex
from datetime import datetime
from pathlib import Path

from exports.management.export_text import print_export
from exports.models import Snapshot
from exports.package import participant_list
from exports.package.export_folder import check_path, default_path, unpack
from exports.package.publication import discard
from exports.package.request import ExportOptions, chosen, request_export, run_here
from exports.remote.desk import Desk, DeskAway
from exports.remote.remote_export import RemoteExport
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.management.cli import Interrupted, Progress
from psynetdata.psynet.problems import UsageError

# Recognized because PsyNet's users may type them; they do not work yet.
_NOT_YET = ("package",)
_OPTIONS = (
    "anonymize", "level", "assets", "type", "format", "excel", "no_source", "strict_assets", "n_parallel",
)  # fmt: skip
_WHICH = ("deployment", "snapshot", "app", "source", "server")
_OF_ANONYMOUS = ("pseudonyms", "drop_text", "shift_dates", "coarsen")


class Command(BaseCommand):
    help = "Export a deployment's data into a folder: regular, anonymized, or both."

    def add_arguments(self, parser):
        parser.add_argument("source", nargs="?", choices=["local", "ssh", "heroku"], help="Only such deployments.")
        parser.add_argument("--app", metavar="NAME", help="Which deployment, by the app (or database) of its source.")
        parser.add_argument("--server", metavar="NAME", help="Of apps with one name, the one on this host.")
        parser.add_argument("--deployment", metavar="ID", help="Which deployment; not needed if there is only one.")
        parser.add_argument(
            "--snapshot", metavar="ID", type=int, help="Which snapshot; by default the newest good one."
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
        parser.add_argument("--strict-assets", action="store_true", help="Fail if an asset file is missing.")
        parser.add_argument("--type", default="psynet", choices=["psynet", "database"], help="Default: psynet.")
        parser.add_argument(
            "--format", default="csv", choices=["csv", "parquet"], help="Of the files in data/. Default: csv."
        )
        parser.add_argument(
            "--excel",
            action="store_true",
            help="Files in data/ for Excel: with a byte-order mark, and an apostrophe before formulas.",
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
            help="Export a snapshot taken now; the desk does not keep the archive.",
        )
        parser.add_argument("--no-source", action="store_true", help="Leave out the source code.")
        parser.add_argument(
            "--participants",
            default="",
            metavar="IDS",
            help="Only the rows of these participants, such as 3,5,8-12; by default all.",
        )
        self._add_remote_arguments(parser.add_argument_group("at a desk elsewhere"))
        parser.add_argument("--path", type=Path, metavar="DIR", help="A folder that does not exist yet or is empty.")
        self._add_anonymous_arguments(parser.add_argument_group("anonymized exports"))
        self._add_later_arguments(parser.add_argument_group("not yet"))

    def _add_remote_arguments(self, group):
        group.add_argument(
            "--remote",
            metavar="URL",
            help="Let the desk there make it, and fetch it; the variable PSYNETDATA_TOKEN holds a token of that desk.",
        )
        group.add_argument("--export", metavar="ID", type=int, help="Continue with this export of that desk.")

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
            help="Move each participant's times back by 1 to 364 days; order and intervals stay.",
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
            raise UsageError("--legacy exports a snapshot taken now; leave out --snapshot or --legacy.")
        if path is not None:
            path = Path(path).expanduser().absolute()
            check_path(path)
        chosen_ones = participant_list.parse(options["participants"])
        asked = ExportOptions(participants=chosen_ones, **{name: options[name] for name in (*_OPTIONS, *_OF_ANONYMOUS)})
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
