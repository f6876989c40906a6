import uuid

from exports.management.text_table import rows_per_table
from exports.models import Snapshot
from exports.sources import registry
from psynetdata import credentials
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import NotFound, UsageError


class Command(BaseCommand):
    help = "Restore a snapshot's rows, and its asset files, into a PostgreSQL database whose tables exist."

    def add_arguments(self, parser):
        parser.add_argument("snapshot", type=int, metavar="SNAPSHOT", help="The snapshot's number.")
        parser.add_argument(
            "--database",
            required=True,
            metavar="URL",
            help="Like postgres://user@host:5432/database, ssh://user@host/app or heroku://app.",
        )
        parser.add_argument(
            "--password-env", metavar="NAME", help="The environment variable that holds the password of the database."
        )
        parser.add_argument("--replace", action="store_true", help="Delete existing rows, in the same transaction.")
        parser.add_argument(
            "--assets", metavar="URL", help="file:///folder, where each asset file goes to its host_path."
        )

    def run(self, *, snapshot: int, database: str, password_env: str | None, **options):
        row = Snapshot.objects.select_related("deployment").filter(pk=snapshot).first()
        if row is None:
            raise NotFound(f"There is no snapshot {snapshot}.")
        located = registry.kind_of_url(database).locate(database)
        secret = _reference(located.password, password_env)
        try:
            job = self.job(
                "restore",
                deployment=row.deployment,
                options={
                    "snapshot": row.pk,
                    "database": located.url,
                    "secret": secret,
                    "replace": options["replace"],
                    "assets": options["assets"],
                },
            )
        finally:
            credentials.forget(secret)
        for sentence in job.result["warnings"]:
            self.warn(sentence)
        self._print_result(row, located.label, job.result)

    def _print_result(self, snapshot: Snapshot, label: str, result: dict) -> None:
        lines = "\n".join(rows_per_table(result["rows"]))
        self.stdout.write(f"{lines}, {len(result['sequences'])} sequences")
        if result["assets"]:
            self.stdout.write(f"{result['assets']} asset files")
        self.stdout.write(f"\n{snapshot} is in {label}; every row was read back and compared")


def _reference(password: str | None, variable: str | None) -> str:
    """Return where the password is kept while the job runs; it is never in the job's row."""
    if password and variable:
        raise UsageError("The address holds a password and --password-env names another; leave one out.")
    if variable:
        return f"env:{variable}"
    return credentials.keep(f"restore-{uuid.uuid4().hex}", password) if password else ""
