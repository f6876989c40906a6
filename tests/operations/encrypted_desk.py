"""A desk with files of every kind, and what its storage holds, for the tests of encryption."""

from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from cryptography.fernet import Fernet
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages

from exports.models import Snapshot, StoredAsset
from exports.server import source_code
from exports.store import manifests
from exports.store.storage_listing import names

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
MARK = "nobody-outside-may-read-this-answer"
MAGIC = b"PSYNSEAL"


def stored_bytes(backend: dict) -> dict[str, bytes]:
    """Return all files of a backend as they are there."""
    kept = storages.create_storage(backend)
    folders, files = kept.listdir("")
    every = [*files, *(name for folder in folders for name in names(kept, folder))]
    contents = {}
    for name in every:
        with kept.open(name, "rb") as file:
            contents[name] = file.read()
    return contents


def hashes() -> set[str]:
    """Return the content hashes that rows name."""
    found = set(StoredAsset.objects.values_list("sha256", flat=True))
    for snapshot in Snapshot.objects.all():
        found |= {entry["state"][:64] for entry in snapshot.tables.values()}
    return found


def check_secret(contents: dict[str, bytes]) -> None:
    """Every file but the mark of the installation is encrypted, and no name confirms content."""
    clear = {name for name, data in contents.items() if not data.startswith(MAGIC)}
    assert clear == {"installation.json"}
    everything = b"".join(contents.values()) + "".join(contents).encode()
    for secret in (MARK, *hashes()):
        assert secret.encode() not in everything


def fill(tmp_path, typed, marked_zip) -> None:
    """Files of every kind: packs, segments, states, assets, source code, an archive, manifests."""
    assert typed("load", marked_zip)[0] == 0
    deployment = Snapshot.objects.get().deployment
    content = MARK.encode()
    asset = StoredAsset.objects.create(
        deployment=deployment, asset_id=1, sha256=sha256(content).hexdigest(), bytes=len(content), source="x" * 64
    )
    default_storage.save(asset.file, ContentFile(content))
    with ZipFile(tmp_path / "code.zip", "w") as code:
        code.writestr("experiment.py", f"# {MARK}\nclass Exp:\n    pass\n")
    source_code.keep(deployment, tmp_path / "code.zip")
    assert typed("export", "--path", tmp_path / "out", "--assets", "none", "--anonymize", "no")[0] == 0
    manifests.save_due()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
