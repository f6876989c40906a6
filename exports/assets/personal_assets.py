"""Which assets are personal, as the anonymous face has it now."""

from psynetdata.anonymize.face.identifier_cache import identifiers_of
from psynetdata.faces import ANONYMOUS
from psynetdata.models import Deployment, MirroredTable

_NAMED = "identifiers="  # of MirroredTable.transform; see psynetdata.anonymize.face.deployment_anonymizer


def personal_assets(deployment: Deployment) -> frozenset[int] | None:
    """Ids of the deployment's personal assets; None where that is not known, and all are to be taken for personal."""
    shown = MirroredTable.objects.using(ANONYMOUS).filter(deployment_number=deployment.number, table="asset").first()
    digest = shown.transform.rpartition(_NAMED)[2] if shown and _NAMED in shown.transform else ""
    found = identifiers_of(deployment, digest) if digest else None
    return None if found is None else found.personal_assets
