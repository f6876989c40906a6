"""A dead man's switch outside of the desk: HEARTBEAT_URL is requested each minute, as long as all is well.

If the requests stop, that service raises the alarm which the desk itself could not raise.
"""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from psynetdata import clusters, jobs
from psynetdata.infra.web_client import NoAnswer, WebAPI
from psynetdata.models import Job
from psynetdata.psynet.problems import Problem

from .deployment_status import DeploymentStatus, deployment_statuses

logger = logging.getLogger(__name__)

KIND = "heartbeat"
_TIMEOUT = 10.0  # seconds to connect, and for the answer
# A snapshot that is only late is an incident, with its own messages.
_FAR_TOO_OLD = 10  # times the interval
_AT_LEAST = timedelta(minutes=15)


def submit() -> Job | None:
    """Submit a job that sends a heartbeat, unless there is no address or the last one is not over."""
    if not settings.HEARTBEAT_URL or Job.objects.filter(kind=KIND, state__in=Job.ACTIVE).exists():
        return None
    return jobs.submit(KIND)


def send(now: datetime | None = None) -> dict:
    """Send a heartbeat if all is well. Return {sent, reason}. Raises Problem if the address does not accept it."""
    if reason := _trouble(now or timezone.now()):
        return {"sent": False, "reason": reason}
    try:
        _request(settings.HEARTBEAT_URL)
    except NoAnswer as error:
        problem = Problem(f"The heartbeat could not be sent to HEARTBEAT_URL: {error}.")
        _log_once(problem.sentence)
        raise problem from None
    return {"sent": True, "reason": ""}


def _trouble(now: datetime) -> str:
    """Return why there must not be a heartbeat; empty if all is well."""
    if clusters.tick_is_late():
        return "The check each minute is late."
    if any(_is_far_too_old(sight, now) for sight in deployment_statuses(now)):
        return "The newest snapshot of a watched deployment is far too old."
    return ""


def _is_far_too_old(sight: DeploymentStatus, now: datetime) -> bool:
    return now - sight.heard > max(_FAR_TOO_OLD * sight.every, _AT_LEAST)


def _request(address: str) -> None:
    """Raises NoAnswer, also for an answer that is not a success. No error names the address, which is a secret."""
    url = urlsplit(address)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    with WebAPI(f"{url.scheme}://{url.netloc}", {}, timeout=_TIMEOUT).open("GET", target) as answer:
        if not 200 <= answer.status < 300:
            raise NoAnswer(f"it answered with status {answer.status}")


def _log_once(sentence: str) -> None:
    """Log the sentence, but not each minute again."""
    before = Job.objects.filter(kind=KIND, state__in=(Job.State.DONE, Job.State.FAILED)).order_by("-pk").first()
    if before is None or before.reason != sentence:
        logger.warning("%s", sentence)
