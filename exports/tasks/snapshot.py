"""Job handlers for long work on snapshots: take ids and paths, make one call, return what to show."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

from django.contrib.auth import get_user_model

from exports.capture import snapshot_schedule
from exports.capture.take import take
from exports.history import accept
from exports.load.load import load
from exports.mirroring import missing_summaries
from exports.mirroring.mirror import mirror
from exports.models import Snapshot
from exports.operations import policy
from exports.operations.prune import prune, submit_daily
from exports.server import logs
from exports.sources.base import NoLogs
from exports.store import installation, manifests
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import NotFound

# One snapshot each minute leaves one row each minute.
_KEPT = timedelta(days=7)
_KEPT_LISTINGS = timedelta(days=90)


jobs.before_each(installation.check)
jobs.at_start(installation.note_start)
# Jobs after which the store's manifests are written at once; what else changes is noticed within a minute.
_SAVED_AT_ONCE = ("load", snapshot_schedule.KIND, accept.KIND, "withdraw")


@jobs.after_each
def save_manifests(job: Job) -> None:
    if job.kind in _SAVED_AT_ONCE and (deployment := Deployment.objects.filter(jobs=job).first()):
        manifests.save_due(deployment)


@jobs.handler("manifests", cluster=jobs.FAST, kept=_KEPT)
def manifests_job(running: jobs.Running) -> dict:
    """Write the manifests that are due. Result: saved."""
    return {"saved": manifests.save_due()}


@jobs.each_minute
def send_due_manifests() -> None:
    if manifests.are_due() and not Job.objects.filter(kind="manifests", state__in=Job.ACTIVE).exists():
        jobs.submit("manifests")


@jobs.handler("load", cluster=jobs.FAST)
def load_job(running: jobs.Running) -> dict:
    """Options: path, and deployment_id, assets and source or null. Result: snapshot, created, rows, warnings."""
    assets, source = running.options.get("assets"), running.options.get("source")
    done = load(
        Path(running.options["path"]),
        deployment_id=running.options.get("deployment_id"),
        assets=Path(assets) if assets else None,
        source=Path(source) if source else None,
        running=running,
    )
    return {"snapshot": done.snapshot.pk, "created": done.created, "rows": done.rows, "warnings": done.warnings}


@jobs.handler("mirror", cluster=jobs.FAST)
def mirror_job(running: jobs.Running) -> dict:
    """Options: snapshot. Result: rows."""
    snapshot = _snapshot(running)
    return {"rows": mirror(snapshot, running=running)}


@jobs.handler(accept.KIND, cluster=jobs.FAST)
def accept_job(running: jobs.Running) -> dict:
    """Options: snapshot, and by (a username). Result: snapshots, the ids of those that are now good."""
    snapshot = _snapshot(running)
    by = get_user_model().objects.filter(username=running.options.get("by") or "").first()
    if running.job.attempts > 1 and snapshot.state == Snapshot.State.GOOD:
        # An attempt that died had accepted it; only the mirror is left to do.
        mirror(Snapshot.objects.newest(snapshot.deployment), running=running)
        return {"snapshots": [snapshot.pk]}
    return {"snapshots": [one.pk for one in accept.accept(snapshot, user=by, running=running)]}


@jobs.handler(policy.KIND, cluster=jobs.SLOW, kept=_KEPT_LISTINGS)
def undecided_job(running: jobs.Running) -> dict:
    """Options: snapshot. Result: snapshot, found (see exports.operations.policy.look)."""
    snapshot = _snapshot(running)
    return {"snapshot": snapshot.pk, "found": policy.list_undecided(snapshot, running)}


@jobs.handler("prune", cluster=jobs.SLOW)
def prune_job(running: jobs.Running) -> dict:
    """Options: deployment_id, quarantined and dry_run, or none. Result: exports.operations.prune.PruneResult."""
    named = running.options.get("deployment_id")
    deployment = Deployment.objects.filter(deployment_id=named).first() if named else None
    if named and deployment is None:
        raise NotFound("The deployment whose snapshots were to be pruned is no longer here.")
    jobs.forget()
    switches = {name: bool(running.options.get(name)) for name in ("quarantined", "dry_run")}
    return prune(running, deployment=deployment, **switches).to_json()


jobs.each_minute(submit_daily)


@jobs.handler(snapshot_schedule.KIND, cluster=jobs.FAST, max_attempts=1, kept=_KEPT)
def snapshot_job(running: jobs.Running) -> dict:
    """Take a snapshot of the job's deployment. Options: full, mirror (unless False), scheduled.

    Result: snapshot, deployment, read, warnings. One attempt: the schedule sends the next one.
    """
    options = running.options
    full, mirrored = bool(options.get("full")), bool(options.get("mirror", True))
    scheduled, deployment = bool(options.get("scheduled")), running.job.deployment
    with snapshot_schedule.skipped_if_busy(deployment) if scheduled else nullcontext():
        done = take(deployment, full=full, mirrored=mirrored, running=running)
    return {
        "snapshot": done.snapshot.pk,
        "deployment": done.deployment.pk,
        "read": done.read,
        "warnings": done.warnings,
    }


@jobs.each_minute
def send_due_snapshots() -> None:
    snapshot_schedule.send_due()


@jobs.handler(missing_summaries.KIND, cluster=jobs.FAST, kept=_KEPT)
def summarize_job(running: jobs.Running) -> dict:
    """Summarize the job's deployment. Result: made."""
    return {"made": missing_summaries.make(running.job.deployment)}


@jobs.each_minute
def send_missing_summaries() -> None:
    missing_summaries.send_missing()


@jobs.handler(logs.KIND, cluster=jobs.SLOW, max_attempts=1, kept=_KEPT)
def logs_job(running: jobs.Running) -> dict:
    """Read the logs of the job's deployment. Result: bytes, or missing, a sentence. One attempt, as it is scheduled."""
    running.progress("reading logs")
    try:
        return {"bytes": logs.fetch(running.job.deployment, check_cancelled=running.check).bytes}
    except NoLogs as problem:
        return {"missing": problem.sentence}


@jobs.each_minute
def send_due_logs() -> None:
    logs.send_due()


def _snapshot(running: jobs.Running) -> Snapshot:
    """Return the snapshot that the job's options name."""
    snapshot = Snapshot.objects.filter(pk=running.options["snapshot"]).first()
    if snapshot is None:
        raise NotFound(f"There is no snapshot {running.options['snapshot']} any more.")
    return snapshot
