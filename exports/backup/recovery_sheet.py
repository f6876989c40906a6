"""What to keep on paper: without it nobody can restore a desk whose machine is lost."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from exports.models import Installation
from exports.store.installation import check
from exports.store.second_copy.place import ALIAS as SECOND_COPY
from exports.store.second_copy.place import is_configured
from exports.store.storage_keys import configured_keys
from psynetdata import env
from psynetdata.models import Audit


@dataclass(frozen=True)
class RecoverySheet:
    """`places`: [(what, where it is)]; `blanks`: what somebody writes by hand; `steps` to restore the desk."""

    places: list[tuple[str, str]]
    blanks: list[str]
    steps: list[str]

    def to_text(self) -> str:
        lines = [f"Recovery sheet of {settings.SITE_NAME} ({settings.SITE_URL})", ""]
        lines += [f"{what}: {where}" for what, where in self.places]
        lines += ["", *(f"{blank}: ____________________" for blank in self.blanks), ""]
        lines += [f"{number}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join(lines) + "\n"


def recovery_sheet() -> RecoverySheet:
    """Return the sheet of this desk. It names places and contains no secret."""
    row = check()
    places = [
        ("Installation", row.installation_id),
        (
            "Master key",
            "the variable MASTER_KEY" if "MASTER_KEY" in env.given else str(settings.DATA_DIR / "master_key"),
        ),
        *(
            [("Storage key", f"the variable STORAGE_KEY, key {' and '.join(keys)}; without it the storage is lost")]
            if (keys := configured_keys())
            else []
        ),
        ("Site's database", settings.DATABASES["default"]["ENGINE"].rpartition(".")[2] + _host()),
        ("Storage", _place(settings.STORAGES["default"])),
        *([("Its second copy", _place(settings.STORAGES[SECOND_COPY]))] if is_configured() else []),
        ("Backups", _backups(row)),
    ]
    blanks = [
        "Passphrase of the backups (BACKUP_PASSPHRASE)",
        "Who else has a copy of this sheet",
        "Date and signature",
    ]
    steps = [
        "Install psynetdata on an empty machine (README).",
        "Make the storage available there, and copy the newest backup (.zip.sealed and .keys).",
        "BACKUP_PASSPHRASE='…' manage.py restore-desk psynetdata-….zip.sealed",
        "Set what restored-settings.env lists, then: manage.py rebuild, if it says that the database is older.",
        "make run, and manage.py verify --all. docs/backup.md explains each step.",
    ]
    return RecoverySheet(places, blanks, steps)


def confirm(user) -> None:
    """Record that somebody keeps the sheet, so that the desk no longer reminds of it."""
    Installation.objects.filter(pk=check().pk).update(sheet_confirmed_at=timezone.now())
    Audit.record("confirm recovery sheet", user=user, target="the recovery sheet is on paper")


def is_confirmed() -> bool:
    return Installation.objects.filter(sheet_confirmed_at__isnull=False).exists()


def _host() -> str:
    described = settings.DATABASES["default"]
    return f" on {described['HOST']}" if described.get("HOST") else f", {described['NAME']}"


def _place(entry: dict) -> str:
    """Return where a storage is, from its entry in STORAGES."""
    options = env.unsealed(entry).get("OPTIONS", {})
    if "location" in options and "bucket_name" not in options:
        return options["location"]
    bucket = options.get("bucket_name")
    if bucket:
        return f"s3://{bucket}/{options.get('location', '')}"
    return f"sftp://{options.get('host')}{options.get('root', '')}"


def _backups(row: Installation) -> str:
    if not row.backup_every_hours:
        return "none yet; manage.py backup --to PLACE --every 24"
    return f"{row.backup_place}, every {row.backup_every_hours} hours"
