from django.conf import settings

from exports.backup import schedule
from exports.backup.backup import KIND
from exports.models import Installation
from exports.store.installation import check
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import UsageError


class Command(BaseCommand):
    help = (
        "Back up the site's database, keys and settings, and restore the copy as a test. Snapshots and assets are in "
        "the storage and are not copied."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--to",
            metavar="PLACE",
            help="A folder, or a URL like STORAGE_URL. Default: where the last schedule put it.",
        )
        parser.add_argument(
            "--every", type=int, metavar="HOURS", help="From now on back up there every so many hours; 0: never again."
        )

    def run(self, *, to: str | None, every: int | None, **options):
        check()
        place = to or Installation.objects.get().backup_place
        if not place:
            raise UsageError("Name a place for the backup, such as --to /mnt/backups or --to s3://bucket/prefix.")
        if every is not None:
            if every < 0:
                raise UsageError("--every takes a number of hours, or 0 for never.")
            schedule.set_schedule(place, every)
            if not every:
                self.stdout.write("There are no regular backups any more.")
                return
        result = self.job(KIND, options={"place": place}).result
        keys = "with its keys file next to it" if result["keys"] else "without keys"
        self.stdout.write(
            f"{result['name']}: {result['rows']} rows, {result['bytes']} bytes, restored as a test, {keys}"
        )
        if result["deleted"]:
            self.stdout.write(f"{result['deleted']} older backups were deleted (BACKUP_KEEP={settings.BACKUP_KEEP})")
        if every:
            self.stdout.write(f"The next backups follow every {every} hours, while the desk is running.")
        if not result["keys"]:
            self.warn(
                "The backup does not contain the master key, without which passwords and pseudonyms are lost. Set "
                "BACKUP_PASSPHRASE, or keep a copy of the master key elsewhere."
            )
