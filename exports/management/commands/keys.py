import os
from pathlib import Path

from exports.management.mirroring_command import MirroringCommand
from exports.mirroring.rebuild import to_mirror
from exports.operations.keys import destroy_key
from psynetdata.anonymize.face import keys
from psynetdata.deployments import chosen
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, Problem, UsageError


class Command(MirroringCommand):
    help = "A deployment's pseudonym key: export it once into a separate file, or destroy it for good."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        export = verbs.add_parser("export", help="Write the key into a new file, once; only you may read the file.")
        export.add_argument("path", type=Path, metavar="PATH", help="A file that does not exist yet.")
        destroy = verbs.add_parser("destroy", help="Nobody can then make these pseudonyms again, or trace them.")
        destroy.add_argument("--yes", action="store_true", help="Yes, for good.")
        for verb in verbs.choices.values():
            verb.add_argument("--deployment", metavar="ID", help="Which deployment; not needed if there is only one.")

    def run(self, *, verb: str, deployment: str | None, **options):
        chosen_deployment = chosen(Deployment.objects.all(), deployment, how="--deployment")
        if verb == "export":
            self._export(chosen_deployment, options["path"].expanduser().absolute())
        else:
            self._destroy(chosen_deployment, sure=options["yes"])

    def _export(self, deployment: Deployment, path: Path) -> None:
        # Create the file first: the key can be exported only once, and must not be lost because a folder is missing.
        try:
            file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
        except FileExistsError:
            raise Conflict(f"{path} already exists; name a new file.") from None
        except OSError as error:
            raise Problem(f"{path} cannot be written: {error.strerror}.") from None
        with file:
            try:
                file.write(keys.export_key(deployment))
            except Problem:
                path.unlink()
                raise
        self.stdout.write(
            f"The key of {deployment.deployment_id} is in {path}. Anyone with this key and an id can compute its "
            "pseudonym: keep the key separate from the exports."
        )

    def _destroy(self, deployment: Deployment, *, sure: bool) -> None:
        if not sure:
            raise UsageError(
                f"This destroys the key of {deployment.deployment_id} and of those that continue it, for good: later "
                "exports have other pseudonyms, which cannot be joined with earlier ones. Add --yes to confirm."
            )
        destroy_key(deployment)
        self.mirror(to_mirror(deployment), done="The key is destroyed, but the anonymous face still shows the old one.")
        self.stdout.write(
            f"The key of {deployment.deployment_id} is destroyed. Copies may be in backups of this site's database and "
            "in a key file that was exported. The anonymous face has a new key and other pseudonyms."
        )
