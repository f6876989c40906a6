from exports.models import Withdrawal
from exports.operations import withdraw
from exports.package.deployment_choice import chosen
from exports.package.participant_list import id_ranges, parse
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import UsageError


class Command(BaseCommand):
    help = "Withdraw participants: their data is no longer shown or exported. Without ids: list who withdrew."

    def add_arguments(self, parser):
        parser.add_argument("participants", nargs="*", metavar="ID", help="PsyNet's ids, such as 3 5 8-12.")
        parser.add_argument("--deployment", metavar="ID", help="Which deployment; not needed if there is only one.")
        parser.add_argument("--take-back", action="store_true", help="Undo the withdrawal; show their data again.")

    def run(self, *, participants: list[str], deployment: str | None, take_back: bool, **options) -> None:
        chosen_deployment, _ = chosen(deployment)
        ids = parse(" ".join(participants))
        if ids is None:
            if take_back:
                raise UsageError("Name the participants whose withdrawal to undo, by their ids.")
            self._list(chosen_deployment)
            return
        if take_back:
            withdraw.take_back(chosen_deployment, ids)
            withdrew = [], ids
        else:
            withdrew = [row.participant for row in withdraw.withdraw(chosen_deployment, ids)], ()
        done = self.job(withdraw.KIND, deployment=chosen_deployment.first).result
        self.stdout.write(_summary(chosen_deployment, *withdrew, done))

    def _list(self, deployment: Deployment) -> None:
        rows = Withdrawal.objects.filter(deployment=deployment.first).select_related("by").order_by("participant")
        if not rows:
            self.stdout.write(f"Nobody withdrew from {deployment.deployment_id}.")
        for row in rows:
            by = row.by.get_username() if row.by else "command line"
            self.stdout.write(f"participant {row.participant}  {times.to_iso(row.created_at)}  {by}")


def _summary(deployment: Deployment, gone: list[int], back, done: dict) -> str:
    if back:
        return (
            f"Participants of {deployment.deployment_id} that are shown again: {id_ranges(back)}, as far as snapshots "
            "have their data. Asset files are here again once they are fetched."
        )
    return (
        f"Withdrawn from {deployment.deployment_id}: {id_ranges(gone)}. Pages, sheets and exports no longer have them; "
        f"{done['archives']} archives and {done['asset_files']} asset files were removed. Stored snapshots keep their "
        "rows until they are pruned, and so does the experiment's own database."
    )
