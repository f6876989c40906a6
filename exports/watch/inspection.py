"""The check of the desk and its deployments, each minute."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from exports.notify import notices

from .alarms import of_deployment, of_the_desk
from .deployment_status import sights
from .incidents import Found, settle


def look(now: datetime | None = None) -> None:
    """Check everything, begin and end incidents, and submit jobs that send notices."""
    now = now or timezone.now()
    seen = sights(now)
    found: Found = {(None, kind): verdict for kind, verdict in of_the_desk().items()}
    for sight in seen:
        found |= {(sight.deployment.number, kind): verdict for kind, verdict in of_deployment(sight, now).items()}
    with transaction.atomic():  # an incident and its notices are saved together, or neither is
        settle(found, {sight.deployment.number for sight in seen}, now)
        notices.note(now)
    notices.send(now)
