from django.utils import timezone

from exports.management.text_table import table
from exports.models import Snapshot
from exports.operations.prune import retention_reasons
from psynetdata.deployments import chosen
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet import times


class Command(BaseCommand):
    help = "Delete snapshots that the retention rules do not keep, unreferenced files, and expired archives."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="Only report what would be deleted, and what stays.")
        parser.add_argument("--deployment", metavar="ID", help="Only snapshots of this deployment.")
        parser.add_argument(
            "--quarantined",
            action="store_true",
            help="Also delete all files in quarantine now, except those that are kept; see `quarantine`.",
        )

    def run(self, *, dry_run: bool, deployment: str | None, quarantined: bool, verbosity: int, **options):
        named = chosen(Deployment.objects.all(), deployment, how="--deployment") if deployment else None
        if verbosity > 1:
            self._print_reasons([named] if named else list(Deployment.objects.order_by("number")))
        asked = {"deployment_id": named.deployment_id} if named else {}
        job = self.job("prune", options={**asked, "dry_run": dry_run, "quarantined": quarantined}, deployment=named)
        self._print_result(job.result, dry_run)

    def _print_result(self, result: dict, dry_run: bool) -> None:
        gone, freed = ("would go", "would be freed") if dry_run else ("went", "were freed")
        for deployment_id, counts in result["deployments"].items():
            stays = counts["stays"]
            self.stdout.write(f"{deployment_id}: {counts['goes']} snapshots {gone}, {sum(stays.values())} stay")
            for line in table(["", ""], [[count, reason] for reason, count in stays.items()])[1:]:
                self.stdout.write(f"  {line}")
        store, archives, assets = result["store"], result["archives"], result["assets"]
        self.stdout.write(
            f"{store['files']} files of snapshots, {archives['files']} of expired exports and {assets['files']} of "
            f"assets {gone}"
        )
        self.stdout.write(f"{store['bytes'] + archives['bytes'] + assets['bytes']} bytes {freed}")
        for sentence in result["stopped"]:
            self.warn(sentence)
        if held := result["quarantined"]["files"]:
            self.stdout.write(
                f"{held} files that nothing refers to are in quarantine; `manage.py quarantine` lists them"
            )
        if store["waits"]:
            self.warn("Snapshots were being stored all the time, so some files stay until the next prune.")
        if result["unreadable"]:
            self.warn(
                f"{result['unreadable']} table states cannot be read, so files that they may refer to stay; "
                "`manage.py verify --all` lists them."
            )

    def _print_reasons(self, deployments: list[Deployment]) -> None:
        for deployment in deployments:
            reasons = retention_reasons(deployment, timezone.now())
            moments = dict(Snapshot.objects.filter(deployment=deployment).values_list("pk", "taken_at"))
            order = sorted(reasons, key=lambda pk: (moments[pk], pk), reverse=True)
            rows = [[pk, times.to_iso(moments[pk]), reasons[pk] or "goes"] for pk in order]
            self.stdout.write("\n".join([deployment.deployment_id, *table(["id", "taken", "why"], rows), ""]))
