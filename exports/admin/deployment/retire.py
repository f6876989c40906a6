"""Retire a deployment: a page that says what will happen, and a card that says whether its server may be deleted."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action

from exports.admin.watch.health import active_job
from exports.operations.retire import KIND
from psynetdata import jobs, rights
from psynetdata.admin.job import reason_of
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Conflict

_OTHERS = "Only people who look after deployments see what exactly is missing."


class RetireAction:
    """For DeploymentAdmin, together with WatchActions."""

    @action(description="Retire", url_path="retire", permissions=["look_after"], icon="inventory_2")
    def retire(self, request: HttpRequest, object_id) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        sentences = [
            f"Everything on the server of {row} is brought here: a last snapshot with every row read again, all "
            "asset files (on-demand and external ones too), its logs and source code. Stored data is compared with "
            "its hashes and restored for a test. Nothing is changed on the server.",
            "The page then says that it is safe to destroy the server, and the deployment is archived; or it lists "
            "what is missing, and nothing else changes. Do it when nobody takes part any more: later data is not "
            "included.",
        ]
        plan = ConfirmationPlan("Retire", sentences, "Retire it", stops=True)
        return confirmed(self, request, row, plan, lambda: _start(request, row))


def _start(request: HttpRequest, row: Deployment) -> HttpResponse:
    if row.source == Deployment.Source.UPLOAD:
        raise Conflict(f"{row} was loaded from a file; it has no server to retire.")
    if active_job(row, KIND) is None:
        jobs.submit(KIND, deployment=row, owner=request.user)
    return HttpResponseRedirect(html.change_url(Deployment, row.pk))


def retired_cards(user, job: Job | None) -> list[Card]:
    """Return the outcome of the last retirement; none if there was none, or while it is in progress."""
    if job is None or not job.is_over:
        return []
    safe = job.result.get("safe")
    facts = [("job", html.joined([html.to_object(job), html.badge(job.state), html.utc(job.finished_at)]))]
    if job.state != Job.State.DONE:
        return [Card("Not retired", facts=[*facts, ("why", reason_of(user, job))])]
    missing = job.result["missing"] if rights.can_see_reason(user, job) else [_OTHERS]
    facts += [("missing", sentence) for sentence in missing] if not safe else []
    facts += [("done", sentence) for sentence in job.result["done"]]
    return [Card("Safe to destroy" if safe else "Not safe to destroy", facts=facts)]
