from exports.models import Snapshot
from exports.operations.adopt import adopt, adopt_second_copy
from exports.store import installation
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import UsageError


class Command(BaseCommand):
    help = "Make this database and this storage belong together from now on, though their ids differ."

    def add_arguments(self, parser):
        parser.add_argument("--yes", action="store_true", help="Yes: another database of this storage is locked out.")
        parser.add_argument(
            "--copy", action="store_true", help="Only let the second copy (STORAGE_MIRROR_URL) belong to this storage."
        )

    def run(self, *, yes: bool, copy: bool, **options):
        if copy:
            adopt_second_copy()
            self.stdout.write("The second copy belongs to this storage now, and is brought up to date within minutes.")
            return
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
