from exports.models import Snapshot
from exports.operations.adopt import adopt
from exports.store import installation
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import UsageError


class Command(BaseCommand):
    help = "Make this database and this storage belong together from now on, though their ids differ."

    def add_arguments(self, parser):
        parser.add_argument("--yes", action="store_true", help="Yes: another database of this storage is locked out.")

    def run(self, *, yes: bool, **options):
        try:
            installation.check()
        except installation.WrongStorage as problem:
            if not yes:
                raise UsageError(
                    f"{problem.sentence} The database has {Snapshot.objects.count()} snapshots. Afterwards any other "
                    "database of this storage is locked out; add --yes to confirm."
                ) from None
        else:
            self.stdout.write("Database and storage belong together already; nothing was changed.")
            return
        row = adopt()
        self.stdout.write(
            f"Database and storage are {row} now. Files that the database does not know stay in the storage; "
            "`manage.py verify --all` checks those that it does."
        )
