"""Turn a captured database into a Snapshot: of the deployment that was asked for, or of a new launch at its source.

PsyNet gives each launch a new `deployment_id`, at the same address. PsyNet also deletes no participants, trials or
responses; if their number falls, something happened that a person should look at.
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

# What a new launch at the same source takes over from the previous one.
_SETTINGS = (
    "source", "source_url", "source_secret", "source_key", "every", "assets_url", "assets_secret", "assets_known_hosts",
    "assets_hosts", "assets_every", "experiment_url", "experiment_secret", "withhold_undecided",
    "restricted", "slack_channel", "keep_all_hours", "keep_hourly_days", "keep_daily_days",
)  # fmt: skip
_INSTANT = timedelta(milliseconds=1)
# Together they identify a participant of one launch.
_PERSON = ("id", "creation_time", "unique_id", "worker_id")


def record_arrival(
    deployment: Deployment, arrived: Arrived, source: TableSource, fields: dict
) -> tuple[Snapshot, list[str]]:
    """Return the new Snapshot and warnings about it. One transaction.

    A suspect snapshot changes nothing: its deployment stays as it is, and so does everything that is based on the last
    good snapshot, which is kept from then on.
    """
    deployment_id = arrived.info.deployment_id
    if deployment_id and deployment_id != deployment.deployment_id:
        return _record_new_launch(deployment, arrived, source, fields)
    before = Snapshot.objects.newest(deployment)
    with transaction.atomic():
        snapshot = _create(deployment, arrived, fields, before)
    return snapshot, _warned(snapshot)


def _suspicion(arrived: Arrived, before: Snapshot | None) -> str:
    """Return why the snapshot cannot be a later state of the same experiment; empty if it can."""
    if before is None:
        return ""
    stays = f"Mirror and exports keep showing {before}, until someone accepts this one or the rows are back."
    if not arrived.info.deployment_id and experiment.read(SnapshotReader(before)).deployment_id:
        return f"The database no longer says which deployment it belongs to. {stays}"
    less = fewer(arrived.tables, before.tables)
    return f"There are fewer rows than in {before}, though PsyNet deletes none: {less}. {stays}" if less else ""


def _record_new_launch(
    old: Deployment, arrived: Arrived, source: TableSource, fields: dict
) -> tuple[Snapshot, list[str]]:
    before = Snapshot.objects.newest(old)
    continues = before is not None and _share_people(SnapshotReader(before), source)
    deployment_id = arrived.info.deployment_id
    with transaction.atomic():
        new, _ = Deployment.objects.select_for_update().get_or_create(deployment_id=deployment_id)
        closer = new.restricted  # if it was loaded before and hidden, it stays hidden
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
    warnings = [
        f"A new launch was found at the source: {deployment_id} {how} {old.deployment_id}, which is now closed."
    ]
    return snapshot, warnings + _warned(snapshot)


def _check_not_elsewhere(new: Deployment, old: Deployment) -> None:
    """Raise Conflict if the new launch is already watched at another address: one of the two is a copy."""
    watched = new.state in Deployment.OPEN and new.source_url
    if watched and new.source_url != old.source_url:
        raise Conflict(
            f"The source of {old.deployment_id} now holds deployment {new.deployment_id}, which is watched at another "
            "address; archive the deployment that this is not the source of (`manage.py deployment archive ID`)."
        )


def _own_secret(new: Deployment, old: Deployment) -> str:
    """Store the password under the new deployment's name: the old one may get another address and password later."""
    if not old.source_secret.startswith("secret:"):
        return old.source_secret
    return credentials.keep(f"source {new.number}", credentials.reveal(old.source_secret))


def _warned(snapshot: Snapshot) -> list[str]:
    return [f"{str(snapshot).capitalize()} is suspect: {snapshot.reason}"] if snapshot.reason else []


def _leads_to(deployment: Deployment, other: Deployment) -> bool:
    """Return whether `deployment` continues `other`, directly or not: then `other` must not continue it."""
    while deployment is not None:
        if deployment == other:
            return True
        deployment = deployment.continues
    return False


def _share_people(old: TableSource, new: TableSource) -> bool:
    """Return whether the new database holds a participant of the old one: then it was started from the old rows."""
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
    """Create the row. Then update the deployment or, if the snapshot is suspect, pin `before`, the last good one."""
    reason = _suspicion(arrived, before)
    if reason:
        Snapshot.objects.filter(pk=before.pk).update(pinned=True, manifest_due=True)
    else:
        _update(deployment, arrived)
    state = Snapshot.State.SUSPECT if reason else Snapshot.State.GOOD
    fields = {**fields, "taken_at": _after_all_others(deployment, fields["taken_at"])}
    return Snapshot.objects.create(deployment=deployment, state=state, reason=reason, **arrived.fields(), **fields)


def _after_all_others(deployment: Deployment, taken_at: datetime) -> datetime:
    """Return the time for the history, which is ordered by time even if a clock was set back.

    Earlier snapshots that now lie in the future were timed by a wrong clock: they were taken before this one.
    """
    now = timezone.now()
    for number, one in enumerate(deployment.snapshots.filter(taken_at__gt=now).order_by("-taken_at", "-pk"), 1):
        deployment.snapshots.filter(pk=one.pk).update(taken_at=taken_at - number * _INSTANT, manifest_due=True)
    newest = deployment.snapshots.order_by("-taken_at").values_list("taken_at", flat=True).first()
    return taken_at if newest is None or newest < taken_at else newest + _INSTANT


def _update(deployment: Deployment, arrived: Arrived) -> None:
    if deployment.clock_offset is None:
        deployment.clock_offset = arrived.info.clock_offset
    describe(deployment, arrived.info)
    versions = ["psynet_version", "dallinger_version", "python_version"]
    deployment.save(update_fields=["label", "experimenter", "clock_offset", *versions])
