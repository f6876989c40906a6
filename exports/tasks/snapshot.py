"""Job handlers for long work on snapshots: take ids and paths, make one call, return what to show."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

from django.contrib.auth import get_user_model

from exports.capture import snapshot_schedule
from exports.capture.take import take
from exports.history import accept
from exports.load.load import load
from exports.mirroring import mirror_claims, missing_summaries, outdated_faces
from exports.mirroring.newest import mirror_newest
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
    """Options: path; deployment_id, assets and source or null; mirror (unless False).

    Result: snapshot, created, rows, warnings, and mirror, the id of the job that mirrors it, or null.
    """
    assets, source = running.options.get("assets"), running.options.get("source")
    done = load(
        Path(running.options["path"]),
        deployment_id=running.options.get("deployment_id"),
        assets=Path(assets) if assets else None,
        source=Path(source) if source else None,
        running=running,
    )
    result = {"snapshot": done.snapshot.pk, "created": done.created, "rows": done.rows, "warnings": done.warnings}
    return result | {"mirror": _request_mirror(done.snapshot, running)}


@jobs.handler(mirror_claims.KIND, cluster=jobs.MIRROR, kept=_KEPT)
def mirror_job(running: jobs.Running) -> dict:
    """Mirror the newest snapshot of the job's deployment. Options: waits, if another job is filling this mirror.

    Result: snapshot, rows and ledger, or left_to, the id of that job.
    """
    return mirror_newest(running.job.deployment, running, waits=bool(running.options.get("waits")))


@jobs.handler(accept.KIND, cluster=jobs.FAST)
def accept_job(running: jobs.Running) -> dict:
    """Options: snapshot, by (a username), mirror (unless False).

    Result: snapshots, the ids of those that are now good, and mirror, the id of the job that mirrors them, or null.
    """
    snapshot = _snapshot(running)
    by = get_user_model().objects.filter(username=running.options.get("by") or "").first()
    if running.job.attempts > 1 and snapshot.state == Snapshot.State.GOOD:
        accepted = [snapshot]  # by an attempt that died
    else:
        accepted = accept.accept(snapshot, user=by, running=running)
    newest = Snapshot.objects.newest(snapshot.deployment)
    return {"snapshots": [one.pk for one in accepted], "mirror": _request_mirror(newest, running)}


@jobs.handler(policy.KIND, cluster=jobs.SLOW, kept=_KEPT_LISTINGS)
def undecided_job(running: jobs.Running) -> dict:
    """Options: snapshot. Result: snapshot, found (see exports.operations.policy.list_undecided), written."""
    snapshot = _snapshot(running)
    return {"snapshot": snapshot.pk, "found": policy.list_undecided(snapshot, running), "written": policy.WRITTEN}


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

    Result: snapshot, deployment, read, warnings, and mirror, the id of the job that mirrors it, or null. One attempt:
    the schedule sends the next one.
    """
    scheduled, deployment = bool(running.options.get("scheduled")), running.job.deployment
    with snapshot_schedule.skipped_if_busy(deployment) if scheduled else nullcontext():
        done = take(deployment, full=bool(running.options.get("full")), running=running)
    return {
        "snapshot": done.snapshot.pk,
        "deployment": done.deployment.pk,
        "read": done.read,
        "warnings": done.warnings,
        "mirror": _request_mirror(done.snapshot, running),
    }


@jobs.each_minute
def send_due_snapshots() -> None:
    snapshot_schedule.send_due()


@jobs.handler(missing_summaries.KIND, cluster=jobs.FAST, kept=_KEPT)
def summarize_job(running: jobs.Running) -> dict:
    """Summarize the job's deployment. Result: made."""
    return {"made": missing_summaries.make(running.job.deployment, running)}


@jobs.each_minute
def send_missing_summaries() -> None:
    missing_summaries.send_missing()


@jobs.each_minute
def send_outdated_faces() -> None:
    outdated_faces.send_outdated()


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


def _request_mirror(snapshot: Snapshot, running: jobs.Running) -> int | None:
    """Return the id of the job that will mirror the snapshot; None if it is not the newest, or not to be mirrored."""
    wanted = running.options.get("mirror", True)
    job = mirror_claims.request_if_newest(snapshot, owner=running.job.owner) if wanted else None
    return job and job.pk
