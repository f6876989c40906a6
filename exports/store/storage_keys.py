"""The keys that the storage needs, as database and storage note them, compared with STORAGE_KEY."""

from collections.abc import Sequence
from contextlib import closing

from django.core.files.storage import default_storage
from django.db import DEFAULT_DB_ALIAS, connections

from exports.models import Installation
from psynetdata.infra.sealed.storage import SealedStorage, refuse_clear_when
from psynetdata.psynet.problems import Problem


class WrongKey(Problem):
    """STORAGE_KEY does not hold the keys with which the storage is encrypted."""

    status = 503


def configured_keys() -> list[str]:
    """Return the ids of the keys in STORAGE_KEY, the newest first; none if the storage is not to be encrypted."""
    return [key.id for key in default_storage.keys] if isinstance(default_storage, SealedStorage) else []


def check_keys(noted: Sequence[str]) -> list[str]:
    """Return the ids of the keys that files may need from now on. `noted`: those that they may need until now.

    Raises WrongKey if one of them is not configured.
    """
    configured = configured_keys()
    if noted and not configured:
        raise WrongKey(
            f"The storage is encrypted with the key {' and '.join(noted)}, but STORAGE_KEY is not set, so nothing is "
            "read, written or deleted. Set STORAGE_KEY to that key."
        )
    if missing := [key for key in noted if key not in configured]:
        raise WrongKey(
            f"The storage is encrypted with the key {' and '.join(missing)}, but STORAGE_KEY holds only "
            f"{' and '.join(configured)}, so nothing is read, written or deleted. Set STORAGE_KEY to the right key; to "
            "replace a key, write the new one before the old one until `manage.py storage encrypt` is done."
        )
    return [key for key in configured if key in noted or key == configured[0]]


@refuse_clear_when
def all_are_sealed() -> bool:
    """Return whether every file of the storage is encrypted, as the database knows.

    The storage is also read in forked processes, which must not use the connections that they inherited.
    """
    table = Installation._meta.db_table
    with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT sealed FROM {table} WHERE number = %s", [Installation.ONLY])
        row = cursor.fetchone()
    return bool(row and row[0])
