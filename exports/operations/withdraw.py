"""Withdraw participants: their data is no longer shown or exported, and earlier exports with it are removed here.

Stored snapshots keep it until they are pruned, as the experiment's own database does.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import transaction

from exports.assets.asset_files import forget
from exports.mirroring.newest import mirror_newest
from exports.mirroring.rebuild import to_mirror
from exports.models import Export, Snapshot, Withdrawal
from exports.package.publication import discard
from exports.store.reader import SnapshotReader
from exports.store.withdrawals import withdrawn_ids, without_withdrawn
from psynetdata import jobs
from psynetdata.database_version import check_not_newer
from psynetdata.faces import IDENTIFIED
from psynetdata.jobs import Running
from psynetdata.models import Audit, Deployment, Job, Participant
from psynetdata.psynet.problems import Conflict, NotFound

KIND = "withdraw"


def withdraw(deployment: Deployment, ids: Iterable[int], *, user=None) -> list[Withdrawal]:
    """Record that the participants withdrew; `follow` carries it out. Return the new rows.

    From here on no export holds their data. Raises NotFound for an id that never took part, Conflict if all of them
    withdrew before.
    """
    check_not_newer()
    wanted, first = sorted({*ids}), deployment.first
    if missing := sorted({*wanted} - _took_part(deployment, wanted)):
        raise NotFound(f"Deployment {deployment.deployment_id} has no participant {', '.join(map(str, missing))}.")
    with transaction.atomic():
        rows = [
            Withdrawal.objects.get_or_create(deployment=first, participant=each, defaults={"by": _account(user)})
            for each in wanted
        ]
        new_rows = [row for row, is_new in rows if is_new]
        if not new_rows:
            raise Conflict("They withdrew before; nothing was changed.")
        for row in new_rows:
            who = f"participant {row.participant}"
            Audit.record(KIND, user=user, deployment=deployment, target=who, identified=True)
    return new_rows


def take_back(deployment: Deployment, ids: Iterable[int], *, user=None) -> None:
    """Undo withdrawals, as far as snapshots still have the participants' data; `follow` carries it out.

    Raises NotFound for an id that did not withdraw.
    """
    with transaction.atomic():
        rows = Withdrawal.objects.select_for_update().filter(deployment=deployment.first, participant__in=ids)
        missing = sorted({*ids} - {row.participant for row in rows})
        if missing:
            raise NotFound(
                f"In deployment {deployment.deployment_id} no participant {', '.join(map(str, missing))} has withdrawn."
            )
        for row in rows:
            target = f"withdrawal of participant {row.participant}"
            Audit.record("take back", user=user, deployment=deployment, target=target, identified=True)
        rows.delete()


def send(deployment: Deployment, *, owner=None) -> Job:
    """Submit the job that carries out the recorded withdrawals."""
    return jobs.submit(KIND, deployment=deployment.first, owner=owner)


def follow(deployment: Deployment, running: Running) -> dict:
    """Carry out the recorded withdrawals. Return {"archives", "asset_files": removed, "snapshots": mirrored ids}.

    Can safely be run again. Raises Cancelled; Conflict if another job does not finish a mirror in time.
    """
    chain, mirrored = deployment.chain(), to_mirror(deployment)
    running.progress("removing exports")
    archives = sum(_remove_archives(one) for one in chain)
    running.progress("removing asset files")
    files = sum(_remove_assets(Snapshot.objects.newest(one), running) for one in mirrored)
    snapshots = [mirror_newest(one, running)["snapshot"] for one in mirrored]
    return {"archives": archives, "asset_files": files, "snapshots": snapshots}


def _took_part(deployment: Deployment, ids: list[int]) -> set[int]:
    """Return those of `ids` that took part, according to the mirror or to a withdrawal."""
    numbers = [one.number for one in deployment.chain()]
    shown = Participant.objects.using(IDENTIFIED).filter(id__in=ids, deployment_number__in=numbers)
    return {*shown.values_list("id", flat=True), *withdrawn_ids(deployment)}


def _account(user):
    return user if getattr(user, "is_authenticated", False) else None


def _remove_archives(deployment: Deployment) -> int:
    """Remove archives that were requested before the last withdrawal."""
    last = Withdrawal.objects.filter(deployment=deployment.first).order_by("-created_at").first()
    if last is None:
        return 0
    exports = Export.objects.filter(deployment=deployment, created_at__lte=last.created_at, archives__isnull=False)
    removed = 0
    for export in exports.distinct():
        removed += export.archives.count()
        discard(export)
    return removed


def _remove_assets(snapshot: Snapshot, running: Running) -> int:
    """Remove the stored files of participants who withdrew; a file that others share stays."""
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="withdrawn-") as folder:
        less = without_withdrawn(snapshot, Path(folder), on_progress=lambda *_: running.check())
        if "asset" not in less.left_out:
            return 0
        stay = set(_asset_ids(less.reader))
        gone = [each for each in _asset_ids(SnapshotReader(snapshot)) if each not in stay]
    return forget(snapshot.deployment, gone)


def _asset_ids(reader: SnapshotReader) -> Iterable[int]:
    at = [column.name for column in reader.columns("asset")].index("id")
    return (int(row[at]) for row in reader.rows("asset") if row[at])
