"""Delete the snapshots that the retention rules do not keep, then the files that nothing refers to any more."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, ProtectedError
from django.utils import timezone

from exports.history.retention import HeldSnapshot, RetentionPolicy, keep
from exports.models import Export, Snapshot
from exports.package.expiry import expire, expired
from exports.store import locks, withdrawals
from exports.store.asset_garbage import remove_unowned, unowned
from exports.store.blobs import Store
from exports.store.garbage import References, Swept, sweep, unreferenced_files
from psynetdata import jobs
from psynetdata.jobs import Running
from psynetdata.models import Audit, Deployment, Job, MirroredTable
from psynetdata.psynet.problems import Conflict
from psynetdata.psynet.tables import UNMIRRORED_TABLES

_TOGETHER = 50  # rows deleted in one transaction
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PruneResult:
    """What was deleted, or would be. `store`, `archives`, `assets`: files of snapshots, expired exports, assets.

    `deployments`: {deployment_id: {"goes": n, "stays": {reason: n}}}; `unreadable`: states that could not be read.
    """

    deployments: dict[str, dict]
    store: Swept
    archives: Swept
    assets: Swept
    unreadable: int

    def to_json(self) -> dict:
        return asdict(self)


def policy_of(deployment: Deployment) -> RetentionPolicy:
    return RetentionPolicy(
        timedelta(hours=deployment.keep_all_hours),
        timedelta(days=deployment.keep_hourly_days),
        timedelta(days=deployment.keep_daily_days),
    )


def retention_reasons(deployment: Deployment, now: datetime) -> dict[int, str | None]:
    """Return {snapshot: why it stays, or None if it is to be deleted}, newest first."""
    return keep(_held_snapshots(deployment), now, policy_of(deployment))


def prune(running: Running, *, deployment: Deployment | None = None, dry_run: bool = False) -> PruneResult:
    """Delete snapshots of one deployment or of all; then all files that nothing refers to, and expired exports.

    With `dry_run` only report what would be deleted. Raises Conflict while another prune runs, and Cancelled. If a
    prune is interrupted, the next one continues from there.
    """
    now, store = timezone.now(), Store()
    if not dry_run:
        _alone(running)
    chosen = [deployment] if deployment else list(Deployment.objects.order_by("number"))
    decided = {one: retention_reasons(one, now) for one in chosen}
    going = {one: [pk for pk, reason in reasons.items() if reason is None] for one, reasons in decided.items()}
    counts = {one.deployment_id: _counted(reasons.values()) for one, reasons in decided.items() if reasons}
    if dry_run:
        references = References(store, without=frozenset(pk for ids in going.values() for pk in ids))
        references.update(running)
        files, archives = _sum(unreferenced_files(store, references, now)), _sum(expired(store.storage, now))
        return PruneResult(counts, files, archives, _sum(unowned(store.storage, now)), len(references.unreadable))
    for one, ids in going.items():
        if ids:
            counts[one.deployment_id]["goes"] = _delete_snapshots(one, ids, running)
    running.progress("reading what is kept")
    references = References(store)
    references.update(running)
    files, archives = sweep(store, references, running, now), expire(store.storage, running, now)
    return PruneResult(counts, files, archives, remove_unowned(store.storage, running, now), len(references.unreadable))


def submit_daily() -> None:
    """Submit the daily prune, unless one was submitted in the last day or is active."""
    asked = Job.objects.filter(kind=locks.PRUNE)
    active = asked.filter(state__in=Job.ACTIVE)
    if not active.exists() and not asked.filter(options__daily=True, created_at__gt=timezone.now() - _DAY).exists():
        jobs.submit(locks.PRUNE, options={"daily": True})


def _alone(running: Running) -> None:
    """Claim to be the only running prune. Claims that a killed attempt left in this job's row are reset."""
    with transaction.atomic():
        others = locks.alive((locks.PRUNE,)).select_for_update().order_by("pk")
        if any(job.options.get("alone") for job in others if job.pk != running.job.pk):
            raise Conflict("Another prune is running; wait until it has finished.")
        running.job.options = {**running.job.options, "alone": True, "deleting": False}
        Job.objects.filter(pk=running.job.pk).update(options=running.job.options)


def _held_snapshots(deployment: Deployment) -> list[HeldSnapshot]:
    shown, used = _mirrored_snapshots(deployment), _snapshots_in_use()
    rows = deployment.snapshots.annotate(exported=Exists(Export.objects.filter(snapshot=OuterRef("pk"))))
    return [
        HeldSnapshot(
            pk,
            taken_at,
            state,
            pinned=pinned,
            exported=exported,
            by_hand=bool(origin) or deployment.source == Deployment.Source.UPLOAD,
            shown=pk in shown,
            in_use=pk in used,
        )
        for pk, taken_at, state, pinned, exported, origin in rows.values_list(
            "pk", "taken_at", "state", "pinned", "exported", "origin"
        )
    ]


def _mirrored_snapshots(deployment: Deployment) -> set[int]:
    """Return the snapshot that each face shows; of several with exactly the same states the newest."""
    shown = set()
    for face in settings.FACES:
        rows = MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
        states = withdrawals.unfiltered_states(deployment, dict(rows.values_list("table", "state")))
        for pk, tables in deployment.snapshots.values_list("pk", "tables").iterator() if states else ():
            if states == {name: tables[name]["state"] for name in tables if name not in UNMIRRORED_TABLES}:
                shown.add(pk)
                break
    return shown


def _snapshots_in_use() -> set[int]:
    """Return the ids of snapshots that unfinished jobs name."""
    active = Job.objects.filter(state__in=Job.ACTIVE)
    return set(active.filter(options__has_key="snapshot").values_list("options__snapshot", flat=True))


def _delete_snapshots(deployment: Deployment, ids: list[int], running: Running) -> int:
    gone = 0
    for start in range(0, len(ids), _TOGETHER):
        running.progress("letting snapshots go", start, len(ids))
        together = ids[start : start + _TOGETHER]
        try:
            gone += _delete(together)
        except (ProtectedError, IntegrityError):  # an export of one of them was requested a moment ago
            gone += sum(_delete_if_free(pk) for pk in together)
    Audit.record("prune", deployment=deployment, target=f"{gone} snapshots")
    return gone


def _delete(ids: list[int]) -> int:
    """Return how many were deleted. Snapshots that were pinned or exported since the decision stay."""
    with transaction.atomic():
        free = Snapshot.objects.select_for_update().filter(pk__in=ids, pinned=False)
        _, gone = Snapshot.objects.filter(pk__in=[one.pk for one in free.only("pk")]).delete()
        return gone.get(Snapshot._meta.label, 0)


def _delete_if_free(pk: int) -> int:
    try:
        return _delete([pk])
    except (ProtectedError, IntegrityError):
        return 0


def _counted(reasons: Iterable[str | None]) -> dict:
    counts = Counter(reasons)
    goes = counts.pop(None, 0)
    return {"goes": goes, "stays": dict(counts.most_common())}


def _sum(files: Iterable) -> Swept:
    swept = Swept()
    for file in files:
        swept.files += 1
        swept.bytes += file.bytes
    return swept
