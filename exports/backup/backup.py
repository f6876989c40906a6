"""Back up the site's database and keys, verify the copy, and delete old ones.

    psynetdata-<installation>-<time>.zip           manifest.json, and site.jsonl with all rows of the site's database
    psynetdata-<installation>-<time>.zip.sealed    instead, with BACKUP_PASSPHRASE: the same, encrypted with a new key
    psynetdata-<installation>-<time>.keys          that key, master key, secret key and settings, encrypted to the
                                                   passphrase

Snapshots, assets and archives are in the storage and are not copied; the mirror is rebuilt.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from exports.store.installation import check
from psynetdata import env
from psynetdata.database_version import applied_migrations
from psynetdata.infra.sealed.keys import StorageKey
from psynetdata.infra.sealed.stream import seal_stream
from psynetdata.jobs import Running
from psynetdata.psynet.problems import Damaged, Problem, UsageError

from . import keys_file, site_rows

KIND = "backup"
FORMAT = 1
SEALED = ".sealed"
_DRILL_SECONDS = 600
_OURS = re.compile(r"psynetdata-[0-9a-f]{8}-\d{8}T\d{12}Z\.(?:zip|zip\.sealed|keys)")


@dataclass(frozen=True)
class BackupResult:
    """`name` of the backup in its place; `rows` of the site's database; `keys`: whether a keys file lies next to it."""

    name: str
    bytes: int
    rows: int
    keys: bool
    deleted: int

    def to_json(self) -> dict:
        return asdict(self)


def place_of(text: str) -> Storage:
    """Return the storage at a URL (file, s3, sftp) or in a folder. Raises UsageError."""
    try:
        described = env.storage(text) if "://" in text else env.local_storage(Path(text).expanduser().absolute())
    except ValueError as error:
        raise UsageError(f"The place of backups cannot be used: {error}.") from None
    return storages.create_storage(described)


def backup(place: Storage, running: Running, *, passphrase: str, keep: int) -> BackupResult:
    """Write a backup, restore it into a scratch folder as a test, then delete all but the newest `keep`.

    Without a passphrase there is no keys file. Raises Damaged if the copy cannot be restored; older backups then stay.
    """
    stem = f"psynetdata-{check().installation_id[:8]}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="backup-") as name:
        path = Path(name) / f"{stem}.zip"
        running.progress("copying the site's rows")
        counts = _write(path)
        running.progress("restoring the copy as a test")
        _drill(path, counts)
        running.progress("storing the backup")
        if passphrase:
            path, key = _encrypted(path)
            # The keys first: a backup that is there can be opened.
            place.save(f"{stem}.keys", ContentFile(keys_file.seal(passphrase, key)))
        with path.open("rb") as file:
            place.save(path.name, File(file))
        size = path.stat().st_size
        if place.size(path.name) != size:
            raise Damaged("The place of backups changed the file; try again, or check the place.")
    deleted = _delete_old(place, keep)
    return BackupResult(path.name, size, sum(counts.values()), bool(passphrase), deleted)


def _write(path: Path) -> dict[str, int]:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("site.jsonl", "w", force_zip64=True) as file:
            hashing = _Hashing(file)
            counts = site_rows.write(hashing)
        manifest = {
            "psynetdata": "backup",
            "format": FORMAT,
            "written_at": datetime.now(UTC).isoformat(),
            "migrations": applied_migrations(),
            "rows": counts,
            "sha256": hashing.digest.hexdigest(),
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    path.chmod(0o600)
    return counts


def _encrypted(path: Path) -> tuple[Path, str]:
    """Encrypt the backup with a new key. Return (the new file, the key)."""
    key = base64.urlsafe_b64encode(os.urandom(32)).decode("ascii")
    sealed = path.with_name(path.name + SEALED)
    with path.open("rb") as plain, sealed.open("wb") as file:
        seal_stream(plain, file, StorageKey(key), path.name)
    return sealed, key


class _Hashing:
    """A file that is being written, and the SHA-256 of what was written."""

    def __init__(self, file):
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._file.write(data)


def _drill(path: Path, counts: dict[str, int]) -> None:
    """Restore the backup into a new database in a process of its own, as on an empty machine."""
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="drill-") as folder:
        scratch = {"DATA_DIR": folder, "DATABASE_URL": "", "STORAGE_URL": "", "REDIS_URL": "", "MASTER_KEY": ""}
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "restore-desk", str(path), "--check"]
        done = subprocess.run(
            command, env=os.environ | scratch, capture_output=True, text=True, timeout=_DRILL_SECONDS, check=False
        )
    expected = f"{sum(counts.values())} rows"
    if done.returncode or expected not in done.stdout:
        raise Problem(f"The backup was written but cannot be restored, so it is not kept: {done.stderr.strip()[-300:]}")


def _delete_old(place: Storage, keep: int) -> int:
    """Delete all but the newest backups; files with other names stay."""
    found = sorted(name for name in place.listdir("")[1] if _OURS.fullmatch(name))
    stems = sorted({name.partition(".")[0] for name in found}, key=lambda stem: stem.rpartition("-")[2])
    gone = set(stems[:-keep]) if keep else set()
    for name in found:
        if name.partition(".")[0] in gone:
            place.delete(name)
    return len(gone)
