"""What a desk needs besides its rows, encrypted to a passphrase: the backup's key, master key, secret key, settings."""

import base64
import json
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings

from psynetdata import env, sealing
from psynetdata.psynet.problems import BadInput, Conflict

# The keys have fields of their own, and the passphrase would lie in what it closes.
_NOT_IN_IT = ("MASTER_KEY", "SECRET_KEY", "BACKUP_PASSPHRASE")
_COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MB and a tenth of a second for each guess
_HOW = (
    "key = urlsafe_base64(scrypt(passphrase, salt, n=32768, r=8, p=1, length=32)); sealed is a Fernet token of JSON "
    "with backup_key (opens the .zip.sealed file with tools/unseal.py), master_key, secret_key and settings."
)


def seal(passphrase: str, backup_key: str) -> bytes:
    """Return the content of a keys file. `backup_key`: opens the backup that lies next to it."""
    salt = os.urandom(16)
    content = {
        "backup_key": backup_key,
        "master_key": sealing.master_key(),
        "secret_key": settings.SECRET_KEY,
        "settings": {name: value for name, value in sorted(env.given.items()) if name not in _NOT_IN_IT},
    }
    sealed = _fernet(passphrase, salt).encrypt(json.dumps(content).encode()).decode("ascii")
    kept = {"psynetdata": "keys", "format": 1, "salt": base64.b64encode(salt).decode("ascii"), "how": _HOW}
    return json.dumps({**kept, "sealed": sealed}, indent=1).encode()


def unseal(data: bytes, passphrase: str) -> dict:
    """Return {"backup_key", "master_key", "secret_key", "settings"}.

    Raises BadInput, and Conflict for a wrong passphrase.
    """
    try:
        kept = json.loads(data)
        salt, sealed = base64.b64decode(kept["salt"]), kept["sealed"].encode("ascii")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput("This is not a keys file of a backup; it ends with .keys and lies next to the backup.") from None
    try:
        return json.loads(_fernet(passphrase, salt).decrypt(sealed))
    except InvalidToken:
        raise Conflict("The passphrase does not open this keys file (BACKUP_PASSPHRASE).") from None


def _fernet(passphrase: str, salt: bytes) -> Fernet:
    key = Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(key))
