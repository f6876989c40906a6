"""Passwords and keys that sources need: rows hold a reference, never the thing itself (law 10).

A reference is `env:NAME`, a variable of the environment, `secret:NAME`, a row of Secret that only MASTER_KEY
opens, or `file:/path`, a file of this machine that holds a private key. An empty reference: nothing is kept, and
the client library looks in its own places (libpq: PGPASSWORD, ~/.pgpass).
"""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from .models import Secret
from .psynet.problems import NotFound, Problem

_KEY_BEGINS_WITHIN = 64  # characters


def keep(name: str, value: str) -> str:
    """Seal a secret under a name, in place of what stood there; its reference."""
    Secret.objects.update_or_create(name=name, defaults={"sealed": seal(value)})
    return f"secret:{name}"


def reveal(reference: str) -> str | None:
    """What a reference stands for, None for an empty one. Raises a Problem that names the reference."""
    kind, _, name = reference.partition(":")
    if not reference:
        return None
    if kind == "env":
        if name not in os.environ:
            raise Problem(f"The environment variable {name} is not set; it should hold the password of the source.")
        return os.environ[name]
    if kind == "file":
        return _private_key(name)
    found = Secret.objects.filter(name=name).first()
    if found is None:
        raise NotFound(f"The secret {name} is not kept here any more; give the source's password again.")
    try:
        return unseal(found.sealed)
    except InvalidToken:
        raise Problem(
            f"The secret {name} cannot be opened with this installation's master key; put back the one it was "
            "sealed with (MASTER_KEY, or the file master_key in DATA_DIR), or give the password again."
        ) from None


def _private_key(path: str) -> str:
    """Nothing but a key: whoever may name a file must not have another one sent to a server as a password."""
    try:
        text = Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        text = ""
    if "PRIVATE KEY-----" not in text[:_KEY_BEGINS_WITHIN]:
        raise Problem(f"The file {path} cannot be read, or holds no private key.")
    return text


def forget(reference: str) -> None:
    """Delete a kept secret; other references have nothing to delete."""
    kind, _, name = reference.partition(":")
    if kind == "secret":
        Secret.objects.filter(name=name).delete()


def seal(value: str) -> str:
    """The value as text that only MASTER_KEY opens."""
    return _fernet().encrypt(value.encode()).decode("ascii")


def unseal(sealed: str, *, within: int | None = None) -> str:
    """What was sealed. Raises InvalidToken where it is not ours to open, or was sealed over `within` seconds ago."""
    return _fernet().decrypt(sealed.encode(), ttl=within).decode()


def _fernet() -> Fernet:
    return Fernet(settings.MASTER_KEY.encode())
