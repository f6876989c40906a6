from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import display

from psynetdata import jobs, rights
from psynetdata.models import Audit, Job
from psynetdata.psynet.problems import Conflict

from .pages import html
from .pages.cards import Card, CardsAdmin, ReadOnly
from .pages.confirmation import ConfirmationPlan, confirmed
from .pages.selection import on_each
from .pages.shown_face import return_address
from .pages.visibility import BY_DEPLOYMENT, Visible

# The remaining time is shown after a twentieth is done, and not in the first seconds, while workers are starting.
_TELLS_FROM, _A_WHILE = 20, timedelta(seconds=5)
_FOR_OTHERS = "Only people who manage deployments can see the reason."
_NOTHING_HALF_MADE = "Its unfinished result is deleted; everything that existed before stays unchanged."


def progress_card(request, job: Job, title: str = "Progress") -> Card:
    """Return a card with state, phase and bar of a job; static/psynetdata/progress.js updates it until it is over."""
    context = {
        "reason": reason_of(request.user, job),
        "progress": progress_of(job),
        "progress_url": reverse("admin:psynetdata_job_progress", args=(job.pk,)),
        "cancel_url": reverse("admin:psynetdata_job_cancel", args=(job.pk,)),
        "may_cancel": not job.is_over and rights.can_cancel(request.user, job),
        "badge": html.badge(job.state),
    }
    return Card(title, template="admin/psynetdata/job.html", context=context)


def reason_of(user, job: Job) -> str:
    """Return why the job failed, or who may see the reason."""
    return job.reason if not job.reason or rights.can_see_reason(user, job) else _FOR_OTHERS


def progress_of(job: Job) -> dict:
    """Return the progress that the page shows; also the JSON that the page polls."""
    counting = (job.done or job.total) and job.state != Job.State.DONE
    counts = ", ".join(part for part in (_counted(job), _left(job)) if part) if counting else ""
    return {"state": job.state, "phase": _phase(job), "percent": job.percent, "counted": counts, "over": job.is_over}


def _counted(job: Job) -> str:
    if job.counts is not None:
        return ", ".join(_of(what, *count) for what, count in job.counts.items())
    return html.number(job.done) + (f" of {html.number(job.total)}" if job.total else "")


def _of(what: str, done: int, of: int) -> str:
    """Return `12 of 30 rows` or `1.2 MB of 3.0 MB`."""
    if what == "bytes":
        return f"{html.size(done)} of {html.size(of)}"
    return f"{html.number(done)} of {html.number(of)} {what}"


def _left(job: Job) -> str:
    """Return the estimated remaining time, once there is enough progress for an estimate."""
    if job.state != Job.State.RUNNING or not job.total or not job.started_at or job.done * _TELLS_FROM < job.total:
        return ""
    took = timezone.now() - job.started_at
    return f"about {html.duration(took * ((job.total - job.done) / job.done))} left" if took >= _A_WHILE else ""


def _phase(job: Job) -> str:
    if job.state == Job.State.DONE and job.started_at and job.finished_at:
        return f"in {html.duration(job.finished_at - job.started_at)}"
    if job.cancel_requested and not job.is_over:
        return "stopping (cancelled)"
    if job.state == Job.State.QUEUED:
        return "waiting for a worker"
    return job.phase or ("" if job.is_over else "beginning")


def _cancel(request, job: Job) -> str:
    """Ask the job to stop, record it, and return a message. Raises Conflict if it is over, or without the right to."""
    name = str(job).capitalize()
    if not rights.can_cancel(request.user, job):
        raise Conflict("only its owner, or a user who may change jobs, can cancel it.")
    if not jobs.cancel(job):
        raise Conflict(f"{name} is already over.")
    # Not its name, which contains the number of the job: “export 2” is something else.
    Audit.record("cancel", user=request.user, deployment=job.deployment, target=f"job {job.pk}", kind=job.kind)
    return f"{name} stops at its next step."


def _plan_to_cancel(job: Job) -> ConfirmationPlan:
    name = str(job).capitalize()
    if job.is_over:
        return ConfirmationPlan("Cancel", [f"{name} is already over; there is nothing to cancel."])
    what = f"{name}, of {job.deployment}," if job.deployment else name
    how = "does not start" if job.state == Job.State.QUEUED else "stops at its next step, usually within seconds"
    sentences = [f"{what} {how}. {_NOTHING_HALF_MADE}", "It does not continue by itself: to run it, request it again."]
    return ConfirmationPlan("Cancel", sentences, "Cancel it", stops=True)


@admin.register(Job)
class JobAdmin(Visible, ReadOnly, CardsAdmin):
    list_display = ("name", "state_badge", "deployment", "phase", "percent_done", "attempts_made", "owner", "asked_for")
    list_filter = ("state", "kind", BY_DEPLOYMENT)
    list_filter_submit = False
    list_select_related = ("deployment", "owner")
    search_fields = ("id", "kind")
    actions = ("cancel_selected",)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        own = [
            path("<int:job_id>/progress/", wrap(self.progress_view), name="psynetdata_job_progress"),
            path("<int:job_id>/cancel/", wrap(self.cancel_view), name="psynetdata_job_cancel"),
        ]
        return own + super().get_urls()

    def progress_view(self, request, job_id: int):
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse(progress_of(get_object_or_404(self.get_queryset(request), pk=job_id)))

    def cancel_view(self, request, job_id: int):
        job = get_object_or_404(self.get_queryset(request), pk=job_id)
        if not (self.has_view_permission(request) and rights.can_cancel(request.user, job)):
            raise PermissionDenied
        back = return_address(request, html.change_url(Job, job.pk))
        return confirmed(self, request, job, _plan_to_cancel(job), lambda: _cancel(request, job), back)

    @admin.action(description="Cancel", permissions=["view"])
    def cancel_selected(self, request, queryset):
        sentences = [
            f"Jobs that wait for a worker do not start, the others stop at their next step. {_NOTHING_HALF_MADE}",
            "They do not continue by themselves: to run one, request it again.",
        ]
        plan = ConfirmationPlan("Cancel", sentences, "Cancel them", stops=True)
        return on_each(self, request, queryset, plan, lambda job: _cancel(request, job), "were asked to stop")

    @display(description="job", ordering="id")
    def name(self, obj):
        return str(obj)

    @display(description="state", ordering="state")
    def state_badge(self, obj):
        return html.badge(obj.state)

    @display(description="done")
    def percent_done(self, obj):
        return html.EMPTY if obj.percent is None else f"{obj.percent} %"

    @display(description="attempts")
    def attempts_made(self, obj):
        return f"{obj.attempts} of {obj.max_attempts}"

    @display(description="asked for", ordering="id")
    def asked_for(self, obj):
        return html.utc(obj.created_at)

    def cards(self, request, obj):
        beats = obj.heartbeat_at and not obj.is_over
        facts = [
            ("kind", obj.kind),
            ("deployment", html.to_object(obj.deployment)),
            ("asked for by", obj.owner or html.EMPTY),
            ("attempts", self.attempts_made(obj)),
            ("asked for", html.utc(obj.created_at)),
            ("begun", html.utc(obj.started_at)),
            ("last heartbeat", f"{html.age(obj.heartbeat_at)} ago" if beats else html.EMPTY),
            ("over", html.utc(obj.finished_at)),
        ]
        if obj.owner_id == request.user.pk or rights.can_see_places(request.user):
            # They may contain names of folders and files on the server.
            facts += [("options", html.json_value(obj.options)), ("result", html.json_value(obj.result))]
        return [progress_card(request, obj), Card("Summary", facts=facts)]
