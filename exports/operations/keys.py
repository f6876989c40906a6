"""Destroy a deployment's pseudonym key, with everything that was kept of its identifiers."""

from exports.ledger import collection
from psynetdata.anonymize.face import keys
from psynetdata.models import Deployment


def destroy_key(deployment: Deployment, *, user=None) -> None:
    """Delete permanently: the key, the numbers that were handed out, the stored identifiers and the ledger.

    The next anonymous face or export gets a new key, and a ledger of the rows that are stored then: an identifier that
    only a pruned snapshot held is forgotten. Raises Conflict if there is no key.
    """
    keys.destroy_key(deployment, user=user)
    collection.forget(deployment)
