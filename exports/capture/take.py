"""Take a snapshot: store a running experiment's database as it is at one moment."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from django.conf import settings

from exports.models import Snapshot
from exports.sources import registry
from exports.sources.postgres import Address
from exports.sources.read_transaction import GaveWay, ReadTransaction, read_transaction
from exports.store.blobs import Store
from exports.store.locks import claim
from exports.store.reader import SnapshotReader, StoredTables
from exports.store.snapshot_record import Arrived, check_deployment_id
from exports.store.writer import StoreWriter, repaired, store_writer
from psynetdata.infra.clock import AHEAD
from psynetdata.jobs import Running
from psynetdata.models import Deployment, Job
from psynetdata.psynet import experiment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.problems import BadInput, Conflict

from .launch_detection import record_arrival
from .table_capture import Captured, capture

# How often a capture is tried in all, if it gave way to other users of the database.
GIVES_WAY = 3
# Every row is read again at least this often, whatever the figures say.
AFRESH_EVERY = timedelta(hours=24)


@dataclass(frozen=True)
class TakenSnapshot:
    """`deployment`: the one that the snapshot belongs to; after a new launch not the one that was asked for.

    `read`: number of segments that were read; the others were known. `warnings`: sentences.
    """

    snapshot: Snapshot
    deployment: Deployment
    read: int
    warnings: list[str] = field(default_factory=list)


def take(deployment: Deployment, *, full: bool = False, running: Running | None = None) -> TakenSnapshot:
    """Take a snapshot of what the deployment's source holds now. `full`: read every row, whatever the figures say.

    Raises Unreachable, Refused, BadInput, Conflict (another job is working on it, or the source's tables are being
    changed), Damaged, Cancelled; in all these cases nothing is kept.
    """
    _check(deployment)
    claim(deployment.deployment_id, running)
    held = Snapshot.objects.filter(deployment=deployment).order_by("-pk")
    newest, base = _reader(held.first()), _reader(held.exclude(server={}).first())
    if newest and base and newest.snapshot == base.snapshot:
        base = newest  # so that the states of its tables are read only once
    afresh = full or base is None or _is_due(base.snapshot)
    if running:
        running.progress("connecting")
    with registry.reached(deployment) as address:
        for left in reversed(range(GIVES_WAY)):
            try:
                snapshot, captured, warnings = _take(deployment, address, newest, base, afresh, running)
                break
            except GaveWay:
                if not left:
                    raise
    if running:
        Job.objects.filter(pk=running.job.pk).update(deployment=snapshot.deployment)
    return TakenSnapshot(snapshot, snapshot.deployment, captured.read, warnings)


def _take(
    deployment: Deployment,
    address: Address,
    newest: SnapshotReader | None,
    base: SnapshotReader | None,
    afresh: bool,
    running: Running | None,
) -> tuple[Snapshot, Captured, list[str]]:
    store = Store()
    with (
        TemporaryDirectory(prefix="snapshot-", dir=settings.TEMP_DIR) as name,
        store_writer(store, Path(name), running, base=newest) as writer,
    ):
        began = monotonic()
        with read_transaction(address) as held:
            captured = capture(held, writer, Path(name), base=None if afresh else base, running=running)
            fields = _about(held, base and base.snapshot, afresh)
        fields["seconds"] = round(monotonic() - began, 3)
        if running:
            running.progress("storing")
        writer.finish()
        if running:
            running.check()  # what was stored is safe from a prune only while this job counts as alive
        snapshot, warnings = _keep(deployment, captured, writer, store, fields, running)
        repaired(deployment, writer)
    return snapshot, captured, warnings


def _reader(snapshot: Snapshot | None) -> SnapshotReader | None:
    return SnapshotReader(snapshot) if snapshot else None


def _check(deployment: Deployment) -> None:
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(
            f"Deployment {deployment.deployment_id} was loaded from a file; there is no source to take snapshots of. "
            "Load a newer file, or register its database with `manage.py deployment add`."
        )
    if deployment.state in (Deployment.State.FINISHED, Deployment.State.ARCHIVED):
        raise Conflict(
            f"Deployment {deployment.deployment_id} is {deployment.state}; "
            "`manage.py deployment resume` watches it again."
        )


def _is_due(base: Snapshot) -> bool:
    """Return whether a day has passed since every row was read."""
    last, now = base.server.get("afresh_at"), datetime.now(UTC)
    # A time in the future was written before the clock was set back.
    return last is None or not now - AFRESH_EVERY <= datetime.fromisoformat(last) <= now + AHEAD


def _about(held: ReadTransaction, base: Snapshot | None, afresh: bool) -> dict:
    """Return the fields of the Snapshot that only the source knows."""
    at = held.taken_at.isoformat() if afresh else base.server["afresh_at"]
    return {
        "taken_at": held.taken_at,
        "sequences": held.sequences(),
        "server": {**held.server.as_json(), "afresh_at": at},
    }


def _keep(
    deployment: Deployment, captured: Captured, writer: StoreWriter, store: Store, fields: dict, running: Running | None
) -> tuple[Snapshot, list[str]]:
    source = StoredTables({table: entry["state"] for table, entry in captured.tables.items()}, store)
    info = _experiment_info(source, deployment)
    if info.deployment_id:
        check_deployment_id(info.deployment_id, f"The source of {deployment.deployment_id}")
    arrived = Arrived(captured.tables, info, bytes=captured.bytes, new_bytes=writer.new_bytes)
    if info.deployment_id not in ("", deployment.deployment_id):
        claim(info.deployment_id, running)  # a new launch; at this moment a file of it may be loaded too
    return record_arrival(deployment, arrived, source, fields)


def _experiment_info(source: StoredTables, deployment: Deployment) -> ExperimentInfo:
    """Return what the database says of itself; nothing if that can no longer be read: arrive() then asks people."""
    try:
        return experiment.read(source)
    except BadInput:
        if Snapshot.objects.newest(deployment) is None:
            raise
        return ExperimentInfo()
