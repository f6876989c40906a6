"""Job handlers for fetching assets in the background: take ids, make one call, return what to show."""

from datetime import timedelta

from exports.assets import background_fetch
from psynetdata import jobs


@jobs.handler(background_fetch.KIND, cluster=jobs.SLOW, max_attempts=1, kept=timedelta(days=7))
def assets_job(running: jobs.Running) -> dict:
    """Fetch the assets of the job's deployment. Options: whole. Result: fetched, bytes, missing {reason: n}, left.

    One attempt: the schedule sends the next one.
    """
    return background_fetch.fetch_new(running.job.deployment, running, whole=bool(running.options.get("whole")))


@jobs.each_minute
def send_due_fetches() -> None:
    background_fetch.send_due()
