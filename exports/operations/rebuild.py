"""Rebuild history, deployments and decisions from the manifests of the store, without the site's former database.

Accounts, the audit log and archives of exports do not come back; passwords of sources and pseudonym keys do if the
master key is the one that sealed them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.files.storage import Storage, default_storage
from django.core.management.color import no_style
from django.db import connection, transaction

from exports.ledger import collection
from exports.ledger.sealed_files import LedgerFiles
from exports.models import LedgerFile, Snapshot, StoredAsset, Withdrawal
from exports.store import installation, manifests
from exports.store.blobs import FOLDER as STORE
from exports.store.blobs import Store, file_of
from exports.store.manifests import Manifest, Row
from exports.store.storage_listing import names
from psynetdata.infra.sealed.storage import logical_names, stored_names
from psynetdata.models import Audit, Deployment, Secret
from psynetdata.psynet.problems import Conflict, Damaged, NotFound

_OF_DEPLOYMENT = {model._meta.label_lower: model for model in manifests.OF_DEPLOYMENT}
_SECRET = Secret._meta.label_lower
_TOGETHER = 500


@dataclass
class Rebuilt:
    """How many rows were added. `problems`: sentences about what could not be."""

    deployments: int = 0
    snapshots: int = 0
    withdrawals: int = 0
    assets: int = 0
    problems: list[str] = field(default_factory=list)


def rebuild(*, unsigned: bool = False, user=None) -> Rebuilt:
    """Add what the store knows and the database does not. Where both know a deployment, the store's word counts.

    Afterwards database and storage carry a new installation id. Raises NotFound if the store has no manifests, and
    Conflict if the database holds other deployments, or if manifests were not signed with this master key (unless
    `unsigned`). The faces are not rebuilt here: mirror the snapshots that `newest` returns.
    """
    found = list(manifests.read_all())
    if not found:
        raise NotFound(
            "The storage holds no manifests, so nothing can be rebuilt from it; is STORAGE_URL the right one?"
        )
    strange = sum(not manifest.signed for manifest in found)
    if strange and not unsigned:
        raise Conflict(
            f"{strange} of {len(found)} manifests were not signed with this master key. Use the key that the former "
            "desk had (MASTER_KEY, or the file master_key in DATA_DIR); if it is lost, add --unsigned: passwords of "
            "sources are then asked for again, and pseudonyms are new."
        )
    rebuilt = Rebuilt()
    files = set(names(default_storage, STORE))
    with transaction.atomic():
        _add_deployments(list(_newest(found, "deployment")), rebuilt)
        numbers = dict(Deployment.objects.values_list("pk", "deployment_id"))
        for manifest in _of_kind(found, "snapshot"):
            _add_snapshot(manifest, numbers, files, rebuilt)
        for manifest in _newest(found, "assets"):
            _add_assets(manifest, rebuilt)
        _reset_sequences()
        installation.adopt()
        Audit.record("rebuild", user=user, target=f"{rebuilt.snapshots} snapshots", identified=False)
    _check_ledgers(rebuilt, unsigned)
    manifests.save_due()
    return rebuilt


def _check_ledgers(rebuilt: Rebuilt, unsigned: bool) -> None:
    """Report ledgers that cannot be read. Without the former master key none can: they are collected again."""
    for deployment in Deployment.objects.filter(continues=None).order_by("number"):
        files = LedgerFiles(deployment)
        files.find()
        rebuilt.problems += files.problems().values()
        if unsigned:
            collection.repair(deployment)


def newest() -> list[Snapshot]:
    """Return the newest good snapshot of each deployment."""
    snapshots = map(Snapshot.objects.newest, Deployment.objects.order_by("number"))
    return [snapshot for snapshot in snapshots if snapshot is not None]


def copy_from(other: Storage) -> int:
    """Copy the files of another storage that this one does not have; return how many."""
    count = 0
    for folder in (STORE, manifests.FOLDER, *installation.KEPT_FOLDERS):
        for name in logical_names(other, names(other, folder)):
            if not default_storage.exists(name):
                with other.open(name, "rb") as file:
                    default_storage.save(name, file)
                count += 1
    return count


def _of_kind(found: Iterable[Manifest], kind: str) -> Iterator[Manifest]:
    return (manifest for manifest in found if manifest.kind == kind)


def _newest(found: Iterable[Manifest], kind: str) -> Iterator[Manifest]:
    """Yield one manifest a deployment: after a storage was adopted, a former one may be there too."""
    chosen: dict[str, Manifest] = {}
    for manifest in _of_kind(found, kind):
        folder = manifest.name.split("/")[-2]
        if folder not in chosen or manifest.content["written_at"] > chosen[folder].content["written_at"]:
            chosen[folder] = manifest
    return iter(chosen.values())


def _add_deployments(found: list[Manifest], rebuilt: Rebuilt) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for manifest in found:
        for row in manifest.rows:
            rows[row["model"]].append(row)
    _check_same(rows[Deployment._meta.label_lower])
    known = set(Deployment.objects.values_list("pk", flat=True))
    # A deployment may continue one that comes later; constraints are checked when the transaction ends.
    _insert(rows[Deployment._meta.label_lower])
    rebuilt.deployments = Deployment.objects.exclude(pk__in=known).count()
    _restore_people(found)
    for label, model in _OF_DEPLOYMENT.items():
        if model is LedgerFile:
            _add_ledger(rows[label])
            continue
        numbers = [row["pk"] for row in rows[Deployment._meta.label_lower]]
        here = model.objects.filter(deployment__in=numbers)
        if model is Withdrawal:  # a withdrawal that only one side knows stays
            both = set(here.values_list("deployment", "participant"))
            new = [
                row for row in rows[label] if (row["fields"]["deployment"], row["fields"]["participant"]) not in both
            ]
            rebuilt.withdrawals = len(new)
            _insert(new)
        else:
            here.delete()
            _insert(rows[label])
    Secret.objects.filter(name__in=[row["fields"]["name"] for row in rows[_SECRET]]).delete()
    _insert(rows[_SECRET])


def _add_ledger(rows: list[Row]) -> None:
    """Name the files of ledgers again. Those that only the database knows stay."""
    known = set(LedgerFile.objects.values_list("name", flat=True))
    _insert([row | {"pk": None} for row in rows if row["fields"]["name"] not in known])


def _check_same(rows: list[Row]) -> None:
    """Raise Conflict if a deployment of the database has the number or the id of another one of the store."""
    numbers = {row["pk"]: row["fields"]["deployment_id"] for row in rows}
    ids = {deployment_id: number for number, deployment_id in numbers.items()}
    for number, deployment_id in Deployment.objects.values_list("pk", "deployment_id"):
        if numbers.get(number, deployment_id) != deployment_id or ids.get(deployment_id, number) != number:
            raise Conflict(
                f"The database holds deployment {deployment_id}, which is not one of this store's. Rebuild into an "
                "empty database, or into an older copy of the one that this storage belongs to."
            )


def _restore_people(found: list[Manifest]) -> None:
    """Name the people of a restricted deployment again, as far as they have accounts here."""
    accounts = {user.get_username(): user for user in get_user_model().objects.all()}
    for manifest in found:
        (row,) = [row for row in manifest.rows if row["model"] == Deployment._meta.label_lower]
        people = [accounts[name] for name in manifest.content["people"] if name in accounts]
        Deployment.objects.get(pk=row["pk"]).people.add(*people)


def _add_snapshot(manifest: Manifest, numbers: dict[int, str], files: set[str], rebuilt: Rebuilt) -> None:
    (row,) = manifest.rows
    deployment_id = manifest.content["deployment_id"]
    if Snapshot.objects.filter(pk=row["pk"]).exists():
        return
    if numbers.get(row["fields"]["deployment"]) != deployment_id:
        rebuilt.problems.append(f"Snapshot {row['pk']} belongs to a deployment without a manifest; it is not rebuilt.")
        return
    if missing := _missing(row["fields"]["tables"], files):
        rebuilt.problems.append(f"Snapshot {row['pk']} of {deployment_id} is not rebuilt: {missing}")
        return
    _insert([row])
    Snapshot.objects.filter(pk=row["pk"]).update(manifest=manifest.name, manifest_due=False)
    rebuilt.snapshots += 1


def _missing(tables: dict[str, dict], files: set[str]) -> str | None:
    """Return what a snapshot lacks in the store, in a sentence."""
    store = Store()
    for table, entry in tables.items():
        try:
            needed = {file_of(entry["state"], "json")} | store.segment_files(entry["state"])
        except Damaged as problem:
            return f"table {table}: {problem.sentence}"
        if not all(stored_names(store.storage, [name]) & files for name in needed):
            return f"table {table} has segments that are missing from the storage."
    return None


def _add_assets(manifest: Manifest, rebuilt: Rebuilt) -> None:
    rows = manifest.rows
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        known = set(StoredAsset.objects.filter(pk__in=[row["pk"] for row in some]).values_list("pk", flat=True))
        new = [row for row in some if row["pk"] not in known]
        _insert(new)
        rebuilt.assets += len(new)


def _insert(rows: list[Row]) -> None:
    """Insert or replace rows as they are, without what saving usually sets (times of creation)."""
    for row in serializers.deserialize("python", rows):
        row.save()


def _reset_sequences() -> None:
    """Let the next new rows have numbers after those that were inserted."""
    models = [Deployment, Secret, Snapshot, StoredAsset, *manifests.OF_DEPLOYMENT]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
