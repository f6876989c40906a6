"""The first page. settings.UNFOLD["DASHBOARD_CALLBACK"] names `overview`."""

from django.db.models import Case, Count, IntegerField, Q, When

from exports.models import Export
from psynetdata.admin import html
from psynetdata.admin.pages import Card
from psynetdata.models import Deployment, Job, Participant, Trial

from .alarms import VIEW_INCIDENT, desk_alarms
from .deployment import age_of, rows_in
from .export import exports_card
from .watched import with_newest

SHOWN = 50


def overview(request, context: dict) -> dict:
    """Adds `cards`: alarms, a row per deployment, what runs, the latest exports; each only for who may view it."""
    cards, user = [], request.user
    if user.has_perm(VIEW_INCIDENT):
        cards.append(desk_alarms(user))
    if user.has_perm("psynetdata.view_deployment"):
        cards.append(_deployments())
    if user.has_perm("exports.view_export"):
        cards.append(exports_card(Export.objects.select_related("job", "owner")[:10]))
    if user.has_perm("psynetdata.view_job"):
        cards.append(_jobs())
    context["cards"] = cards
    return context


def _deployments() -> Card:
    """Those that are running first, the newest of them on top."""
    running = Case(When(state=Deployment.State.RUNNING, then=0), default=1, output_field=IntegerField())
    found = with_newest(Deployment.objects.order_by(running, "-number")[: SHOWN + 1])
    rows = [
        (
            html.to_object(row),
            html.badge(row.state),
            age_of(row),
            html.link(html.list_url(Participant, deployment=row.number), rows_in(row.newest, "participant")),
            html.link(html.list_url(Trial, deployment=row.number), rows_in(row.newest, "info")),
        )
        for row in found[:SHOWN]
    ]
    headers = ("deployment", "state", "newest snapshot", "participants", "trials")
    more = html.link(html.list_url(Deployment), "all deployments") if len(found) > SHOWN else ""
    return Card("Deployments", headers=headers, rows=rows, footnote=more)


def _jobs() -> Card:
    states = (Job.State.RUNNING, Job.State.QUEUED, Job.State.FAILED)
    counts = Job.objects.aggregate(**{state: Count("pk", filter=Q(state=state)) for state in states})
    facts = [(state, html.link(html.list_url(Job, state__exact=state), html.number(counts[state]))) for state in counts]
    return Card("Jobs", facts=facts)
