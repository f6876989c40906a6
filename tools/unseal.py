"""Decrypt files of an encrypted storage without psynetdata: this file, Python and `cryptography` are enough.

    STORAGE_KEY=… python unseal.py STORAGE TARGET

STORAGE is the storage's folder, copied from wherever it is, or one file of it. Each file is decrypted into the folder
TARGET under the name that psynetdata uses for it; what is not encrypted is copied. STORAGE_KEY holds one or several
keys, separated by spaces or commas. docs/store.md describes the format. Exit status 1: at least one file is damaged.
"""

import base64
import os
import shutil
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC, VERSION = b"PSYNSEAL", 1
CHUNK = (64 << 10) + 16  # with its tag
MORE, LAST, NAME = 0, 1, 2


class Damaged(Exception):
    pass


def derive(secret: bytes, purpose: bytes, salt: bytes | None = None, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(secret)


def nonce(number: int, kind: int) -> bytes:
    return number.to_bytes(11, "big") + bytes([kind])


def read_keys(text: str) -> dict[bytes, bytes]:
    """Return {key id: key}."""
    secrets = [base64.urlsafe_b64decode(word) for word in text.replace(",", " ").split()]
    return {derive(secret, b"psynetdata key id", length=8): secret for secret in secrets}


def read_header(file, keys: dict[bytes, bytes]) -> tuple[str, AESGCM]:
    """Return (the name inside, the cipher for the chunks that follow)."""
    fixed, salt, length = file.read(17), file.read(32), int.from_bytes(file.read(2), "big")
    if fixed[8] != VERSION:
        raise Damaged(f"its format {fixed[8]} is not known")
    if fixed[9:] not in keys:
        raise Damaged(f"the key {fixed[9:].hex()} is not in STORAGE_KEY")
    cipher = AESGCM(derive(keys[fixed[9:]], fixed, salt))
    return cipher.decrypt(nonce(0, NAME), file.read(length + 16), None).decode(), cipher


def decrypt(file, cipher: AESGCM, target) -> None:
    number, piece = 0, file.read(CHUNK)
    while True:
        following = file.read(CHUNK)
        target.write(cipher.decrypt(nonce(number, MORE if following else LAST), piece, None))
        if not following:
            return
        number, piece = number + 1, following


def unseal(path: Path, clear_name: str, folder: Path, keys: dict[bytes, bytes]) -> None:
    """Decrypt one file into the folder, or copy it there as `clear_name`. Raises Damaged."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            target = folder / clear_name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            return
        file.seek(0)
        partial = None
        try:
            name, cipher = read_header(file, keys)
            target = folder / name
            if folder.resolve() not in target.resolve().parents:
                raise Damaged("its name leads out of the folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(target.name + ".part")
            with partial.open("wb") as out:
                decrypt(file, cipher, out)
            partial.replace(target)
        except (InvalidTag, IndexError):
            if partial:
                partial.unlink(missing_ok=True)
            raise Damaged("it was changed, or it ends too early") from None


def main() -> int:
    if len(sys.argv) != 3 or not os.environ.get("STORAGE_KEY"):
        print(__doc__, file=sys.stderr)
        return 2
    source, folder, keys = Path(sys.argv[1]), Path(sys.argv[2]), read_keys(os.environ["STORAGE_KEY"])
    paths = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    damaged = 0
    for path in paths:
        try:
            unseal(path, str(path.relative_to(source) if source.is_dir() else path.name), folder, keys)
        except Damaged as problem:
            damaged += 1
            print(f"{path}: {problem}", file=sys.stderr)
    print(f"{len(paths) - damaged} of {len(paths)} files are in {folder}", file=sys.stderr)
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
