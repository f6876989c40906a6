"""Envelopes of the long work on snapshots: ids and paths in, one call, what to show out."""

from pathlib import Path

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.psynet.problems import NotFound

from .load import load
from .mirror import mirror


@jobs.handler("load", cluster=jobs.FAST)
def load_job(running: jobs.Running) -> dict:
    """Options: path, and deployment_id and assets or null. Result: snapshot, created, rows, warnings."""
    assets = running.options.get("assets")
    done = load(
        Path(running.options["path"]),
        deployment_id=running.options.get("deployment_id"),
        assets=Path(assets) if assets else None,
        running=running,
    )
    return {"snapshot": done.snapshot.pk, "created": done.created, "rows": done.rows, "warnings": done.warnings}


@jobs.handler("mirror", cluster=jobs.FAST)
def mirror_job(running: jobs.Running) -> dict:
    """Options: snapshot. Result: rows."""
    snapshot = Snapshot.objects.filter(pk=running.options["snapshot"]).first()
    if snapshot is None:
        raise NotFound(f"There is no snapshot {running.options['snapshot']} any more.")
    return {"rows": mirror(snapshot, running=running)}
