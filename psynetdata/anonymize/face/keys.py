"""Verbs: export a deployment's pseudonym key (once), and destroy it. Deployments that continue each other share it."""

import base64
import json

from django.db import transaction
from django.utils import timezone

from psynetdata.faces import IDENTIFIED, writing
from psynetdata.models import Audit, Deployment, IdentifierPart, KnownIdentifiers, Numbered
from psynetdata.psynet.problems import Conflict

from .deployment_anonymizer import key_of

_HOW = (
    "A pseudonym is p_ followed by the first 12 bytes of HMAC-SHA256(key, the id as UTF-8), in lower-case base32 "
    "without padding. In an id that consists of two parts with one colon between them, each part has its own pseudonym."
)


def export_key(deployment: Deployment, *, user=None) -> str:
    """Return the key as JSON text for a separate file. This works once: raises Conflict the second time."""
    key, first = key_of(deployment), deployment.first
    with transaction.atomic():
        taken = Deployment.objects.filter(pk=first.pk, key_exported_at=None).update(key_exported_at=timezone.now())
        if not taken:
            raise Conflict(
                f"The key of {deployment.deployment_id} was already exported; it can be exported only once. That file "
                "is the only copy outside of psynetdata."
            )
        Audit.record("export key", user=user, deployment=deployment, target=first.deployment_id, identified=True)
    content = {
        "psynetdata": "pseudonym key",
        "deployments": [one.deployment_id for one in first.chain()],
        "key": base64.b64encode(key).decode("ascii"),
        "how": _HOW,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def destroy_key(deployment: Deployment, *, user=None) -> None:
    """Delete permanently: the key, the numbers that were handed out, and the stored identifiers.

    The next anonymous face or anonymous export gets a new key, and therefore other pseudonyms.
    Raises Conflict if there is no key.
    """
    first = deployment.first
    chain = [one.number for one in first.chain()]
    with transaction.atomic():
        row = Deployment.objects.select_for_update().get(pk=first.pk)
        if not row.sealed_key:
            raise Conflict(
                f"Deployment {deployment.deployment_id} has no key: none was needed yet, or it was destroyed."
            )
        row.sealed_key, row.key_exported_at, row.key_destroyed_at = "", None, timezone.now()
        row.save(update_fields=["sealed_key", "key_exported_at", "key_destroyed_at"])
        Numbered.objects.filter(deployment=first).delete()
        Audit.record("destroy key", user=user, deployment=deployment, target=first.deployment_id, identified=True)
    with writing(IDENTIFIED), transaction.atomic(using=IDENTIFIED):
        for model in (IdentifierPart, KnownIdentifiers):
            model.objects.filter(deployment_number__in=chain).delete()
