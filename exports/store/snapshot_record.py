"""Make rows of what was staged: the Deployment and its Snapshot, and warnings about them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from exports.models import Snapshot
from exports.models.snapshot import ANONYMOUS
from exports.sources.untrusted_zip import printable_name
from exports.sources.upload import Upload
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.problems import BadInput

from .staged_tables import Staged

# PsyNet deletes none of these; fewer than before deserves a warning.
_ONLY_GROWING = {"participant": "participants", "info": "trials", "response": "responses"}
_VERSIONS = ("psynet_version", "dallinger_version", "python_version")


def find_same(deployment_id: str, staged: Staged, upload: Upload) -> Snapshot | None:
    """Return the deployment's newest snapshot with exactly these rows and the state that this load would give it.

    From then on it counts as handed in, so that no prune deletes it.
    """
    contents = staged.contents()
    alike = Snapshot.objects.filter(
        deployment__deployment_id=deployment_id,
        rows=sum(staged.row_counts().values()),
        state__in=_states(deployment_id, upload),
    )
    same = next((snapshot for snapshot in alike.iterator() if snapshot.contents == contents), None)
    if same is None or same.origin:
        return same
    name = (ANONYMOUS if upload.anonymous else "") + printable_name(upload.label)
    kept = Snapshot.objects.filter(pk=same.pk).update(origin=name, manifest_due=True)
    return same if kept else None  # a prune was faster


@dataclass(frozen=True)
class Arrived:
    """What is in the store and waits for its Snapshot. `tables`: as in Snapshot.tables; sizes in bytes."""

    tables: dict[str, dict[str, Any]]
    info: ExperimentInfo
    bytes: int
    new_bytes: int

    def fields(self) -> dict[str, Any]:
        """Return the fields of a Snapshot that are known from this."""
        return {
            "tables": self.tables,
            "rows": sum(entry["rows"] for entry in self.tables.values()),
            "bytes": self.bytes,
            "new_bytes": self.new_bytes,
            "clock_offset": self.info.clock_offset,
            **versions_of(self.info),
        }


def versions_of(info: ExperimentInfo) -> dict[str, str]:
    return {name: plain(getattr(info, name), 50) for name in _VERSIONS}


def commit(deployment_id: str, arrived: Arrived, upload: Upload, *, origin: str, assets_url: str = "") -> Snapshot:
    """Create and return the Snapshot; create or update its Deployment. One transaction."""
    info = arrived.info
    with transaction.atomic():
        # A file cannot say that an experiment still runs; a deployment that is watched keeps its state.
        deployment, _ = Deployment.objects.select_for_update().get_or_create(
            deployment_id=deployment_id, defaults={"state": Deployment.State.FINISHED}
        )
        if deployment.clock_offset is None:
            deployment.clock_offset = info.clock_offset
        taken_at = _taken_at(upload.packed_at, deployment.clock if info.clock_offset is None else info.clock_offset)
        newest = Snapshot.objects.newest(deployment)
        if newest is None or newest.taken_at <= taken_at:
            describe(deployment, info)
        deployment.assets_url = assets_url or deployment.assets_url
        deployment.save()
        snapshot: Snapshot = Snapshot.objects.create(
            deployment=deployment,
            state=_states(deployment_id, upload)[0],
            taken_at=taken_at,
            origin=(ANONYMOUS if upload.anonymous else "") + printable_name(origin),
            **arrived.fields(),
        )
        Audit.record("load", deployment=deployment, target=snapshot, origin=snapshot.origin)
    return snapshot


def deployment_id_of(info: ExperimentInfo, named: str | None, *, label: str, way_out: str) -> str:
    """Return the database's deployment id, or else `named`. Raises BadInput if they differ, or if there is none.

    `label` names the database in errors; `way_out` ends the error for a database without an id.
    """
    own = info.deployment_id
    if own and named and own != named:
        raise BadInput(f"{label} belongs to deployment {printable_name(own)}, not to {printable_name(named)}.")
    deployment_id = own or named
    if not deployment_id:
        raise BadInput(f"{label} does not say which deployment it belongs to{way_out}")
    check_deployment_id(deployment_id, label)
    return deployment_id


def check_deployment_id(named: str, label: str) -> None:
    if len(named) > 300 or not named.isprintable() or not named.strip():
        raise BadInput(f"{label}: its deployment_id is not a name of at most 300 printable characters.")


def describe(deployment: Deployment, info: ExperimentInfo) -> None:
    """Set on the deployment what its database says of it, except for a label that it already has; nothing is saved."""
    deployment.label = deployment.label or plain(info.label, 300)
    deployment.experimenter = plain(info.experimenter, 200) or deployment.experimenter
    for name, version in versions_of(info).items():
        setattr(deployment, name, version or getattr(deployment, name))


def remarks(snapshot: Snapshot, before: Snapshot | None, upload: Upload, *, created: bool) -> list[str]:
    """Return sentences about a loaded snapshot. `before`: the newest good one when the load began."""
    sentences = []
    if upload.anonymous:
        sentences.append(f"{upload.label} is the anonymous part of an export: what it withholds is missing here too.")
    if before is None or before == snapshot:
        return sentences
    name, stays = str(snapshot).capitalize(), f"the mirror stays on {before}"
    if snapshot.state == Snapshot.State.SUSPECT:
        sentences.append(f"{name} would replace original rows by anonymous ones; it is kept as suspect, and {stays}.")
    elif Snapshot.objects.newest(snapshot.deployment) != snapshot:
        sentences.append(f"{name} is older than the newest, {before}; it stays in the history, and {stays}.")
    elif created and (less := fewer(snapshot.tables, before.tables)):
        sentences.append(f"There are fewer rows than in {before}, though PsyNet deletes none: {less}.")
    return sentences


def _states(deployment_id: str, upload: Upload) -> list[str]:
    """Return the state of a new snapshot, and others that also fit. Anonymous rows never replace original ones."""
    newest = Snapshot.objects.good().filter(deployment__deployment_id=deployment_id).first()
    if upload.anonymous and newest and not newest.origin.startswith(ANONYMOUS):
        return [Snapshot.State.SUSPECT, Snapshot.State.GOOD]
    return [Snapshot.State.GOOD]


def fewer(now: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]) -> str:
    """Return in words which rows are fewer in the tables `now` than in those `before`; empty if none are."""
    counts = [
        (words, now.get(table, {}).get("rows", 0), before.get(table, {}).get("rows", 0))
        for table, words in _ONLY_GROWING.items()
    ]
    return ", ".join(f"{new} {words} instead of {old}" for words, new, old in counts if new < old)


def _taken_at(packed_at: datetime | None, clock: int) -> datetime:
    """Return a time in UTC, never later than now. `packed_at` without a zone is `clock` minutes ahead of UTC."""
    now: datetime = timezone.now()
    if packed_at is None:
        return now
    if packed_at.tzinfo is None:
        packed_at = (packed_at - timedelta(minutes=clock)).replace(tzinfo=UTC)
    return min(packed_at, now)


def plain(text: str, longest: int) -> str:
    """Return a text that any database accepts and that fits on one line."""
    return "".join(character if character.isprintable() else " " for character in text)[:longest]
