"""Which assets are personal, according to the anonymous face."""

from psynetdata.anonymize.face.identifier_cache import identifiers_of
from psynetdata.faces import ANONYMOUS
from psynetdata.models import Deployment, MirroredTable

_NAMED = "identifiers="  # in MirroredTable.transform; see psynetdata.anonymize.face.deployment_anonymizer


def personal_assets(deployment: Deployment) -> frozenset[int] | None:
    """Return the ids of the deployment's personal assets; None if not known: then all must be treated as personal."""
    shown = MirroredTable.objects.using(ANONYMOUS).filter(deployment_number=deployment.number, table="asset").first()
    digest = shown.transform.rpartition(_NAMED)[2] if shown and _NAMED in shown.transform else ""
    identifiers = identifiers_of(deployment, digest) if digest else None
    return None if identifiers is None else identifiers.personal_assets
