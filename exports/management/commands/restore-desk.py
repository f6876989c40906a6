import getpass
import sys
from pathlib import Path

from django.conf import settings

from exports.backup.restore import restore_desk
from exports.mirroring import mirror_claims
from exports.operations.rebuild import newest
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import Problem, UsageError


class Command(BaseCommand):
    help = "Restore a desk from a backup, into an empty DATA_DIR (and database)."

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path, metavar="FILE", help="The backup, psynetdata-….zip or ….zip.sealed.")
        parser.add_argument("--keys", type=Path, metavar="FILE", help="Default: the .keys file next to the backup.")
        parser.add_argument("--check", action="store_true", help="Only the rows, as a test of the backup; no keys.")

    def run(self, *, path: Path, keys: Path | None, check: bool, **options):
        content = None if check else self._keys(path, keys)
        passphrase = _passphrase() if content is not None else ""
        restored = restore_desk(path.expanduser(), keys=content, passphrase=passphrase)
        self.stdout.write(f"{restored.rows} rows of {restored.written_at} are restored")
        if check:
            return
        for snapshot in newest():
            mirror_claims.request(snapshot.deployment)
        if restored.settings:
            self.stdout.write(f"The former desk's settings are in {restored.settings}; set them before you start.")
        else:
            self.warn(
                "There was no keys file: give this desk the former MASTER_KEY, as the file master_key in DATA_DIR."
            )
        self.stdout.write(
            "Start the desk with `make run`; the mirror is filled then. If the storage is newer than the backup, it "
            "says so: `manage.py rebuild` adds what the backup lacks."
        )

    @staticmethod
    def _keys(path: Path, keys: Path | None) -> bytes | None:
        chosen = keys or path.with_name(path.name.partition(".")[0] + ".keys")
        try:
            return chosen.expanduser().read_bytes()
        except FileNotFoundError:
            if keys is None:
                return None
            raise UsageError(f"There is no file {keys}.") from None
        except OSError as error:
            raise Problem(f"{chosen} cannot be read: {error.strerror}.") from None


def _passphrase() -> str:
    if settings.BACKUP_PASSPHRASE:
        return settings.BACKUP_PASSPHRASE
    if not sys.stdin.isatty():
        raise UsageError("Set BACKUP_PASSPHRASE to the passphrase of the keys file.")
    return getpass.getpass("Passphrase of the keys file: ")
