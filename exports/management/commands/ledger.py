from exports.ledger import collection
from exports.ledger.sealed_files import LedgerFiles
from exports.management.mirroring_command import MirroringCommand
from exports.management.text_table import table
from exports.mirroring.rebuild import to_mirror
from psynetdata.deployments import chosen
from psynetdata.models import Audit, Deployment


class Command(MirroringCommand):
    help = (
        "The ledger of identifiers: all that any snapshot of a deployment has ever held. `list` shows how many there "
        "are; `collect` reads all stored snapshots again, and leaves out files of it that cannot be read."
    )

    def add_arguments(self, parser):
        parser.add_argument("verb", nargs="?", default="list", choices=["list", "collect"], metavar="VERB")
        parser.add_argument("--deployment", metavar="ID", help="Which deployment; not needed if there is only one.")

    def run(self, *, verb: str, deployment: str | None, **options):
        if verb == "list":
            self._list()
        else:
            self._collect(chosen(Deployment.objects.all(), deployment, how="--deployment"))

    def _list(self) -> None:
        rows = []
        for deployment in Deployment.objects.filter(continues=None).order_by("number"):
            files = LedgerFiles(deployment)
            state = "damaged" if files.problems() else "complete" if collection.is_complete(deployment) else "grows"
            names = ", ".join(one.deployment_id for one in files.chain)
            rows.append([names, *files.size(), state])
        self.stdout.write("\n".join(table(["deployments", "files", "entries", "state"], rows)))

    def _collect(self, deployment: Deployment) -> None:
        lost = collection.repair(deployment)
        Audit.record("collect identifiers", deployment=deployment, target=f"{lost} files left out", identified=True)
        self.mirror(to_mirror(deployment), done="The identifiers are not collected yet.")
        files, entries = LedgerFiles(deployment).size()
        left_out = f" {lost} files that cannot be read were left out." if lost else ""
        self.stdout.write(f"The ledger has {entries} entries in {files} files.{left_out}")
