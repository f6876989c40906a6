"""What was staged becomes rows: the Deployment and its Snapshot, and what should be said about them."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from exports.models import Snapshot
from exports.sources.upload import Upload
from exports.sources.zips import shown
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.experiment import ExperimentInfo

from .stage import Staged

# PsyNet deletes none of these; fewer than before is worth a word.
_ONLY_GROWING = {"participant": "participants", "info": "trials", "response": "responses"}
_VERSIONS = ("psynet_version", "dallinger_version", "python_version")
_ANONYMOUS = "anonymous/"


def find_same(deployment_id: str, staged: Staged, upload: Upload) -> Snapshot | None:
    """The deployment's newest snapshot that holds just these rows and is what this load would make of them."""
    named = staged.named()
    alike = Snapshot.objects.filter(
        deployment__deployment_id=deployment_id,
        rows=sum(entry["rows"] for entry in named.values()),
        state__in=_states(deployment_id, upload),
    )
    return next((snapshot for snapshot in alike.iterator() if snapshot.tables == named), None)


def commit(
    deployment_id: str, info: ExperimentInfo, staged: Staged, upload: Upload, *, origin: str, assets_url: str = ""
) -> Snapshot:
    """The new Snapshot; its Deployment is made or brought up to date. One transaction."""
    versions = {name: _plain(getattr(info, name), 50) for name in _VERSIONS}
    named = staged.named()
    with transaction.atomic():
        # A file says nothing of an experiment that still runs; a deployment that is watched keeps its state.
        deployment, _ = Deployment.objects.select_for_update().get_or_create(
            deployment_id=deployment_id, defaults={"state": Deployment.State.FINISHED}
        )
        if deployment.clock_offset is None:
            deployment.clock_offset = info.clock_offset
        taken_at = _taken_at(upload.packed_at, deployment.clock if info.clock_offset is None else info.clock_offset)
        newest = Snapshot.objects.newest(deployment)
        if newest is None or newest.taken_at <= taken_at:
            deployment.label = _plain(info.label, 300) or deployment.label
            for name, version in versions.items():
                setattr(deployment, name, version or getattr(deployment, name))
        deployment.assets_url = assets_url or deployment.assets_url
        deployment.save()
        snapshot = Snapshot.objects.create(
            deployment=deployment,
            state=_states(deployment_id, upload)[0],
            taken_at=taken_at,
            origin=(_ANONYMOUS if upload.anonymous else "") + shown(origin),
            tables=named,
            rows=sum(entry["rows"] for entry in named.values()),
            bytes=sum(state.bytes for state in staged.states.values()),
            clock_offset=info.clock_offset,
            **versions,
        )
        Audit.record("load", deployment=deployment, target=snapshot, origin=snapshot.origin)
    return snapshot


def remarks(snapshot: Snapshot, before: Snapshot | None, upload: Upload, *, created: bool) -> list[str]:
    """Sentences about a snapshot that was loaded. `before`: the newest good one when the load began."""
    said = []
    if upload.anonymous:
        said.append(f"{upload.label} is the anonymous part of an export: what it withholds is missing here too.")
    if before is None or before == snapshot:
        return said
    name, stays = str(snapshot).capitalize(), f"the mirror stays on {before}"
    if snapshot.state == Snapshot.State.SUSPECT:
        said.append(f"{name} would replace rows as they were by anonymous ones; it is kept as suspect, and {stays}.")
    elif Snapshot.objects.newest(snapshot.deployment) != snapshot:
        said.append(f"{name} is older than the newest, {before}; it stays in the history, and {stays}.")
    elif created and (fewer := _fewer(snapshot, before)):
        said.append(f"There are fewer rows than in {before}, though PsyNet deletes none: {fewer}.")
    return said


def _states(deployment_id: str, upload: Upload) -> list[str]:
    """The state of a new snapshot, and others that will do. Anonymous rows never take the place of the real ones."""
    newest = Snapshot.objects.good().filter(deployment__deployment_id=deployment_id).first()
    if upload.anonymous and newest and not newest.origin.startswith(_ANONYMOUS):
        return [Snapshot.State.SUSPECT, Snapshot.State.GOOD]
    return [Snapshot.State.GOOD]


def _fewer(snapshot: Snapshot, before: Snapshot) -> str:
    return ", ".join(
        f"{snapshot.rows_of(table)} {words} instead of {before.rows_of(table)}"
        for table, words in _ONLY_GROWING.items()
        if snapshot.rows_of(table) < before.rows_of(table)
    )


def _taken_at(packed_at: datetime | None, clock: int) -> datetime:
    """UTC. `packed_at` without a zone is in the server's clock, `clock` minutes ahead of UTC. Never later than now."""
    now = timezone.now()
    if packed_at is None:
        return now
    if packed_at.tzinfo is None:
        packed_at = (packed_at - timedelta(minutes=clock)).replace(tzinfo=UTC)
    return min(packed_at, now)


def _plain(text: str, longest: int) -> str:
    """Text that any database takes and one line shows."""
    return "".join(character if character.isprintable() else " " for character in text)[:longest]
