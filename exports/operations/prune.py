"""Delete the snapshots that the retention rules do not keep, then the files that nothing refers to any more."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Max, OuterRef, ProtectedError, Sum
from django.utils import timezone

from exports.history.retention import HeldSnapshot, RetentionPolicy, keep
from exports.ledger.collection import complete
from exports.ledger.sealed_files import ENDING as LEDGER_ENDING
from exports.ledger.sealed_files import FOLDER as LEDGER
from exports.ledger.sealed_files import names as ledger_names
from exports.models import Export, ExportArchive, Installation, QuarantinedFile, ReleasedFile, Snapshot
from exports.models.asset import ASSETS
from exports.package.expiry import FOLDER as EXPORTS
from exports.package.expiry import expired_names, unneeded
from exports.store import locks, withdrawals
from exports.store.asset_garbage import owned_count, remove_unowned, unowned
from exports.store.blobs import FOLDER as STORE
from exports.store.blobs import Store
from exports.store.garbage import References, sweep, unnamed_files, unreferenced_files
from exports.store.installation import count_prune
from exports.store.manifests import FOLDER as MANIFESTS
from exports.store.manifests import named
from exports.store.quarantine import Quarantine, release, remove, take_back_releases
from exports.store.storage_listing import Swept
from psynetdata import jobs
from psynetdata.jobs import Running
from psynetdata.mirror import comparable
from psynetdata.models import Audit, Deployment, Job, MirroredTable
from psynetdata.psynet import times
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import UNMIRRORED_TABLES

_TOGETHER = 50  # rows deleted in one transaction
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_LONG_PAUSE = timedelta(days=3)  # prunes are daily


@dataclass(frozen=True)
class PruneResult:
    """What was deleted, or would be. `store`, `archives`, `assets`: files of snapshots, expired exports, assets.

    `deployments`: {deployment_id: {"goes": n, "stays": {reason: n}}}; `unreadable`: states that could not be read.
    `quarantined`: files that nothing refers to and that stay for now. `stopped`: sentences why something stayed that
    would otherwise have gone.
    """

    deployments: dict[str, dict]
    store: Swept
    archives: Swept
    assets: Swept
    unreadable: int
    quarantined: Swept
    stopped: list[str]

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


def prune(
    running: Running, *, deployment: Deployment | None = None, quarantined: bool = False, dry_run: bool = False
) -> PruneResult:
    """Delete snapshots of one deployment or of all, and their files; then expired exports and what was quarantined.

    With `quarantined` all files in quarantine go, except those that are kept. With `dry_run` only report what would
    be deleted. Raises Conflict while another prune runs, and Cancelled. If a
    prune is interrupted, the next one continues from there.
    """
    now, store = timezone.now(), Store()
    if not dry_run:
        locks.claim_files(running)
    installation = Installation.objects.get() if dry_run else count_prune()
    if doubt := clock_doubt(installation, now):
        return _held_back(doubt)
    chosen = [deployment] if deployment else list(Deployment.objects.order_by("number"))
    decided = {one: retention_reasons(one, now) for one in chosen}
    going = {one: [pk for pk, reason in reasons.items() if reason is None] for one, reasons in decided.items()}
    every_id = frozenset(pk for ids in going.values() for pk in ids)
    counts = {one.deployment_id: _counted(reasons.values()) for one, reasons in decided.items() if reasons}
    every_id = frozenset(pk for ids in going.values() for pk in ids)
    running.progress("reading what is kept")
    references = References(store, without=every_id)
    references.update(running)
    released, stopped = frozenset[str](), set[str]()
    if dry_run:
        released = frozenset(references.files_only_of(every_id))
    else:
        for one, ids in going.items():
            if ids:
                counts[one.deployment_id]["goes"] = _forget(one, ids, references, running, stopped)
        references.include(Snapshot.objects.filter(pk__in=every_id).values_list("pk", flat=True))
        references.update(running)
        take_back_releases({*references.files, *named()})
    quarantine = Quarantine(installation, now, ended=quarantined, dry_run=dry_run)
    quarantine.stopped |= stopped
    swept = _remove_files(quarantine, references, released, running, now)
    return PruneResult(counts, *swept, len(references.unreadable), _in_quarantine(), sorted(quarantine.stopped))


def _remove_files(
    quarantine: Quarantine, references: References, released: frozenset[str], running: Running, now: datetime
) -> tuple[Swept, Swept, Swept]:
    """Remove what may go of the files of snapshots, exports and assets; on a dry run only count it."""
    store = references.store
    files = quarantine.deletable(
        STORE, unreferenced_files(store, references, now), named=len(references.files), released=released
    )
    archives = quarantine.deletable(
        EXPORTS, unneeded(store.storage, now), named=ExportArchive.objects.count(), released=expired_names(now)
    )
    assets = quarantine.deletable(ASSETS, unowned(store.storage, now), named=owned_count())
    others = []
    for folder, known, ending in ((MANIFESTS, named(), ".json.gz"), (LEDGER, ledger_names(), LEDGER_ENDING)):
        unnamed = unnamed_files(store.storage, folder, known, now, ending=ending)
        others.append(quarantine.deletable(folder, unnamed, named=len(known)))
    if quarantine.dry_run:
        return _sum(files), _sum(archives), _sum(assets)
    remove(store.storage, chain.from_iterable(others), running)
    return (
        sweep(store, references, files, running),
        remove(store.storage, archives, running),
        remove_unowned(store.storage, assets, running),
    )


def clock_doubt(installation: Installation, now: datetime) -> str | None:
    """Return why this machine's clock may be wrong, in a sentence; what is old cannot be told from it then."""
    before = installation.pruned_at
    if before and not before - _HOUR < now < before + _LONG_PAUSE:
        return (
            f"The last prune was {times.in_words(before)}, so either the clock is wrong or nothing was pruned for "
            "long: nothing was deleted this time. The next prune deletes again."
        )
    newest = Snapshot.objects.filter(deployment__in=Deployment.objects.watched()).aggregate(at=Max("taken_at"))["at"]
    if newest and now > newest + _LONG_PAUSE:
        return (
            f"The newest snapshot of a watched deployment is of {times.in_words(newest)}, so either the clock is wrong "
            "or no source answers: nothing is deleted until there is a new one."
        )
    return None


def _held_back(doubt: str) -> PruneResult:
    return PruneResult({}, Swept(), Swept(), Swept(), 0, _in_quarantine(), [doubt])


def _in_quarantine() -> Swept:
    held = QuarantinedFile.objects.aggregate(files=Count("pk"), bytes=Sum("bytes"))
    return Swept(held["files"], held["bytes"] or 0)


def submit_daily() -> None:
    """Submit the daily prune, unless one was submitted in the last day or is active."""
    asked = Job.objects.filter(kind=locks.PRUNE)
    active = asked.filter(state__in=Job.ACTIVE)
    if not active.exists() and not asked.filter(options__daily=True, created_at__gt=timezone.now() - _DAY).exists():
        jobs.submit(locks.PRUNE, options={"daily": True})


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
            kept = {name: tables[name]["state"] for name in tables if name not in UNMIRRORED_TABLES}
            if comparable(states) == comparable(kept):
                shown.add(pk)
                break
    return shown


def _snapshots_in_use() -> set[int]:
    """Return the ids of snapshots that unfinished jobs name."""
    active = Job.objects.filter(state__in=Job.ACTIVE)
    return set(active.filter(options__has_key="snapshot").values_list("options__snapshot", flat=True))


def _forget(deployment: Deployment, ids: list[int], references: References, running: Running, stopped: set[str]) -> int:
    """Delete snapshots once the ledger has their identifiers; return how many. If it cannot be read, all stay."""
    try:
        complete(deployment, partial(running.progress, "collecting identifiers"))
    except Damaged as problem:
        stopped.add(problem.sentence)
        return 0
    return _delete_snapshots(deployment, ids, references, running)


def _delete_snapshots(deployment: Deployment, ids: list[int], references: References, running: Running) -> int:
    gone = 0
    for start in range(0, len(ids), _TOGETHER):
        running.progress("letting snapshots go", start, len(ids))
        together = ids[start : start + _TOGETHER]
        try:
            gone += _delete(together, references)
        except (ProtectedError, IntegrityError):  # an export of one of them was requested a moment ago
            gone += sum(_delete_if_free(pk, references) for pk in together)
    Audit.record("prune", deployment=deployment, target=f"{gone} snapshots")
    return gone


def _delete(ids: list[int], references: References) -> int:
    """Return how many were deleted. Snapshots that were pinned, exported or handed in since the decision stay."""
    with transaction.atomic():
        free = [
            one.pk
            for one in Snapshot.objects.select_for_update().filter(pk__in=ids, pinned=False, origin="").only("pk")
        ]
        # In the same transaction, so that no crash separates a deletion from what was decided about its files.
        described = Snapshot.objects.filter(pk__in=free).exclude(manifest="").values_list("manifest", flat=True)
        release([*references.files_only_of(free), *described], ReleasedFile.Reason.RETENTION)
        _, gone = Snapshot.objects.filter(pk__in=free).delete()
        return gone.get(Snapshot._meta.label, 0)


def _delete_if_free(pk: int, references: References) -> int:
    try:
        return _delete([pk], references)
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
