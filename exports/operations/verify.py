"""Verb: verify what is stored, as a job: a snapshot's segments, an export's archives."""

from exports.models import Export, Snapshot
from psynetdata import jobs
from psynetdata.models import Audit, Job
from psynetdata.psynet.problems import Conflict, Damaged, NotFound

from .storage_check import verify_export, verify_snapshot

KIND = "verify"
_VERIFY = {"snapshot": (Snapshot, verify_snapshot), "export": (Export, verify_export)}


def ask(row: Snapshot | Export, *, owner) -> Job:
    """A job that does it. Raises Conflict where one is at it already."""
    name, active = row._meta.model_name, last(row)
    if active is not None and not active.is_over:
        raise Conflict(f"{str(active).capitalize()} verifies {row} already.")
    job = jobs.submit(KIND, options={name: row.pk}, deployment=row.deployment, owner=owner)
    Audit.record(KIND, user=owner, deployment=row.deployment, target=row)
    return job


def last(row: Snapshot | Export) -> Job | None:
    """The newest job that verified it, or that will."""
    of_row = {f"options__{row._meta.model_name}": row.pk}
    return Job.objects.filter(kind=KIND, deployment=row.deployment_id, **of_row).order_by("-pk").first()


def verify(options: dict) -> dict:
    """What a job's options name: {"files", "bytes", "rows"} that were looked at.

    Raises Damaged, which names no file since names can tell about people, and NotFound.
    """
    ((name, number),) = options.items()
    model, look = _VERIFY[name]
    row = model.objects.filter(pk=number).first()
    if row is None:
        raise NotFound(f"There is no {name} {number} any more.")
    checked = look(row)
    if checked.problems:
        count = len(checked.problems)
        what = "one thing is" if count == 1 else f"{count} things are"
        raise Damaged(f"In {row} {what} not as stored; `manage.py verify --{name} {number}` says what.")
    return {"files": checked.files, "bytes": checked.bytes, "rows": checked.rows}
