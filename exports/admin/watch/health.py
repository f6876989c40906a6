"""The state of a deployment's watching: its schedule, its last try, what is stored, the last drill."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet, Subquery, Sum
from django.urls import reverse
from django.utils import timezone

from exports.capture import snapshot_schedule
from exports.history import accept
from exports.operations.retire import KIND as RETIRE
from psynetdata import rights
from psynetdata.admin.job import reason_of
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import Audit, Deployment, Job


def active_job(deployment: Deployment, *kinds: str) -> Job | None:
    """Return the oldest unfinished job of these kinds."""
    return _active(deployment, *kinds).first()


@dataclass(frozen=True)
class ItsJobs:
    """The jobs that a deployment's page shows, None if there is none: the newest `snapshot` that is over, the newest
    that was `done`, the newest `drill` and `retire`, and the oldest unfinished one, `at_work`.
    """

    snapshot: Job | None
    done: Job | None
    drill: Job | None
    retire: Job | None
    at_work: Job | None


def jobs_of(deployment: Deployment) -> ItsJobs:
    """Return them in two queries: the page needs many others."""
    jobs = Job.objects.filter(deployment=deployment)
    newest, over = jobs.order_by("-pk"), jobs.exclude(state__in=Job.ACTIVE).order_by("-pk")
    wanted = {
        "snapshot": over.filter(kind=snapshot_schedule.KIND),
        "done": newest.filter(kind=snapshot_schedule.KIND, state=Job.State.DONE),
        "drill": over.filter(kind="drill"),
        "retire": newest.filter(kind=RETIRE),
        "at_work": _active(deployment, snapshot_schedule.KIND, accept.KIND, RETIRE),
    }
    first = {name: Subquery(rows.values("pk")[:1]) for name, rows in wanted.items()}
    numbers = Deployment.objects.filter(pk=deployment.pk).values_list(*first.values()).get()
    jobs_by_id = Job.objects.in_bulk([number for number in numbers if number])
    return ItsJobs(**{name: jobs_by_id.get(number) for name, number in zip(wanted, numbers, strict=True)})


def _active(deployment: Deployment, *kinds: str) -> QuerySet[Job]:
    return Job.objects.filter(deployment=deployment, kind__in=kinds, state__in=Job.ACTIVE).order_by("pk")


def watching_card(user, deployment: Deployment, jobs: ItsJobs) -> Card:
    kept = deployment.snapshots.aggregate(count=Count("pk"), stored=Sum("new_bytes"))
    facts = [
        ("last try", _last_try(user, jobs.snapshot)),
        ("schedule", _schedule(deployment, jobs.done)),
        ("next snapshot", _due(deployment, timezone.now())),
        ("kept", f"{_count(kept['count'])}, {html.size(kept['stored'] or 0)} in the storage"),
        ("retention", retention_words(deployment)),
        ("last restore drill", _drill(user, jobs.drill)),
    ]
    card = Card("Watching", facts=facts + _next_launch(user, deployment))
    if rights.can_see_places(user) and deployment.source != Deployment.Source.UPLOAD:
        address = f"{reverse('admin:psynetdata_deployment_add')}?of={deployment.number}"
        ways = [("#deployment_form", "Change the schedule"), (address, "Enter its address or password again")]
        card.footnote = html.joined([html.link(*way) for way in ways])
    return card


def retention_words(deployment: Deployment) -> str:
    hours, hourly, daily = deployment.keep_all_hours, deployment.keep_hourly_days, deployment.keep_daily_days
    return f"every snapshot for {hours} hours, one an hour for {hourly} days, one a day for {daily} days"


def seconds_words(seconds: float) -> str:
    """Return a text like 0.4 s, 12 s, 3 minutes."""
    if seconds >= 60:
        return html.duration(timedelta(seconds=seconds))
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _count(snapshots: int) -> str:
    return f"{html.number(snapshots)} snapshot{'' if snapshots == 1 else 's'}"


def _last_try(user, job: Job | None):
    if job is None:
        return "none yet"
    lead = [html.to_object(job), html.badge(job.state), html.utc(job.finished_at)]
    if job.state == Job.State.DONE and job.started_at:
        return html.joined([*lead, f"it took {seconds_words((job.finished_at - job.started_at).total_seconds())}"])
    return html.joined([*lead, reason_of(user, job)])


def _schedule(deployment: Deployment, last: Job | None) -> str:
    if not deployment.every:
        return "only on request"
    asked, interval = deployment.every, round(snapshot_schedule.stretched(deployment, last))
    if interval <= asked:
        return f"every {asked} seconds"
    return (
        f"every {interval} seconds, increased from {asked}: "
        "the last snapshot took more than a quarter of the time between two"
    )


def _due(deployment: Deployment, now: datetime):
    if not deployment.is_watched:
        return html.EMPTY if deployment.state == Deployment.State.RUNNING else f"none, as it is {deployment.state}"
    if deployment.due_at is None or deployment.due_at <= now:
        return "at the next check, within a minute"
    return html.joined([html.utc(deployment.due_at), f"in {html.duration(deployment.due_at - now)}"])


def _drill(user, job: Job | None):
    if job is None:
        return "none yet"
    done = job.state == Job.State.DONE
    outcome = job.result.get("sentence", "") if done else reason_of(user, job)
    return html.joined([html.to_object(job), html.badge(job.state), html.utc(job.finished_at), outcome])


def _next_launch(user, deployment: Deployment) -> list[tuple]:
    """Return the launch that was found at the source after this one, and whether it continues this one's data."""
    if deployment.state != Deployment.State.FINISHED:
        return []
    line = (
        Audit.objects.filter(verb="new launch", details__closes=deployment.number).select_related("deployment").first()
    )
    if line is None or line.deployment is None or not rights.can_see_deployment(user, line.deployment):
        return []
    how = "which continues it" if line.details.get("continues") else "which starts without its data"
    return [("closed by", html.joined([html.to_object(line.deployment), how]))]
