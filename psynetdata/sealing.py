"""Seals what must not be stored in clear text with the master key: MASTER_KEY, or the file `master_key` in DATA_DIR.

The database holds the key's fingerprint, so that a missing or foreign key is reported before anything is sealed with
a second one. A new key is made only for a database that has neither a fingerprint nor a sealed value.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from . import env
from .models import Deployment, KeyFingerprint, Secret
from .psynet.problems import Problem

_checked: set[str] = set()  # keys that were compared with the database by this process


def seal(value: str) -> str:
    """Return the value as text that only the master key can decrypt."""
    return _fernet(master_key()).encrypt(value.encode()).decode("ascii")


def unseal(sealed: str, *, within: int | None = None) -> str:
    """Return the decrypted value. Raises InvalidToken with another key, or if sealed over `within` seconds ago."""
    return _fernet(master_key()).decrypt(sealed.encode(), ttl=within).decode()


def seal_key(key: bytes) -> str:
    """Return a pseudonym key as text that only the master key can decrypt (AES-128-CBC with HMAC-SHA256)."""
    return _fernet_for_keys(master_key()).encrypt(key).decode("ascii")


def unseal_key(sealed: str) -> bytes:
    """Return the pseudonym key that `seal_key` encrypted. Raises Problem if the master key is a different one."""
    try:
        return _fernet_for_keys(master_key()).decrypt(sealed.encode())
    except InvalidToken:
        raise Problem(
            "The pseudonym key cannot be decrypted with this installation's master key. "
            f"Restore the master key that encrypted it (MASTER_KEY, or the file {settings.MASTER_KEY_FILE})."
        ) from None


def master_key() -> str:
    """Return the master key; make one for a new database. Raises Problem if it is missing, or is not this database's.

    Each process compares it with the database until something is sealed.
    """
    key = settings.MASTER_KEY or env.stored_secret(settings.MASTER_KEY_FILE)
    if key in _checked:
        return key
    known, values = KeyFingerprint.objects.first(), _sealed_values()
    if not key:
        if known or values:
            raise _missing()
        key = env.kept_secret(settings.MASTER_KEY_FILE, lambda: Fernet.generate_key().decode())
    if values and not any(_opens(make(key), value) for make, value in values):
        raise _foreign()
    if known is None:
        known, _ = KeyFingerprint.objects.get_or_create(pk=1, defaults={"fingerprint": _fingerprint(key)})
    if known.fingerprint != _fingerprint(key):
        if values:
            raise _foreign()
        # A desk that is rebuilt from its store gets the former desk's key after its own first start.
        KeyFingerprint.objects.filter(pk=known.pk).update(fingerprint=_fingerprint(key))
    if values:
        _checked.add(key)
    return key


def _sealed_values() -> list[tuple[Callable[[str], Fernet], str]]:
    """Return all sealed values of the database, and for each what makes a Fernet for it from the master key."""
    keys = Deployment.objects.exclude(sealed_key="").values_list("sealed_key", flat=True)
    secrets = Secret.objects.values_list("sealed", flat=True)
    return [(_fernet_for_keys, key) for key in keys] + [(_fernet, secret) for secret in secrets]


def _opens(fernet: Fernet, sealed: str) -> bool:
    try:
        fernet.decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise Problem(f"The file {settings.MASTER_KEY_FILE} does not hold a key; restore it from a backup.") from None


def _fernet_for_keys(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"psynetdata pseudonym key\0" + key.encode()).digest()))


def _fingerprint(key: str) -> str:
    _fernet(key)
    return hmac.digest(key.encode(), b"fingerprint of the master key", "sha256").hex()


def _missing() -> Problem:
    return Problem(
        "The master key with which this database's secrets were sealed is missing; restore the file "
        f"{settings.MASTER_KEY_FILE} from a backup, or set MASTER_KEY to that key."
    )


def _foreign() -> Problem:
    where = "MASTER_KEY" if settings.MASTER_KEY else f"The key in {settings.MASTER_KEY_FILE}"
    return Problem(
        f"{where} is not the master key with which this database's secrets were sealed; restore that key from a "
        f"backup, as MASTER_KEY or as the file {settings.MASTER_KEY_FILE}."
    )
