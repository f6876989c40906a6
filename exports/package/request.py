"""Request an export."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from exports.models import Export, Snapshot
from exports.sources.asset_urls import check_assets_url
from psynetdata import jobs
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Conflict, TooMany

from .options import REGULAR, ExportOptions

KIND = "export"


def request_export(
    deployment: Deployment,
    options: ExportOptions,
    *,
    owner=None,
    snapshot: Snapshot | None = None,
    here: bool = False,
    limited: bool = True,
) -> Export:
    """Create an Export with its job, and record it. The job goes to the slow cluster, or with `here` to `run_here`.

    Without `snapshot` the newest good one is taken. The caller checks that `owner` may have these archives
    (psynetdata.rights.can_export). `limited`: whether the number of the owner's waiting exports is. Raises Conflict if
    there is no good snapshot, TooMany if too many of the owner's exports wait already, and UsageError if the assets'
    location is of an unknown kind or the format is not installed.
    """
    chosen = _good_snapshot(deployment, snapshot)
    options.file_format.check_installed()
    if options.wants_assets:
        check_assets_url(deployment.assets_url)
    with transaction.atomic():
        if limited and not here:
            _check_waiting(owner)
        export = Export.objects.create(
            deployment=deployment,
            snapshot=chosen,
            job=_job(deployment, owner, here),
            owner=owner if getattr(owner, "is_authenticated", False) else None,
            options=options.to_json(),
        )
        Audit.record(
            KIND,
            user=owner,
            deployment=deployment,
            target=export,
            identified=REGULAR in options.modes,
            snapshot=chosen.id,
            **options.to_json(),
        )
    return export


def run_here(export: Export, *, on_progress=None) -> None:
    """Run the export's job in this process; its Problem is raised to the caller."""
    jobs.run(export.job_id, on_progress=on_progress, raise_problems=True)


def _check_waiting(owner) -> None:
    if owner is None:
        return
    get_user_model().objects.select_for_update().get(pk=owner.pk)  # of several requests at once, one after another
    waiting = Job.objects.filter(kind=KIND, owner=owner.pk, state=Job.State.QUEUED).count()
    if waiting >= settings.EXPORTS_WAITING:
        raise TooMany(
            f"{waiting} of your exports are waiting already; request another one when some of them are done, or cancel "
            "some."
        )


def _good_snapshot(deployment: Deployment, snapshot: Snapshot | None) -> Snapshot:
    if snapshot is None:
        snapshot = Snapshot.objects.newest(deployment)
        if snapshot is None:
            raise Conflict(f"Deployment {deployment.deployment_id} has no good snapshot yet; load or take one first.")
    elif snapshot.deployment_id != deployment.number:
        raise Conflict(f"Snapshot {snapshot.id} does not belong to deployment {deployment.deployment_id}.")
    elif snapshot.state != Snapshot.State.GOOD:
        raise Conflict(f"Snapshot {snapshot.id} is {snapshot.state}; only good snapshots can be exported.")
    return snapshot


def _job(deployment: Deployment, owner, here: bool) -> Job:
    make = jobs.prepare if here else jobs.submit
    return make(KIND, deployment=deployment, owner=owner)
