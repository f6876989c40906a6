"""Mirror the newest good snapshot of a deployment, as one of the jobs that may write its faces."""

from functools import cache, partial

from exports.models import Snapshot
from psynetdata.jobs import Running
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import NotFound, Problem

from . import mirror_claims
from .mirror import collected, has_prepared, mirror


def mirror_newest(deployment: Deployment, running: Running, *, waits: bool = True) -> dict:
    """Mirror the newest good snapshot. Return {"snapshot": id, "rows": {table: rows}, "ledger": state}.

    `ledger` names the state of the identifiers that the anonymous face knows at least.

    If another job is filling this mirror: wait for it, or, unless `waits`, leave it to that job and the one after it
    and return {"left_to": id of the job}. Raises Problem if the mirror cannot be filled, Conflict, Cancelled.
    """
    begun = _begun(deployment, running)
    if waits:
        mirror_claims.claim_in_time(deployment, running)
    elif other := mirror_claims.claim(deployment, running):
        return {"left_to": other.pk}
    try:
        snapshot = begun or Snapshot.objects.newest(deployment)
        if snapshot is None:
            raise NotFound(f"Deployment {deployment.deployment_id} has no good snapshot that could be mirrored.")
        mirror_claims.note_snapshot(running, snapshot)
        ledger = cache(partial(collected, deployment, running))
        rows = mirror(snapshot, running=running, ledger=ledger)
    except Problem:
        mirror_claims.release(deployment, running, None)
        raise
    mirror_claims.release(deployment, running, snapshot)
    return {"snapshot": snapshot.pk, "rows": rows, "ledger": ledger().state}


def is_mirrored(snapshot: Snapshot) -> bool:
    """Return whether both faces have been brought to the snapshot, or to a later one, by a job that is on record."""
    done = Job.objects.filter(kind=mirror_claims.KIND, deployment=snapshot.deployment, state=Job.State.DONE)
    last = done.filter(result__has_key="snapshot").order_by("-finished_at").first()
    shown = last and Snapshot.objects.filter(pk=last.result["snapshot"]).first()
    return shown is not None and (shown.taken_at, shown.pk) >= (snapshot.taken_at, snapshot.pk)


def _begun(deployment: Deployment, running: Running) -> Snapshot | None:
    """Return the snapshot with which a killed attempt of this job has begun, if its work is still of use."""
    if running.options.get("mirrors") != deployment.deployment_id or not has_prepared(running.job):
        return None
    return Snapshot.objects.good().filter(deployment=deployment, pk=running.options.get("snapshot")).first()
