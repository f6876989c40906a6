"""Verb: a database that someone hands in becomes a Snapshot, and the mirror follows.

Everything is checked and packed before anything is published; what fails before the snapshot's row is
committed leaves database and storage as they were.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from exports.models import Snapshot
from exports.sources.upload import Upload, open_upload
from exports.sources.zips import shown
from psynetdata import jobs
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet import experiment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.problems import BadInput, Conflict, Problem

from .mirror import mirror
from .publish import published
from .stage import Staged, stage
from .store import Store

# Jobs that change what a deployment's snapshots and mirror are.
_EXCLUSIVE = ("load", "snapshot", "mirror")
# PsyNet deletes none of these; fewer than before is worth a word.
_ONLY_GROWING = {"participant": "participants", "info": "trials", "response": "responses"}
_VERSIONS = ("psynet_version", "dallinger_version", "python_version")


@dataclass(frozen=True)
class LoadResult:
    """`created`: False where the deployment held these very rows already. `rows`: {table: rows}, all tables."""

    snapshot: Snapshot
    created: bool
    deployment: Deployment
    rows: dict[str, int]
    warnings: list[str] = field(default_factory=list)


def load(
    path: Path,
    *,
    deployment_id: str | None = None,
    assets: Path | None = None,
    running: jobs.Running | None = None,
) -> LoadResult:
    """Load what is at `path`: a database.zip, an export (folder or zip), or a zip within one.

    `deployment_id` names the deployment where the database does not, and guards against another's where
    it does. `assets`: a folder in which each asset's `host_path` leads to its file. Raises BadInput for
    what cannot be loaded, Conflict while another load of the deployment runs, Cancelled.
    """
    assets_url = _assets_url(assets)
    with TemporaryDirectory(prefix="load-", dir=settings.TEMP_DIR) as name:
        folder = Path(name)
        try:
            with open_upload(path, folder) as upload:
                staged = stage(upload, folder, running)
                packed_at = upload.packed_at()
        except OSError as error:
            raise Problem(f"{shown(path.name)} could not be read or copied: {error.strerror or error}.") from None
        info = experiment.read(staged)
        named = _deployment_id(info, deployment_id, upload)
        _claim(named, running)
        before = Snapshot.objects.good().filter(deployment__deployment_id=named).first()
        snapshot = _same(named, staged)
        created = snapshot is None
        if created:
            with published(staged, Store(), running=running):
                snapshot = _commit(named, info, staged, packed_at, path, assets_url)
        elif assets_url:
            Deployment.objects.filter(deployment_id=named).update(assets_url=assets_url)
    snapshot = Snapshot.objects.select_related("deployment").get(pk=snapshot.pk)
    if running:
        Job.objects.filter(pk=running.job.pk).update(deployment=snapshot.deployment)
    warnings = [*_about_upload(upload), *staged.warnings, *_about_history(snapshot, before, created)]
    rows = staged.row_counts()
    if Snapshot.objects.newest(snapshot.deployment) == snapshot:
        _mirror(snapshot, rows, running)
    return LoadResult(snapshot, created, snapshot.deployment, rows, warnings)


def _deployment_id(info: ExperimentInfo, given: str | None, upload: Upload) -> str:
    own = info.deployment_id
    if own and given and own != given:
        raise BadInput(f"{upload.label} is of deployment {shown(own)}, not of {shown(given)}.")
    if not own and not given:
        raise BadInput(f"{upload.label} does not say which deployment it is of; name one with --deployment ID.")
    named = own or given
    if len(named) > 300 or not named.isprintable() or not named.strip():
        raise BadInput(f"{upload.label}: its deployment_id is no name of at most 300 printable characters.")
    return named


def _claim(deployment_id: str, running: jobs.Running | None) -> None:
    """Make this the one load of the deployment, in the job's own row; raise Conflict where there is another."""
    with transaction.atomic():
        # The rows are locked in one order, so of two that come at once the second sees the claim of the first.
        active = Job.objects.select_for_update().filter(
            kind__in=_EXCLUSIVE,
            state=Job.State.RUNNING,
            heartbeat_at__gte=timezone.now() - jobs.STALE_AFTER,
        )
        held = {job.pk for job in active.order_by("pk")}
        mine = running.job if running else None
        of_deployment = Q(options__claims=deployment_id) | Q(deployment__deployment_id=deployment_id)
        other = Job.objects.filter(of_deployment, pk__in=held).exclude(pk=mine and mine.pk).first()
        if other:
            raise Conflict(f"{str(other).capitalize()} is at work on {shown(deployment_id)}; wait until it is over.")
        if mine:
            mine.options = {**mine.options, "claims": deployment_id}
            Job.objects.filter(pk=mine.pk).update(options=mine.options)


def _same(deployment_id: str, staged: Staged) -> Snapshot | None:
    """The deployment's newest good snapshot that holds just these rows."""
    named = staged.named()
    total = sum(entry["rows"] for entry in named.values())
    alike = Snapshot.objects.good().filter(deployment__deployment_id=deployment_id, rows=total)
    return next((snapshot for snapshot in alike.iterator() if snapshot.tables == named), None)


def _commit(
    deployment_id: str,
    info: ExperimentInfo,
    staged: Staged,
    packed_at: datetime | None,
    path: Path,
    assets_url: str,
) -> Snapshot:
    versions = {name: _plain(getattr(info, name), 50) for name in _VERSIONS}
    named = staged.named()
    with transaction.atomic():
        deployment, _ = Deployment.objects.select_for_update().get_or_create(deployment_id=deployment_id)
        if deployment.clock_offset is None:
            deployment.clock_offset = info.clock_offset
        clock = deployment.clock if info.clock_offset is None else info.clock_offset
        taken_at = _taken_at(packed_at, clock)
        newest = Snapshot.objects.newest(deployment)
        if newest is None or newest.taken_at <= taken_at:
            deployment.label = _plain(info.label, 300) or deployment.label
            for name, version in versions.items():
                setattr(deployment, name, version or getattr(deployment, name))
        deployment.assets_url = assets_url or deployment.assets_url
        deployment.save()
        snapshot = Snapshot.objects.create(
            deployment=deployment,
            taken_at=taken_at,
            origin=shown(path.name),
            tables=named,
            rows=sum(entry["rows"] for entry in named.values()),
            bytes=sum(state.bytes for state in staged.states.values()),
            clock_offset=info.clock_offset,
            **versions,
        )
        Audit.record("load", deployment=deployment, target=snapshot, origin=snapshot.origin)
    return snapshot


def _taken_at(packed_at: datetime | None, clock: int) -> datetime:
    """UTC. An archive's dates are in its server's clock; none is later than now."""
    now = timezone.now()
    if packed_at is None:
        return now
    if packed_at.tzinfo is None:
        packed_at = (packed_at - timedelta(minutes=clock)).replace(tzinfo=UTC)
    return min(packed_at, now)


def _mirror(snapshot: Snapshot, rows: dict[str, int], running: jobs.Running | None) -> None:
    for table, count in mirror(snapshot, running=running).items():
        if count != rows[table]:
            raise Problem(f"The mirror's table {table} came to {count} rows where {snapshot} has {rows[table]}.")


def _about_upload(upload: Upload) -> list[str]:
    if not upload.anonymous:
        return []
    return [f"{upload.label} is the anonymous part of an export: what it withheld is missing here too."]


def _about_history(snapshot: Snapshot, before: Snapshot | None, created: bool) -> list[str]:
    """`before`: the newest snapshot when the load began."""
    if before is None or before == snapshot:
        return []
    if Snapshot.objects.newest(snapshot.deployment) != snapshot:
        stays = f"it stays in the history, and the mirror stays on {before}"
        return [f"{str(snapshot).capitalize()} is older than the newest, {before}; {stays}."]
    fewer = [
        f"{snapshot.rows_of(table)} {words} instead of {before.rows_of(table)}"
        for table, words in _ONLY_GROWING.items()
        if snapshot.rows_of(table) < before.rows_of(table)
    ]
    if not created or not fewer:
        return []
    return [f"There are fewer rows than in {before}, though PsyNet deletes none: {', '.join(fewer)}."]


def _assets_url(assets: Path | None) -> str:
    if assets is None:
        return ""
    if not assets.is_dir():
        raise BadInput(f"{shown(str(assets))} is no folder; --assets names the folder that holds the asset files.")
    url = assets.resolve().as_uri()
    if len(url) > 500:
        raise BadInput("The path of the assets' folder is too long; move it or make a shorter link to it.")
    return url


def _plain(text: str, longest: int) -> str:
    """Text that any database takes and one line shows."""
    return "".join(character if character.isprintable() else " " for character in text)[:longest]
