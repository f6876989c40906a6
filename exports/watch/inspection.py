"""The check of the desk and its deployments, each minute."""

import logging
from datetime import datetime

from django.db import Error, transaction
from django.utils import timezone

from exports.models import Incident
from exports.notify import notices

from .alarms import deployment_alarms, desk_alarms
from .deployment_status import deployment_statuses
from .incidents import Verdicts, settle
from .mirror_lag import mirror_alarms

logger = logging.getLogger(__name__)


def inspect(now: datetime | None = None) -> None:
    """Check everything, begin and end incidents, and submit jobs that send notices."""
    now = now or timezone.now()
    seen = deployment_statuses(now)
    verdicts: Verdicts = {(None, kind): verdict for kind, verdict in desk_alarms().items()}
    for sight in seen:
        verdicts |= {
            (sight.deployment.number, kind): verdict for kind, verdict in deployment_alarms(sight, now).items()
        }
    try:
        mirrors = mirror_alarms(seen, now)
    except Error:  # a face that cannot be read must not silence all other alarms
        logger.exception("the mirrors could not be checked")
        mirrors = {}
    verdicts |= {(number, Incident.Kind.MIRROR): verdict for number, verdict in mirrors.items()}
    with transaction.atomic():  # an incident and its notices are saved together, or neither is
        settle(verdicts, {sight.deployment.number for sight in seen}, now)
        notices.note(now)
    notices.send(now)
