"""What was staged becomes rows: the Deployment and its Snapshot, and what should be said about them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from exports.models import Snapshot
from exports.sources.untrusted_zip import shown
from exports.sources.upload import Upload
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.problems import BadInput

from .staged_tables import Staged

# PsyNet deletes none of these; fewer than before is worth a word.
_ONLY_GROWING = {"participant": "participants", "info": "trials", "response": "responses"}
_VERSIONS = ("psynet_version", "dallinger_version", "python_version")
_ANONYMOUS = "anonymous/"


def find_same(deployment_id: str, staged: Staged, upload: Upload) -> Snapshot | None:
    """The deployment's newest snapshot that holds just these rows and is what this load would make of them."""
    contents = staged.contents()
    alike = Snapshot.objects.filter(
        deployment__deployment_id=deployment_id,
        rows=sum(staged.row_counts().values()),
        state__in=_states(deployment_id, upload),
    )
    return next((snapshot for snapshot in alike.iterator() if snapshot.contents == contents), None)


@dataclass(frozen=True)
class Arrived:
    """What is in the store and waits for its Snapshot. `tables`: as Snapshot.tables; sizes in bytes."""

    tables: dict[str, dict]
    info: ExperimentInfo
    bytes: int
    new_bytes: int

    def fields(self) -> dict:
        """The fields of a Snapshot that this is enough for."""
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
    """The new Snapshot; its Deployment is made or brought up to date. One transaction."""
    info = arrived.info
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
            describe(deployment, info)
        deployment.assets_url = assets_url or deployment.assets_url
        deployment.save()
        snapshot = Snapshot.objects.create(
            deployment=deployment,
            state=_states(deployment_id, upload)[0],
            taken_at=taken_at,
            origin=(_ANONYMOUS if upload.anonymous else "") + shown(origin),
            **arrived.fields(),
        )
        Audit.record("load", deployment=deployment, target=snapshot, origin=snapshot.origin)
    return snapshot


def deployment_id_of(info: ExperimentInfo, given: str | None, *, label: str, way_out: str) -> str:
    """What the database says, or else what was `given`. Raises BadInput where they differ, or there is none.

    `label` names the database in sentences; `way_out` ends the one of a database that does not say.
    """
    own = info.deployment_id
    if own and given and own != given:
        raise BadInput(f"{label} is of deployment {shown(own)}, not of {shown(given)}.")
    if not own and not given:
        raise BadInput(f"{label} does not say which deployment it is of{way_out}")
    check_deployment_id(own or given, label)
    return own or given


def check_deployment_id(named: str, label: str) -> None:
    if len(named) > 300 or not named.isprintable() or not named.strip():
        raise BadInput(f"{label}: its deployment_id is no name of at most 300 printable characters.")


def describe(deployment: Deployment, info: ExperimentInfo) -> None:
    """Set on the deployment what its database says of it, but for a label that it has; nothing is saved."""
    deployment.label = deployment.label or plain(info.label, 300)
    deployment.experimenter = plain(info.experimenter, 200) or deployment.experimenter
    for name, version in versions_of(info).items():
        setattr(deployment, name, version or getattr(deployment, name))


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
    elif created and (less := fewer(snapshot.tables, before.tables)):
        said.append(f"There are fewer rows than in {before}, though PsyNet deletes none: {less}.")
    return said


def _states(deployment_id: str, upload: Upload) -> list[str]:
    """The state of a new snapshot, and others that will do. Anonymous rows never take the place of the real ones."""
    newest = Snapshot.objects.good().filter(deployment__deployment_id=deployment_id).first()
    if upload.anonymous and newest and not newest.origin.startswith(_ANONYMOUS):
        return [Snapshot.State.SUSPECT, Snapshot.State.GOOD]
    return [Snapshot.State.GOOD]


def fewer(now: dict[str, dict], before: dict[str, dict]) -> str:
    """What there is less of in the tables `now` than in those `before`, in words; empty: nothing."""
    counts = [
        (words, now.get(table, {}).get("rows", 0), before.get(table, {}).get("rows", 0))
        for table, words in _ONLY_GROWING.items()
    ]
    return ", ".join(f"{new} {words} instead of {old}" for words, new, old in counts if new < old)


def _taken_at(packed_at: datetime | None, clock: int) -> datetime:
    """UTC. `packed_at` without a zone is in the server's clock, `clock` minutes ahead of UTC. Never later than now."""
    now = timezone.now()
    if packed_at is None:
        return now
    if packed_at.tzinfo is None:
        packed_at = (packed_at - timedelta(minutes=clock)).replace(tzinfo=UTC)
    return min(packed_at, now)


def plain(text: str, longest: int) -> str:
    """Text that any database takes and one line shows."""
    return "".join(character if character.isprintable() else " " for character in text)[:longest]
