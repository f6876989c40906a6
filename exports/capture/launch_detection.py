"""A captured database becomes a Snapshot: of the deployment that was asked, or of a new launch at its source.

PsyNet gives each launch a new `deployment_id`, at the same address. PsyNet also deletes no participants,
trials or responses; where their number falls, something happened that a person should look at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from exports.models import Snapshot
from exports.store.reader import SnapshotReader
from exports.store.snapshot_record import Arrived, describe, fewer
from psynetdata import credentials
from psynetdata.models import Audit, Deployment
from psynetdata.psynet import experiment
from psynetdata.psynet.problems import Conflict
from psynetdata.psynet.table_source import TableSource

# What a new launch at the same source takes over from the one before.
_SETTINGS = (
    "source", "source_url", "source_secret", "source_key", "every", "assets_url", "assets_secret", "assets_known_hosts",
    "assets_hosts", "assets_every", "experiment_url", "experiment_secret", "withhold_undecided",
    "restricted", "slack_channel", "keep_all_hours", "keep_hourly_days", "keep_daily_days",
)  # fmt: skip
_INSTANT = timedelta(milliseconds=1)
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
    with transaction.atomic():
        snapshot = _create(deployment, arrived, fields, before)
    return snapshot, _warned(snapshot)


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
        closer = new.restricted  # what was handed in before, and hidden, stays so
        _check_not_elsewhere(new, old)
        known = Snapshot.objects.newest(new)
        # Somebody may have restricted it while its rows were read.
        old.refresh_from_db(fields=["restricted", "slack_channel"])
        for name in _SETTINGS:
            setattr(new, name, getattr(old, name))
        new.restricted = new.restricted or closer
        new.source_secret = _own_secret(new, old)
        new.state, new.due_at = old.state, old.due_at
        if continues and new.continues is None and not _leads_to(old, new):
            new.continues = old
        new.save()
        if not closer:
            new.people.set(old.people.all())
        snapshot = _create(new, arrived, fields, known)
        Deployment.objects.filter(pk=old.pk).update(state=Deployment.State.FINISHED, due_at=None)
        Audit.record("new launch", deployment=new, target=snapshot, closes=old.number, continues=continues)
    how = "continues" if continues else "takes the place of"
    said = [f"A new launch was found at the source: {found} {how} {old.deployment_id}, which is closed now."]
    return snapshot, said + _warned(snapshot)


def _check_not_elsewhere(new: Deployment, old: Deployment) -> None:
    """A copy of another database that is watched would take its place."""
    watched = new.state in Deployment.OPEN and new.source_url
    if watched and new.source_url != old.source_url:
        raise Conflict(
            f"The source of {old.deployment_id} holds deployment {new.deployment_id} now, which is watched at another "
            "address; archive the one whose source it is not (`manage.py deployment archive ID`)."
        )


def _own_secret(new: Deployment, old: Deployment) -> str:
    """The password under the new one's name: the old one may be given another address, and password, later."""
    if not old.source_secret.startswith("secret:"):
        return old.source_secret
    return credentials.keep(f"source {new.number}", credentials.reveal(old.source_secret))


def _warned(snapshot: Snapshot) -> list[str]:
    return [f"{str(snapshot).capitalize()} is suspect: {snapshot.reason}"] if snapshot.reason else []


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


def _create(deployment: Deployment, arrived: Arrived, fields: dict, before: Snapshot | None) -> Snapshot:
    """Its row, and what follows: the deployment is brought up to date, or `before`, the last good one, is pinned."""
    reason = _suspicion(arrived, before)
    if reason:
        Snapshot.objects.filter(pk=before.pk).update(pinned=True)
    else:
        _update(deployment, arrived)
    state = Snapshot.State.SUSPECT if reason else Snapshot.State.GOOD
    fields = {**fields, "taken_at": _after_all_others(deployment, fields["taken_at"])}
    return Snapshot.objects.create(deployment=deployment, state=state, reason=reason, **arrived.fields(), **fields)


def _after_all_others(deployment: Deployment, taken_at: datetime) -> datetime:
    """The moment for the history, which is ordered by time even where a clock was set back.

    Earlier ones that lie in the future by now were written by a clock that was wrong: they were before this one.
    """
    now = timezone.now()
    for number, one in enumerate(deployment.snapshots.filter(taken_at__gt=now).order_by("-taken_at", "-pk"), 1):
        deployment.snapshots.filter(pk=one.pk).update(taken_at=taken_at - number * _INSTANT)
    newest = deployment.snapshots.order_by("-taken_at").values_list("taken_at", flat=True).first()
    return taken_at if newest is None or newest < taken_at else newest + _INSTANT


def _update(deployment: Deployment, arrived: Arrived) -> None:
    if deployment.clock_offset is None:
        deployment.clock_offset = arrived.info.clock_offset
    describe(deployment, arrived.info)
    versions = ["psynet_version", "dallinger_version", "python_version"]
    deployment.save(update_fields=["label", "experimenter", "clock_offset", *versions])
