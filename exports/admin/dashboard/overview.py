"""The first page. settings.UNFOLD["DASHBOARD_CALLBACK"] names `overview`; the page refreshes with `fragment`."""

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from exports.admin.export.export_admin import exports_card
from exports.admin.export.schedules import stopped_card
from exports.admin.watch.alarms import VIEW_INCIDENT, desk_alarms
from exports.admin.watch.watch_summary import age_of, rows_in, with_newest
from exports.models import Export, ExportSchedule, Incident
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.visibility import only
from psynetdata.models import Deployment, Job, Participant, Trial

from .activity import deployment_card, running_exports, storage_card, stored_bytes
from .recovery import reminder

MOST_RUNNING = 24
SHOWN = 50


def overview(request, context: dict) -> dict:
    """Add `first`: alarms and work in progress; `running`: a card for each running deployment, and `more` of them;
    `cards`: other deployments, the latest exports, storage, jobs. Each only for users who may view it.
    """
    first, cards, user = [], [], request.user
    context["running"] = []
    if user.has_perm(VIEW_INCIDENT):
        first.append(desk_alarms(request))
    first += reminder(user)
    if user.has_perm("psynetdata.view_deployment"):
        context["running"], context["more"] = _running(request)
        cards += _others(request)
    if user.has_perm("exports.view_export"):
        stopped, at_work = ExportSchedule.objects.all(), running_exports(only(request, Export.objects.all()))
        first += [*stopped_card(only(request, stopped)), *([at_work] if at_work else [])]
        latest = only(request, Export.objects.select_related("job", "owner", "deployment"))
        cards.append(exports_card(latest[:10], of_all=True))
    if user.has_perm("exports.view_snapshot"):
        cards.append(storage_card(request))
    if user.has_perm("psynetdata.view_job"):
        cards.append(_jobs(request))
    context["first"], context["cards"] = first, cards
    return context


def fragment(request: HttpRequest) -> HttpResponse:
    """Return only the changing part of the page."""
    return render(request, "admin/exports/overview.html", overview(request, {}))


def _running(request) -> tuple[list[Card], str]:
    """Return deployments with alarms first, then the newest, and a link to the others if there are many."""
    alarmed = Exists(Incident.objects.filter(deployment=OuterRef("pk"), ended_at=None))
    running = only(request, Deployment.objects.filter(state=Deployment.State.RUNNING), "pk").select_related("summary")
    deployments = with_newest(running.annotate(alarmed=alarmed).order_by("-alarmed", "-number")[: MOST_RUNNING + 1])
    rows = deployments[:MOST_RUNNING]
    stored = stored_bytes(rows)
    address = html.list_url(Deployment, state__exact=Deployment.State.RUNNING)
    more = html.link(address, "all that run") if len(deployments) > MOST_RUNNING else ""
    return [deployment_card(row, stored.get(row.pk, 0)) for row in rows], more


def _others(request) -> list[Card]:
    """Return paused, finished and archived deployments, newest first."""
    others = only(request, Deployment.objects.exclude(state=Deployment.State.RUNNING), "pk").order_by("-number")
    deployments = with_newest(others[: SHOWN + 1])
    rows = [
        (
            html.to_object(row),
            html.badge(row.state),
            age_of(row),
            html.link(html.list_url(Participant, deployment=row.number), rows_in(row.newest, "participant")),
            html.link(html.list_url(Trial, deployment=row.number), rows_in(row.newest, "info")),
        )
        for row in deployments[:SHOWN]
    ]
    headers = ("deployment", "state", "newest snapshot", "participants", "trials")
    more = html.link(html.list_url(Deployment), "all deployments") if len(deployments) > SHOWN else ""
    return [Card("Not running", headers=headers, rows=rows, footnote=more)] if rows else []


def _jobs(request) -> Card:
    states = (Job.State.RUNNING, Job.State.QUEUED, Job.State.FAILED)
    counts = only(request, Job.objects.all()).aggregate(
        **{state: Count("pk", filter=Q(state=state)) for state in states}
    )
    facts = [(state, html.link(html.list_url(Job, state__exact=state), html.number(counts[state]))) for state in counts]
    return Card("Jobs", facts=facts)
