"""Fetched files in our storage: each content once, and for each file a row that says which asset it belongs to."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, default_storage, storages
from django.db import transaction

from exports.models import ReleasedFile, StoredAsset
from exports.models.asset import file_of
from exports.store import quarantine, second_copy
from psynetdata.infra.sealed.storage import stored_names
from psynetdata.infra.storage import blocks
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Damaged

from .fetch import FetchedAsset, FetchedFile
from .plan import PlannedAsset

_FIELDS = ("inside", "source", "claim", "differs", "version", "sha256", "bytes", "stored_at")


class AssetStorage:
    """The storage as one worker uses it: over its own connection, because not every kind can be shared."""

    def __init__(self):
        self.storage: Storage = storages.create_storage(settings.STORAGES["default"])

    def put(self, file: FetchedFile) -> FetchedFile:
        """Store a file that was fetched and checked; it is moved there if possible.

        It is stored even if its content is already there, because that copy may be about to be removed.
        """
        name = file_of(file.sha256)
        with file.path.open("rb") as opened:
            saved = self.storage.save(name, _Movable(opened, file.path))
        # Some storages publish what they received so far when a connection breaks.
        if saved != name or self.storage.size(name) != file.bytes:
            raise Damaged("The storage changed an asset file while storing it; try again, or check the storage.")
        return file if file.path.exists() else replace(file, path=Path(self.storage.path(name)))

    def bring(self, row: StoredAsset, target: Path, *, copy: bool) -> Path | None:
        """Return where the file can be read, or None if it is missing or has changed.

        In the storage itself if that is a folder and no copy is wanted, else at `target`.
        """
        try:
            path = Path(self.storage.path(row.file))
        except NotImplementedError:
            return self._download(row, target)
        if not path.is_file() or path.stat().st_size != row.bytes:
            return None
        if not copy:
            return path
        target.parent.mkdir(parents=True, exist_ok=True)
        copyfile(path, target)
        return target

    def _download(self, row: StoredAsset, target: Path) -> Path | None:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = sha256()
        if not self.storage.exists(row.file):
            return None
        with target.open("wb") as file, suppress(Damaged):  # its hash differs then
            for block in blocks(self.storage, row.file, 0, row.bytes):
                digest.update(block)
                file.write(block)
        return target if digest.hexdigest() == row.sha256 else None


class _Movable(File):
    """A file that the storage may move into place instead of copying it, if both are on one disk."""

    def __init__(self, opened, path: Path):
        super().__init__(opened)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def stored_files(deployment: Deployment, assets: Iterable[PlannedAsset]) -> dict[int, list[StoredAsset]]:
    """Return {asset id: its files}, for files from the place that the asset's row names now, with an unchanged claim.

    A deployment that continues another has the other's files too.
    """
    wanted = {asset.id: asset for asset in assets}
    rows = StoredAsset.objects.filter(deployment__in=_line(deployment), asset_id__in=wanted)
    rows_by_asset: dict[int, dict[int, list[StoredAsset]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.order_by("number"):
        asset = wanted[row.asset_id]
        if (row.source, row.claim) == (asset.source, asset.claim):
            rows_by_asset[row.asset_id][row.deployment_id].append(row)
    return {number: of[max(of)] for number, of in rows_by_asset.items()}


def remember(deployment: Deployment, fetched: Iterable[tuple[PlannedAsset, FetchedAsset]]) -> None:
    """Save which assets the files belong to that were put on the shelf."""
    rows, counts = [], {}
    for asset, fetched_asset in fetched:
        counts[asset.id] = len(fetched_asset.files)
        rows += [_row(deployment, asset, fetched_asset, number) for number in range(len(fetched_asset.files))]
    with transaction.atomic():
        StoredAsset.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["deployment", "asset_id", "number"], update_fields=_FIELDS
        )
        mine = StoredAsset.objects.filter(deployment=deployment)
        shorter = mine.filter(asset_id__in=counts, number__gt=0).values_list("pk", "asset_id", "number")
        mine.filter(pk__in=[pk for pk, asset, number in shorter if number >= counts[asset]]).delete()


def forget(deployment: Deployment, asset_ids: Iterable[int]) -> int:
    """Remove the files of these assets at once, for somebody who withdrew; a file that others share stays.

    Return how many different files they had.
    """
    going = StoredAsset.objects.filter(deployment__in=_line(deployment), asset_id__in=list(asset_ids))
    hashes = set(going.values_list("sha256", flat=True))
    files = stored_names(default_storage, map(file_of, hashes))
    with transaction.atomic():  # if the process dies after this, the next prune still deletes the files at once
        quarantine.release(files, ReleasedFile.Reason.ERASURE)
        going.delete()
    unowned = hashes - set(StoredAsset.objects.filter(sha256__in=hashes).values_list("sha256", flat=True))
    second_copy.note_deletions(stored_names(default_storage, map(file_of, unowned)))
    for one in unowned:
        default_storage.delete(file_of(one))
    quarantine.forget(files)
    return len(hashes)


def _line(deployment: Deployment) -> list[int]:
    """Return the deployment and those that it continues."""
    numbers: list[int] = []
    while deployment is not None and deployment.pk not in numbers:
        numbers.append(deployment.pk)
        deployment = deployment.continues
    return numbers


def _row(deployment: Deployment, asset: PlannedAsset, fetched: FetchedAsset, number: int) -> StoredAsset:
    file = fetched.files[number]
    return StoredAsset(
        deployment=deployment,
        asset_id=asset.id,
        number=number,
        inside=file.inside,
        source=asset.source,
        claim=asset.claim,
        differs=fetched.differs,
        version=file.version if len(file.version) <= 300 else "",
        sha256=file.sha256,
        bytes=file.bytes,
    )
