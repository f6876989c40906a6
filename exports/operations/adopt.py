"""Make a database and a storage belong together, because somebody decided so."""

from exports.models import Installation
from exports.store import installation
from psynetdata.models import Audit


def adopt(*, user=None) -> Installation:
    """Give both a new id; any other database of this storage is locked out."""
    row = installation.adopt()
    Audit.record("adopt", user=user, target=str(row))
    return row
