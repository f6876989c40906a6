"""Load a database from a file: it becomes a Snapshot.

Everything is checked and compressed before anything is published; a failure before the snapshot's row is committed
leaves database and storage as they were.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from exports.models import Snapshot
from exports.server import source_code
from exports.sources.untrusted_zip import printable_name
from exports.sources.upload import open_upload
from exports.store.blobs import Store
from exports.store.locks import claim
from exports.store.reader import SnapshotReader
from exports.store.snapshot_record import Arrived, commit, deployment_id_of, find_same, remarks
from exports.store.writer import store_writer
from psynetdata import jobs
from psynetdata.models import Deployment, Job
from psynetdata.psynet import experiment
from psynetdata.psynet.problems import BadInput, Problem

from .staging_area import stage, store_staged


@dataclass(frozen=True)
class LoadResult:
    """`created`: False if the deployment already had exactly these rows. `rows`: {table: rows}, all tables."""

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
    source: Path | None = None,
    running: jobs.Running | None = None,
) -> LoadResult:
    """Load what is at `path`: a database.zip, an export (folder or zip), or a zip within one.

    `deployment_id` names the deployment if the database does not; if it does, the two must agree. `assets`: a folder in
    which each asset's `host_path` leads to its file. `source`: the experiment's source code as a zip, instead of the
    one at the top of the export. Raises BadInput if it cannot be loaded, Conflict while another load of the deployment
    runs, Cancelled.
    """
    assets_url = _assets_url(assets)
    if source is not None:
        source_code.check(source)
    with TemporaryDirectory(prefix="load-", dir=settings.TEMP_DIR) as name:
        folder = Path(name)
        try:
            with open_upload(path, folder) as upload:
                staged = stage(upload, folder, running)
                code, code_warnings = (source, []) if source else source_code.handed_in(upload, folder)
        except OSError as error:
            raise Problem(
                f"{printable_name(path.name)} could not be read or copied: {error.strerror or error}."
            ) from None
        info = experiment.read(staged)
        named = deployment_id_of(info, deployment_id, label=upload.label, way_out="; name one with --deployment ID.")
        claim(named, running)
        before = Snapshot.objects.good().filter(deployment__deployment_id=named).first()
        snapshot = find_same(named, staged, upload)
        created = snapshot is None
        if created:
            with store_writer(Store(), folder, running, base=SnapshotReader(before) if before else None) as writer:
                tables = store_staged(staged, writer, running)
                writer.finish()
                if running:
                    running.check()
                arrived = Arrived(tables, info, bytes=staged.bytes, new_bytes=writer.new_bytes)
                snapshot = commit(named, arrived, upload, origin=path.name, assets_url=assets_url)
        elif assets_url:
            Deployment.objects.filter(deployment_id=named).update(assets_url=assets_url)
        snapshot = Snapshot.objects.select_related("deployment").get(pk=snapshot.pk)
        is_newest = Snapshot.objects.newest(snapshot.deployment) == snapshot
        if code is not None and (source or is_newest or not source_code.is_kept(snapshot.deployment)):
            source_code.keep(snapshot.deployment, code)
    if running:
        Job.objects.filter(pk=running.job.pk).update(deployment=snapshot.deployment)
    rows = staged.row_counts()
    warnings = [*staged.warnings, *code_warnings, *remarks(snapshot, before, upload, created=created)]
    return LoadResult(snapshot, created, snapshot.deployment, rows, warnings)


def _assets_url(assets: Path | None) -> str:
    if assets is None:
        return ""
    if not assets.is_dir():
        raise BadInput(
            f"{printable_name(str(assets))} is not a folder; --assets names the folder that holds the asset files."
        )
    url = assets.resolve().as_uri()
    if len(url) > 500:
        raise BadInput("The path of the assets' folder is too long; move the folder or make a shorter link to it.")
    return url
