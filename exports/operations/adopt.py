"""Make a database and a storage belong together, because somebody decided so."""

from exports.models import Installation
from exports.store import installation
from exports.store.second_copy import place
from psynetdata.models import Audit
from psynetdata.psynet.problems import UsageError


def adopt(*, user=None) -> Installation:
    """Give both a new id; any other database of this storage is locked out."""
    row = installation.adopt()
    Audit.record("adopt", user=user, target=str(row))
    return row


def adopt_second_copy(*, user=None) -> None:
    """Let the second copy belong to this installation, whatever id it carries. Raises UsageError if there is none."""
    if not place.is_configured():
        raise UsageError("There is no second copy of the storage; set STORAGE_MIRROR_URL (docs/settings.md).")
    row = installation.check()
    place.adopt()
    Audit.record("adopt", user=user, target=f"second copy of {row}")
