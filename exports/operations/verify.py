"""Verify stored data in a job: a snapshot's segments, an export's archives."""

from exports.models import Export, Snapshot
from psynetdata import jobs
from psynetdata.models import Audit, Job
from psynetdata.psynet.problems import Conflict, Damaged, NotFound

from .storage_check import verify_export, verify_snapshot

KIND = "verify"
_VERIFY = {"snapshot": (Snapshot, verify_snapshot), "export": (Export, verify_export)}


def ask(row: Snapshot | Export, *, owner) -> Job:
    """Submit a job that verifies the row. Raises Conflict if one is already doing so."""
    name, active = row._meta.model_name, last(row)
    if active is not None and not active.is_over:
        raise Conflict(f"{str(active).capitalize()} is already verifying {row}.")
    job = jobs.submit(KIND, options={name: row.pk}, deployment=row.deployment, owner=owner)
    Audit.record(KIND, user=owner, deployment=row.deployment, target=row)
    return job


def last(row: Snapshot | Export) -> Job | None:
    """Return the newest job that verified the row or is going to."""
    of_row = {f"options__{row._meta.model_name}": row.pk}
    return Job.objects.filter(kind=KIND, deployment=row.deployment_id, **of_row).order_by("-pk").first()


def verify(options: dict) -> dict:
    """Verify what a job's options name. Return {"files", "bytes", "rows"} that were checked.

    Raises Damaged, which names no files because names can reveal people, and NotFound.
    """
    ((name, number),) = options.items()
    model, verify_row = _VERIFY[name]
    row = model.objects.filter(pk=number).first()
    if row is None:
        raise NotFound(f"There is no {name} {number} any more.")
    checked = verify_row(row)
    if checked.problems:
        count = len(checked.problems)
        what = "one thing is" if count == 1 else f"{count} things are"
        raise Damaged(f"In {row} {what} not as stored; `manage.py verify --{name} {number}` reports the details.")
    return {"files": checked.files, "bytes": checked.bytes, "rows": checked.rows}
