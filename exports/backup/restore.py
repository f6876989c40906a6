"""Restore a desk from a backup, on an empty machine."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from psynetdata.database_version import unknown_migrations
from psynetdata.infra.sealed.keys import StorageKey
from psynetdata.infra.sealed.stream import open_stream
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Conflict, Damaged

from . import keys_file, site_rows
from .backup import FORMAT, SEALED


@dataclass(frozen=True)
class RestoredDesk:
    """`settings`: a file with the settings of the former desk, if there was a keys file."""

    rows: int
    written_at: str
    settings: Path | None


def restore_desk(path: Path, *, keys: bytes | None = None, passphrase: str = "") -> RestoredDesk:
    """Restore rows and, from a keys file, keys. Raises Conflict unless this desk is empty; then nothing is changed."""
    opened = keys_file.unseal(keys, passphrase) if keys is not None else None
    if path.suffix != SEALED:
        return _restore(path, opened)
    if opened is None:
        raise Conflict(f"{path.name} is encrypted; its keys file is needed too (--keys FILE).")
    with NamedTemporaryFile(dir=settings.TEMP_DIR, suffix=".zip") as plain:
        _decrypt(path, StorageKey(opened["backup_key"]), plain)
        return _restore(Path(plain.name), opened)


def _decrypt(path: Path, key: StorageKey, plain: BinaryIO) -> None:
    try:
        with path.open("rb") as sealed:
            open_stream(sealed, plain, [key])
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except Damaged:
        raise Damaged(f"{path.name} is damaged, or its keys file is of another backup; use another one.") from None
    plain.flush()


def _restore(path: Path, opened: dict | None) -> RestoredDesk:
    manifest = _checked(path)
    call_command("migrate", verbosity=0, interactive=False)
    if Deployment.objects.exists() or get_user_model().objects.exists():
        raise Conflict(
            "This desk already has accounts or deployments. Restore into an empty one: another DATA_DIR and, if it is "
            "used, another DATABASE_URL."
        )
    counts = site_rows.replace_all(_lines(path))
    if counts != {**dict.fromkeys(counts, 0), **manifest["rows"]}:
        raise Damaged("The rows that were restored are not those that the backup lists; use an older backup.")
    return RestoredDesk(sum(counts.values()), manifest["written_at"], _write_keys(opened) if opened else None)


def _checked(path: Path) -> dict:
    """Return the backup's manifest. Raises BadInput, Damaged, and Conflict if a newer version wrote it."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            digest = hashlib.sha256()
            with archive.open("site.jsonl") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        if manifest["psynetdata"] != "backup":
            raise KeyError("psynetdata")
        known = set(manifest["rows"]), manifest["sha256"], manifest["written_at"]
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        raise BadInput(f"{path.name} is not a backup of a desk, or it is damaged; use another one.") from None
    if digest.hexdigest() != known[1]:
        raise Damaged(f"{path.name} is damaged: the hash of its rows does not match; use another backup.")
    ours = {model._meta.label_lower for model in site_rows.site_models()}
    if manifest["format"] > FORMAT or known[0] - ours or unknown_migrations(manifest["migrations"]):
        raise Conflict(f"{path.name} was written by a newer version of psynetdata; restore it with that version.")
    return manifest


def _lines(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive, archive.open("site.jsonl") as file:
        yield from file


def _write_keys(opened: dict) -> Path:
    for name in ("master_key", "secret_key"):
        _write_private(settings.DATA_DIR / name, opened[name])
    lines = "".join(f"{name}={json.dumps(value)}\n" for name, value in opened["settings"].items())
    return _write_private(settings.DATA_DIR / "restored-settings.env", lines)


def _write_private(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    return path
