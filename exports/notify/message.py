"""What a message says: the desk, each deployment, what is wrong or over, since when, where to look."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from exports.models import Incident, Notice
from psynetdata.models import Deployment
from psynetdata.psynet import times

MOST = 20  # incidents that one message tells in full
_LONGEST = 200  # characters of a label


@dataclass(frozen=True)
class Text:
    """Plain text; the subject is one line."""

    subject: str
    body: str


def message(told: Sequence[Notice]) -> Text:
    """One message for all of them. An incident of which both ends are here is told once, as over."""
    over = {notice.incident_id for notice in told if notice.end}
    lines = [notice for notice in told if notice.end or notice.incident_id not in over]
    lines.sort(key=lambda notice: (notice.end, notice.incident.began_at, notice.incident_id))
    parts = [_told(notice) for notice in lines[:MOST]]
    if len(lines) > MOST:
        parts.append(f"And {len(lines) - MOST} more: {_address('admin:exports_incident_changelist')}")
    return Text(_subject(lines), "\n\n".join(parts) + "\n")


def test_message() -> Text:
    return Text(
        f"{settings.SITE_NAME}: a test message",
        f"Alarms of {settings.SITE_NAME} come this way.\n\n{_address('admin:index')}\n",
    )


def _subject(lines: list[Notice]) -> str:
    if len(lines) == 1:
        return f"{settings.SITE_NAME}: {_heading(lines[0])}"
    over = sum(notice.end for notice in lines)
    begun = len(lines) - over
    counts = [f"{begun} alarm{'s' if begun > 1 else ''}"] if begun else []
    counts += [f"{over} over"] if over else []
    return f"{settings.SITE_NAME}: {', '.join(counts)}"


def _told(notice: Notice) -> str:
    incident = notice.incident
    deployment = incident.deployment
    since = f"Since {times.in_words(incident.began_at)}."
    if notice.end:
        began, ended = times.in_words(incident.began_at), times.in_words(incident.ended_at)
        since = f"It began {began} and was over {ended}{_because(deployment)}."
    where = [f"Deployment {_one_line(deployment.deployment_id)}"] if deployment else []
    return "\n".join([_heading(notice), *where, incident.sentence, since, _link(deployment)])


def _heading(notice: Notice) -> str:
    incident = notice.incident
    what = Incident.Kind(incident.kind).label
    of = f": {_one_line(str(incident.deployment))}" if incident.deployment else ""
    return f"Over: {what}{of}" if notice.end else f"{what.capitalize()}{of}"


def _because(deployment: Deployment | None) -> str:
    """A deployment that is not watched any more has not got well."""
    if deployment is None or deployment.state == Deployment.State.RUNNING:
        return ""
    return f", as the deployment is {deployment.state}"


def _link(deployment: Deployment | None) -> str:
    if deployment is None:
        return _address("admin:exports_incident_changelist")
    return _address("admin:psynetdata_deployment_change", deployment.pk)


def _address(name: str, *args) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
