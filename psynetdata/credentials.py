"""Passwords and keys of sources: rows hold a reference, never the secret itself (law 10).

A reference is `env:NAME` (an environment variable), `secret:NAME` (a row of Secret that only MASTER_KEY can
decrypt), or `file:/path` (a file on this machine with a private key). With an empty reference nothing is stored, and
the client library uses its own sources (libpq: PGPASSWORD, ~/.pgpass).
"""

import os
from pathlib import Path

from cryptography.fernet import InvalidToken

from .models import Secret
from .psynet.problems import NotFound, Problem
from .sealing import seal, unseal

_KEY_BEGINS_WITHIN = 64  # characters


def keep(name: str, value: str) -> str:
    """Encrypt and store a secret under a name, replacing the previous one, and return its reference."""
    Secret.objects.update_or_create(name=name, defaults={"sealed": seal(value)})
    return f"secret:{name}"


def reveal(reference: str) -> str | None:
    """Return the secret of a reference, None for an empty one. Raises a Problem that names the reference."""
    kind, _, name = reference.partition(":")
    if not reference:
        return None
    if kind == "env":
        if name not in os.environ:
            raise Problem(f"The environment variable {name} is not set; it should hold the password of the source.")
        return os.environ[name]
    if kind == "file":
        return _private_key(name)
    secret = Secret.objects.filter(name=name).first()
    if secret is None:
        raise NotFound(f"The secret {name} is no longer stored here; enter the source's password again.")
    try:
        return unseal(secret.sealed)
    except InvalidToken:
        raise Problem(
            f"The secret {name} cannot be decrypted with this installation's master key. Restore the master key that "
            "encrypted it (MASTER_KEY, or the file master_key in DATA_DIR), or enter the password again."
        ) from None


def _private_key(path: str) -> str:
    """Return a private key from a file. Any other file is refused: it would be sent to a server as a password."""
    try:
        text = Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        text = ""
    if "PRIVATE KEY-----" not in text[:_KEY_BEGINS_WITHIN]:
        raise Problem(f"The file {path} cannot be read, or does not contain a private key.")
    return text


def forget(reference: str) -> None:
    """Delete a stored secret; other references have nothing to delete."""
    kind, _, name = reference.partition(":")
    if kind == "secret":
        Secret.objects.filter(name=name).delete()
