"""Which job writes a deployment's faces: one at a time, and what is requested meanwhile is not forgotten.

A job that mirrors notes the deployment in its row (`mirrors`). A request that finds such a job notes there that the
mirror has to be brought up to date `again`; when the job is done with the deployment, it submits the next one. All of
this happens while the deployment's row is locked, so no request falls between two jobs.
"""

from time import monotonic, sleep

from django.db import transaction

from exports.models import Snapshot
from exports.store.locks import MIRRORS, alive
from psynetdata import jobs
from psynetdata.jobs import Running
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Conflict

KIND = "mirror"
# Filling the mirror of a large table may take more than an hour.
PATIENCE = 2 * 3600.0
_LOOK = 0.2  # seconds between attempts to claim


def request(deployment: Deployment, *, owner=None) -> Job:
    """Return the job that will mirror what is in the database now: one that waits, the current one, or a new one."""
    with transaction.atomic():
        _lock(deployment)
        waiting = Job.objects.filter(kind=KIND, deployment=deployment, state=Job.State.QUEUED).first()
        if waiting:
            return waiting
        if current := _current(deployment):
            _note(current, again=True)
            return current
        return jobs.submit(KIND, deployment=deployment, owner=owner)


def request_if_newest(snapshot: Snapshot, *, owner=None) -> Job | None:
    """Request that the mirror shows the snapshot. Return None if it is not the newest good one, which is shown."""
    newest = Snapshot.objects.newest(snapshot.deployment)
    return request(snapshot.deployment, owner=owner) if newest == snapshot else None


def claim(deployment: Deployment, running: Running) -> Job | None:
    """Note that this job writes the deployment's faces. If another job does, ask that one to do it again; return it."""
    with transaction.atomic():
        _lock(deployment)
        current = _current(deployment, other_than=running.job)
        if current:
            _note(current, again=True)
        else:
            running.job.options = _note(running.job, mirrors=deployment.deployment_id, again=None)
    return current


def claim_in_time(deployment: Deployment, running: Running) -> None:
    """Claim the deployment's mirror, but wait while another job has it. Raises Conflict when time is over.

    Then that job is followed by one that mirrors what is in the database now.
    """
    until = monotonic() + PATIENCE
    while current := claim(deployment, running):
        if monotonic() > until:
            raise Conflict(
                f"{str(current).capitalize()} is still filling the mirror of {deployment.deployment_id}; another job "
                "brings the mirror up to date when it is done."
            )
        running.progress(f"waiting for {current}")
        sleep(_LOOK)


def note_snapshot(running: Running, snapshot: Snapshot) -> None:
    """Note which snapshot is mirrored: a prune keeps it, and a later attempt of this job can continue with it."""
    with transaction.atomic():
        running.job.options = _note(running.job, snapshot=snapshot.pk)


def release(deployment: Deployment, running: Running, mirrored: Snapshot | None) -> None:
    """Give the claim back; submit the next job if there was a request meanwhile, or a newer snapshot than `mirrored`.

    `mirrored`: None if nothing was. Does nothing if another worker has taken the job over.
    """
    with transaction.atomic():
        _lock(deployment)
        row = Job.objects.select_for_update().get(pk=running.job.pk)
        if row.run_token != running.job.run_token or row.state != Job.State.RUNNING:
            return
        again = row.options.get("again")
        running.job.options = _note(row, mirrors=None, again=None)
        if again or (mirrored and Snapshot.objects.newest(deployment) != mirrored):
            request(deployment, owner=row.owner)


def _lock(deployment: Deployment) -> None:
    Deployment.objects.select_for_update().get(pk=deployment.pk)


def _current(deployment: Deployment, *, other_than: Job | None = None) -> Job | None:
    holding = alive(MIRRORS).filter(options__mirrors=deployment.deployment_id)
    return holding.exclude(pk=other_than.pk if other_than else None).first()


def _note(job: Job, **changes) -> dict:
    """Change options of a job's row, None removes one; return all of them. Other processes may change them too."""
    row = Job.objects.select_for_update().get(pk=job.pk)
    options = {name: value for name, value in {**row.options, **changes}.items() if value is not None}
    Job.objects.filter(pk=row.pk).update(options=options)
    return options
