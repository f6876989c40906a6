"""The check of the desk and its deployments, each minute."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from exports.notify import notices

from .alarms import deployment_alarms, desk_alarms
from .deployment_status import deployment_statuses
from .incidents import Verdicts, settle


def inspect(now: datetime | None = None) -> None:
    """Check everything, begin and end incidents, and submit jobs that send notices."""
    now = now or timezone.now()
    seen = deployment_statuses(now)
    verdicts: Verdicts = {(None, kind): verdict for kind, verdict in desk_alarms().items()}
    for sight in seen:
        verdicts |= {
            (sight.deployment.number, kind): verdict for kind, verdict in deployment_alarms(sight, now).items()
        }
    with transaction.atomic():  # an incident and its notices are saved together, or neither is
        settle(verdicts, {sight.deployment.number for sight in seen}, now)
        notices.note(now)
    notices.send(now)
