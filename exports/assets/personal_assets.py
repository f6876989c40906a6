"""The identifiers with which the anonymous face was filled, and which assets are personal according to them."""

from psynetdata.anonymize.face.identifier_cache import identifiers_of
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.faces import ANONYMOUS
from psynetdata.models import Deployment, MirroredTable

_NAMED = "identifiers="  # in MirroredTable.transform; see psynetdata.anonymize.face.deployment_anonymizer


def shown_digest(deployment: Deployment) -> str:
    """Return the digest of the identifiers that the deployment's anonymous face hides; "" if it was never filled."""
    shown = MirroredTable.objects.using(ANONYMOUS).filter(deployment_number=deployment.number, table="asset").first()
    return shown.transform.rpartition(_NAMED)[2] if shown and _NAMED in shown.transform else ""


def shown_identifiers(deployment: Deployment) -> Identifiers | None:
    """Return the identifiers that the deployment's anonymous face hides; None if they are not known."""
    digest = shown_digest(deployment)
    return identifiers_of(deployment, digest) if digest else None


def personal_assets(deployment: Deployment) -> frozenset[int] | None:
    """Return the ids of the deployment's personal assets; None if not known: then all must be treated as personal."""
    identifiers = shown_identifiers(deployment)
    return None if identifiers is None else identifiers.personal_assets
