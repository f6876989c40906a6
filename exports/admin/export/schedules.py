"""Scheduled exports of a deployment: their outcomes, and the pages that resume or remove one."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from exports.admin.watch.alarms import wrong_card
from exports.models import ExportSchedule
from exports.operations import export_schedule
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed
from psynetdata.models import Deployment

from .export_admin import in_words

PAGE = "psynetdata_deployment_schedule"
_SHOWN = 20


def scheduled_card(request: HttpRequest, deployment: Deployment) -> list[Card]:
    """Return a card of the scheduled exports; none if there are none."""
    schedules = deployment.schedules.select_related("owner", "last__job")[:_SHOWN]
    rows = [
        (
            in_words(row.options),
            export_schedule.EVERY_DAYS[row.every_days],
            row.owner,
            _next(row),
            html.joined([html.to_object(row.last), html.badge(row.last.job.state)]) if row.last else html.EMPTY,
            _score(row),
            _action_links(request.user, row),
        )
        for row in schedules
    ]
    headers = ("what", "comes", "scheduled by", "next", "last", "score", "")
    return [Card("Scheduled exports", headers=headers, rows=rows)] if rows else []


def stopped_card(rows) -> list[Card]:
    """Return a card for the first page with those of these ExportSchedules that stopped."""
    sentences = [
        html.joined([html.to_object(row.deployment), f"stopped after {row.failures} failures: {row.reason}"])
        for row in rows.filter(stopped_at__isnull=False).select_related("deployment")[:_SHOWN]
    ]
    return [wrong_card("Scheduled exports that stopped", sentences)] if sentences else []


def page_of(model_admin, request: HttpRequest, number: int, schedule: int, verb: str) -> HttpResponse:
    """Resume or remove one: a page says what will happen, its button does it."""
    deployment = model_admin.get_object(request, str(number))
    row = deployment and deployment.schedules.select_related("owner", "deployment").filter(pk=schedule).first()
    if row is None or verb not in ("resume", "remove"):
        raise Http404
    if not (model_admin.has_view_permission(request, deployment) and rights.can_change_own(request.user, row.owner_id)):
        raise PermissionDenied
    what = f"{str(row).capitalize()} ({in_words(row.options)}, {export_schedule.EVERY_DAYS[row.every_days]})"
    if verb == "remove":
        sentences = [f"{what} is not made any more. The exports that it made stay until they expire."]
        plan, do, says = (
            ConfirmationPlan("Remove", sentences, "Remove it", stops=True),
            export_schedule.remove,
            "is removed",
        )
    else:
        sentences = [f"{what} is made again, for the first time within a minute. It was stopped: {row.reason}"]
        plan, do, says = ConfirmationPlan("Resume", sentences, "Resume it"), export_schedule.resume, "is made again"
    return confirmed(model_admin, request, deployment, plan, lambda: _done(do, row, request, says))


def _done(verb, row: ExportSchedule, request: HttpRequest, says: str) -> str:
    name = str(row).capitalize()
    verb(row, user=request.user)
    return f"{name} {says}."


def _next(row: ExportSchedule):
    return html.badge("stopped", "danger") if row.stopped_at else html.utc(row.due_at)


def _score(row: ExportSchedule) -> str:
    failed = f"{row.failures} of {export_schedule.STOPS_AFTER} failures in a row. " if row.failures else ""
    return f"{failed}{row.reason}" or "no failure"


def _action_links(user, row: ExportSchedule):
    if not rights.can_change_own(user, row.owner_id):
        return ""
    verbs = (["resume"] if row.stopped_at else []) + ["remove"]
    links = [html.link(reverse(f"admin:{PAGE}", args=(row.deployment_id, row.pk, verb)), verb) for verb in verbs]
    return html.joined(links)
