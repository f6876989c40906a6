"""Job handlers of kind `restore`, `drill` and `retire`, and the check each minute whether a drill is due."""

from exports.models import Snapshot
from exports.operations import retire
from exports.operations.drill import drill
from exports.operations.drill_schedule import submit_due
from exports.restore.restore import restore
from exports.sources import registry
from psynetdata import credentials, jobs
from psynetdata.psynet.problems import NotFound


@jobs.handler("restore", cluster=jobs.SLOW, max_attempts=1)
def restore_job(running: jobs.Running) -> dict:
    """Options: snapshot, database (a URL without a password), secret (a reference), replace, assets or null.

    Result: rows, sequences, assets, warnings.
    """
    options = running.options
    snapshot = Snapshot.objects.select_related("deployment").filter(pk=options["snapshot"]).first()
    if snapshot is None:
        raise NotFound(f"There is no snapshot {options['snapshot']}.")
    with registry.reached_at(options["database"], credentials.reveal(options["secret"])) as address:
        done = restore(snapshot, address, replace=options["replace"], assets=options["assets"], running=running)
    return {"rows": done.rows, "sequences": done.sequences, "assets": done.assets, "warnings": done.warnings}


@jobs.handler("drill", cluster=jobs.SLOW)
def drill_job(running: jobs.Running) -> dict:
    """Run a drill for the job's deployment. Result: what `drill` returns."""
    return drill(running.job.deployment, running)


@jobs.handler(retire.KIND, cluster=jobs.SLOW, max_attempts=1)
def retire_job(running: jobs.Running) -> dict:
    """Retire the job's deployment. Result: what `retire` returns; the job is done even if something is missing."""
    return retire.retire(running.job.deployment, running)


jobs.each_minute(submit_due)
