"""Keys of STORAGE_KEY, and what is derived from them. docs/store.md describes all of it for other programs."""

import base64
import hmac
import re

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# A content hash in a file's name, with the two folders that repeat its first characters.
_HASH = re.compile(r"(?:(?<![^/])([0-9a-f]{2})/([0-9a-f]{2})/(?=\1\2))?(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class StorageKey:
    """A key: 32 bytes as URL-safe base64. `id` names it in headers of files and reveals nothing about it."""

    def __init__(self, text: str):
        self._secret = base64.urlsafe_b64decode(text)
        self.id = _derive(self._secret, b"psynetdata key id", length=8).hex()
        self._name_secret = _derive(self._secret, b"psynetdata names")

    def __repr__(self) -> str:
        return f"StorageKey {self.id}"

    def cipher(self, fixed: bytes, salt: bytes) -> AESGCM:
        """Return the cipher of one file. `fixed`: the beginning of its header, which is protected in this way."""
        return AESGCM(_derive(self._secret, fixed, salt=salt))

    def stored_name(self, name: str) -> str:
        """Return the name in the storage: every content hash is replaced by an HMAC that only the key can compute.

        Equal names stay equal, so that equal content is still stored once.
        """
        return _HASH.sub(lambda match: self._hidden(name[: match.end()], bool(match[1])), name)

    def _hidden(self, upto: str, in_folders: bool) -> str:
        code = hmac.digest(self._name_secret, upto.encode(), "sha256").hex()
        return f"{code[:2]}/{code[2:4]}/{code}" if in_folders else code


def _derive(secret: bytes, purpose: bytes, *, salt: bytes | None = None, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(secret)
