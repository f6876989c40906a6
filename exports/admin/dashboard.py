"""The first page. settings.UNFOLD["DASHBOARD_CALLBACK"] names `overview`."""

from django.db.models import Count, Q

from exports.models import Export
from psynetdata.admin import html
from psynetdata.admin.pages import Card
from psynetdata.models import Deployment, Job, Participant, Trial

from .deployment import rows_in, with_newest_snapshot
from .export import exports_card

SHOWN = 50


def overview(request, context: dict) -> dict:
    """Adds `cards`: a row per deployment, what runs, the latest exports; each only for who may view it."""
    cards, user = [], request.user
    if user.has_perm("psynetdata.view_deployment"):
        cards.append(_deployments())
    if user.has_perm("exports.view_export"):
        cards.append(exports_card(Export.objects.select_related("job", "owner")[:10]))
    if user.has_perm("psynetdata.view_job"):
        cards.append(_jobs())
    context["cards"] = cards
    return context


def _deployments() -> Card:
    rows = [
        (
            html.to_object(row),
            html.badge(row.state),
            html.age(row.newest.taken_at) if row.newest else html.EMPTY,
            html.link(html.list_url(Participant, deployment=row.number), rows_in(row.newest, "participant")),
            html.link(html.list_url(Trial, deployment=row.number), rows_in(row.newest, "info")),
        )
        for row in with_newest_snapshot(Deployment.objects.all())[:SHOWN]
    ]
    headers = ("deployment", "state", "age of its newest snapshot", "participants", "trials")
    return Card("Deployments", headers=headers, rows=rows)


def _jobs() -> Card:
    states = (Job.State.RUNNING, Job.State.QUEUED, Job.State.FAILED)
    counts = Job.objects.aggregate(**{state: Count("pk", filter=Q(state=state)) for state in states})
    facts = [(state, html.link(html.list_url(Job, state__exact=state), html.number(counts[state]))) for state in counts]
    return Card("Jobs", facts=facts)
