"""A captured database becomes a Snapshot: of the deployment that was asked, or of a new launch at its source.

PsyNet gives each launch a new `deployment_id`, at the same address. PsyNet also deletes no participants,
trials or responses; where their number falls, something happened that a person should look at.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from exports.models import Snapshot
from psynetdata.models import Audit, Deployment
from psynetdata.psynet import experiment
from psynetdata.psynet.source import TableSource

from .reader import SnapshotReader
from .record import Arrived, describe, fewer

# What a new launch at the same source takes over from the one before.
_SETTINGS = (
    "source", "source_url", "source_secret", "assets_url", "every",
    "keep_all_hours", "keep_hourly_days", "keep_daily_days",
)  # fmt: skip
# Together they tell one person of one launch from another.
_PERSON = ("id", "creation_time", "unique_id", "worker_id")


def arrive(deployment: Deployment, arrived: Arrived, source: TableSource, fields: dict) -> tuple[Snapshot, list[str]]:
    """The new Snapshot and what should be said about it. One transaction.

    A snapshot that is suspect moves nothing: its deployment stays as it is, and so does what stands on the last
    good one, which is kept from then on.
    """
    found = arrived.info.deployment_id
    if found and found != deployment.deployment_id:
        return _of_a_new_launch(deployment, arrived, source, fields)
    before = Snapshot.objects.newest(deployment)
    reason = _suspicion(arrived, before)
    with transaction.atomic():
        snapshot = _create(deployment, arrived, fields, reason)
        if reason:
            Snapshot.objects.filter(pk=before.pk).update(pinned=True)
        else:
            _update(deployment, arrived)
    return snapshot, [f"{str(snapshot).capitalize()} is suspect: {reason}"] if reason else []


def _suspicion(arrived: Arrived, before: Snapshot | None) -> str:
    """Why the snapshot cannot be taken for a later state of the same experiment; empty: it can."""
    if before is None:
        return ""
    stays = f"Mirror and exports stay on {before}, until someone accepts this one or rows are back."
    if not arrived.info.deployment_id and experiment.read(SnapshotReader(before)).deployment_id:
        return f"The database no longer says which deployment it is of. {stays}"
    less = fewer(arrived.tables, before.tables)
    return f"There are fewer rows than in {before}, though PsyNet deletes none: {less}. {stays}" if less else ""


def _of_a_new_launch(
    old: Deployment, arrived: Arrived, source: TableSource, fields: dict
) -> tuple[Snapshot, list[str]]:
    before = Snapshot.objects.newest(old)
    continues = before is not None and _share_people(SnapshotReader(before), source)
    found = arrived.info.deployment_id
    with transaction.atomic():
        new, _ = Deployment.objects.select_for_update().get_or_create(deployment_id=found)
        for name in _SETTINGS:
            setattr(new, name, getattr(old, name))
        new.state = Deployment.State.RUNNING
        new.due_at = old.due_at
        if continues and new.continues is None and not _leads_to(old, new):
            new.continues = old
        new.save()
        snapshot = _create(new, arrived, fields, "")
        _update(new, arrived)
        Deployment.objects.filter(pk=old.pk).update(state=Deployment.State.FINISHED, due_at=None)
        Audit.record("new launch", deployment=new, target=snapshot, closes=old.number, continues=continues)
    how = "continues" if continues else "takes the place of"
    return snapshot, [f"A new launch was found at the source: {found} {how} {old.deployment_id}, which is closed now."]


def _leads_to(deployment: Deployment, other: Deployment) -> bool:
    """Whether `deployment` continues `other`, at once or by way of others: then `other` must not continue it."""
    while deployment is not None:
        if deployment == other:
            return True
        deployment = deployment.continues
    return False


def _share_people(old: TableSource, new: TableSource) -> bool:
    """Whether the new database holds a participant of the old one: then it was started from the old rows."""
    names = [name for name in _PERSON if all(name in _columns(source) for source in (old, new))]
    people = set(_people(old, names))
    return any(person in people for person in _people(new, names))


def _columns(source: TableSource) -> list[str]:
    return [column.name for column in source.columns("participant")]


def _people(source: TableSource, names: list[str]) -> Iterator[tuple]:
    listed = _columns(source)
    places = [listed.index(name) for name in names]
    for row in source.rows("participant"):
        yield tuple(row[place] for place in places)


def _create(deployment: Deployment, arrived: Arrived, fields: dict, reason: str) -> Snapshot:
    state = Snapshot.State.SUSPECT if reason else Snapshot.State.GOOD
    # The history is ordered by time, even where a clock was set back.
    newest = deployment.snapshots.order_by("-taken_at").values_list("taken_at", flat=True).first()
    if newest is not None and fields["taken_at"] <= newest <= timezone.now():
        fields = {**fields, "taken_at": newest + timedelta(milliseconds=1)}
    return Snapshot.objects.create(deployment=deployment, state=state, reason=reason, **arrived.fields(), **fields)


def _update(deployment: Deployment, arrived: Arrived) -> None:
    if deployment.clock_offset is None:
        deployment.clock_offset = arrived.info.clock_offset
    describe(deployment, arrived.info)
    deployment.save(update_fields=["label", "clock_offset", "psynet_version", "dallinger_version", "python_version"])
