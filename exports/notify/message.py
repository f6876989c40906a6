"""What a message says: the desk, each deployment, what is wrong, over or ready, since when, where to look."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from exports.models import Incident, Notice
from psynetdata.models import Deployment, Job
from psynetdata.psynet import times

from .audience import Audience
from .export_message import export_body, export_heading
from .phrases import address, name_of, one_line

MOST = 20  # incidents that one message describes in full


@dataclass(frozen=True)
class Text:
    """Plain text; the subject is one line. `urgent`: something is wrong."""

    subject: str
    body: str
    audience: Audience = field(default_factory=Audience)
    urgent: bool = False


def message(notices: Sequence[Notice], audience: Audience) -> Text:
    """Return one message for all of them. An incident with both its ends here appears once, as over."""
    over = {notice.incident_id for notice in notices if notice.incident_id and notice.end}
    lines = [notice for notice in notices if notice.end or notice.export_id or notice.incident_id not in over]
    lines.sort(
        key=lambda notice: (
            notice.export_id is not None,
            notice.end,
            _time_of(notice),
            notice.incident_id or 0,
            notice.pk,
        )
    )
    parts = [_notice_text(notice, audience) for notice in lines[:MOST]]
    if len(lines) > MOST:
        parts.append(f"And {len(lines) - MOST} more: {address('admin:exports_incident_changelist')}")
    urgent = any(_is_bad(notice) for notice in lines)
    return Text(_subject(lines, audience), "\n\n".join(parts) + "\n", audience, urgent)


def test_message(audience: Audience) -> Text:
    return Text(
        f"{settings.SITE_NAME}: a test message",
        f"Alarms of {settings.SITE_NAME} are sent this way.\n\n{address('admin:index')}\n",
        audience,
    )


def _subject(lines: list[Notice], audience: Audience) -> str:
    if len(lines) == 1:
        return f"{settings.SITE_NAME}: {_heading(lines[0], audience)}"
    exports = sum(notice.export_id is not None for notice in lines)
    over = sum(notice.end for notice in lines)
    begun = len(lines) - over - exports
    counts = [f"{begun} alarm{'s' if begun > 1 else ''}"] if begun else []
    counts += [f"{over} over"] if over else []
    counts += [f"{exports} export{'s' if exports > 1 else ''}"] if exports else []
    return f"{settings.SITE_NAME}: {', '.join(counts)}"


def _time_of(notice: Notice) -> datetime:
    return notice.incident.began_at if notice.incident else notice.created_at


def _is_bad(notice: Notice) -> bool:
    """Return whether it reports something that is wrong now."""
    return not notice.end if notice.incident else notice.export.job.state == Job.State.FAILED


def _notice_text(notice: Notice, audience: Audience) -> str:
    heading = _heading(notice, audience)
    if notice.export:
        return export_body(notice.export, heading, audience)
    incident = notice.incident
    deployment = incident.deployment
    since = f"Since {times.in_words(incident.began_at)}."
    if notice.end:
        began, ended = times.in_words(incident.began_at), times.in_words(incident.ended_at)
        since = f"It began {began} and was over {ended}{_because(deployment)}."
    if deployment and not audience.knows:
        return "\n".join([heading, since, address("admin:exports_incident_change", incident.pk)])
    where = [f"Deployment {one_line(deployment.deployment_id)}"] if deployment else []
    sentence = incident.sentence if audience.places else incident.sentence_without_places
    return "\n".join([heading, *where, sentence, since, _link(deployment)])


def _heading(notice: Notice, audience: Audience) -> str:
    name = name_of(notice.deployment, audience)
    if notice.export:
        return export_heading(notice.export, name)
    incident = notice.incident
    what = Incident.Kind(incident.kind).label
    of = f": {name}" if incident.deployment else ""
    return f"Over: {what}{of}" if notice.end else f"{what.capitalize()}{of}"


def _because(deployment: Deployment | None) -> str:
    """Return an explanation: the incident of a deployment that is not watched any more ends without being solved."""
    if deployment is None or deployment.state == Deployment.State.RUNNING:
        return ""
    return f", as the deployment is {deployment.state}"


def _link(deployment: Deployment | None) -> str:
    if deployment is None:
        return address("admin:exports_incident_changelist")
    return address("admin:psynetdata_deployment_change", deployment.pk)
