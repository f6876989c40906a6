from django.conf import settings
from django.core.files.storage import storages

from exports.management.mirroring_command import MirroringCommand
from exports.operations import rebuild
from psynetdata import env
from psynetdata.psynet.problems import UsageError


class Command(MirroringCommand):
    help = "Rebuild history, deployments and decisions from the storage alone, when the site's database is lost or old."

    def add_arguments(self, parser):
        parser.add_argument(
            "--from", dest="place", metavar="URL", help="Copy the files of another storage here first, as STORAGE_URL."
        )
        parser.add_argument(
            "--unsigned", action="store_true", help="Even from manifests that another master key signed, or nobody."
        )

    def run(self, *, place: str | None, unsigned: bool, **options):
        if place:
            copied = rebuild.copy_from(storages.create_storage(_storage(place)))
            self.stdout.write(f"{copied} files were copied from the other storage")
        result = rebuild.rebuild(unsigned=unsigned)
        for problem in result.problems:
            self.warn(problem)
        self.mirror(
            (snapshot.deployment for snapshot in rebuild.newest()), done="Everything is rebuilt but the mirror."
        )
        self.stdout.write(
            f"Rebuilt: {result.deployments} deployments, {result.snapshots} snapshots, {result.withdrawals} "
            f"withdrawals and {result.assets} asset files. Accounts, the audit log and archives of exports do not come "
            "back."
        )


def _storage(place: str) -> dict:
    """Return a STORAGES entry that also opens files which the keys of this desk encrypted."""
    try:
        entry = env.storage(place)
    except ValueError as error:
        raise UsageError(f"--from cannot be used: {error}.") from None
    return env.sealed(entry, settings.STORAGE_KEYS, clear=True) if settings.STORAGE_KEYS else entry
