"""Which watched deployments' mirrors do not follow their snapshots: pages and sheets then show old data."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from operator import or_

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from exports.models import Snapshot, Withdrawal
from exports.store import withdrawals
from exports.store.blobs import Store
from psynetdata.infra.outages import Outage, outage
from psynetdata.mirror import comparable
from psynetdata.models import Deployment, Job, MirroredTable
from psynetdata.psynet import times
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .deployment_status import DeploymentStatus

_AFTER = 3  # times the interval
_AT_LEAST = timedelta(minutes=10)
_LOOKED_AT = 500  # snapshots, for how far behind a mirror is
States = dict[str, str]  # {table: what names its state}


def mirror_alarms(sights: Iterable[DeploymentStatus], now: datetime) -> dict[int, str | None]:
    """Return {deployment: sentence, or None if its mirror follows}.

    A mirror follows if each face shows a good snapshot that was the newest one within three intervals, and within ten
    minutes. A few queries for any number of deployments.
    """
    sights_by_number = {sight.deployment.number: sight for sight in sights}
    shown = {face: _shown_states(face, sights_by_number) for face in settings.FACES}
    newest = _newest_good(sights_by_number, {})
    lagging: dict[int, list[str]] = {}
    for number, snapshot in newest.items():
        faces = [
            face for face in settings.FACES if comparable(shown[face].get(number, {})) != comparable(_states(snapshot))
        ]
        if faces:
            lagging[number] = faces
    limits = {number: max(_AFTER * _interval(sights_by_number[number]), _AT_LEAST) for number in lagging}
    oldest = _newest_good(lagging, {number: now - limit for number, limit in limits.items()})
    accepted = _snapshots_since(oldest)
    withdrawn = bool(oldest) and Withdrawal.objects.exists()
    verdicts: dict[int, str | None] = dict.fromkeys(newest)
    for number, first in oldest.items():
        deployment = sights_by_number[number].deployment
        states = {face: shown[face].get(number, {}) for face in lagging[number]}
        if withdrawn:
            states = {face: _unfiltered(deployment, those) for face, those in states.items()}
        behind = [
            face for face, those in states.items() if those is not None and comparable(those) not in accepted[number]
        ]
        if behind:
            verdicts[number] = _sentence(behind, first, sights_by_number[number])
    return verdicts


def mirror_lags(deployments: Mapping[int, Deployment], now: datetime) -> dict[int, float]:
    """Return {deployment: seconds since the oldest good snapshot was stored that a face does not show yet}, 0 if none.

    A deployment without a good snapshot is left out, and one whose storage cannot be read now.
    """
    shown = {face: _shown_states(face, deployments) for face in settings.FACES}
    lags = {}
    for number, newest in _newest_good(deployments, {}).items():
        behind = [one for face in settings.FACES if (one := shown[face].get(number, {})) != _states(newest)]
        unfiltered = [_unfiltered(deployments[number], states) for states in behind]
        if None not in unfiltered:
            lags[number] = max((_lag(number, states, now) for states in unfiltered), default=0.0)
    return lags


def _lag(number: int, states: States, now: datetime) -> float:
    since = now
    rows = Snapshot.objects.good().filter(deployment=number).order_by("-taken_at", "-pk").only("tables", "stored_at")
    for snapshot in rows[:_LOOKED_AT]:
        if _states(snapshot) == states:
            break
        since = snapshot.stored_at
    return max(0.0, (now - since).total_seconds())


def _interval(sight: DeploymentStatus) -> timedelta:
    return timedelta(seconds=sight.deployment.every or 0)


def _sentence(faces: list[str], first: Snapshot, sight: DeploymentStatus) -> str:
    which = "mirror" if len(faces) == len(settings.FACES) else f"{faces[0]} face of the mirror"
    sentence = f"The {which} does not follow: it shows none of the snapshots since {times.in_words(first.taken_at)}."
    tries = [job for job in (sight.mirroring, sight.taking) if job is not None]
    last = max(tries, key=lambda job: job.pk, default=None)
    failed = last is not None and last.state == Job.State.FAILED
    return f"{sentence} The last try failed: {last.reason}" if failed else sentence


def _shown_states(face: str, numbers: Iterable[int]) -> dict[int, States]:
    shown: dict[int, States] = defaultdict(dict)
    rows = MirroredTable.objects.using(face).filter(deployment_number__in=list(numbers))
    for number, table, state in rows.values_list("deployment_number", "table", "state"):
        shown[number][table] = state
    return shown


def _newest_good(numbers: Iterable[int], before: Mapping[int, datetime]) -> dict[int, Snapshot]:
    """Return {deployment: its newest good snapshot}, or the newest one that was stored before a time."""
    groups: dict[datetime | None, list[int]] = defaultdict(list)
    for number in numbers:
        groups[before.get(number)].append(number)
    ids: list[int] = []
    for at, group in groups.items():
        good = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
        good = good.filter(stored_at__lt=at) if at else good
        rows = Deployment.objects.filter(pk__in=group)
        rows = rows.annotate(good_id=Subquery(good.order_by("-taken_at", "-pk").values("pk")[:1]))
        ids += rows.exclude(good_id=None).values_list("good_id", flat=True)
    found = Snapshot.objects.only("deployment_id", "taken_at", "tables").in_bulk(ids)
    return {snapshot.deployment_id: snapshot for snapshot in found.values()}


def _snapshots_since(oldest: Mapping[int, Snapshot]) -> dict[int, list[list[tuple[str, str]]]]:
    """Return {deployment: the comparable states of its good snapshots since this one}."""
    since = [Q(deployment=number, taken_at__gte=one.taken_at) for number, one in oldest.items()]
    accepted: dict[int, list[list[tuple[str, str]]]] = defaultdict(list)
    if since:
        rows = Snapshot.objects.good().filter(reduce(or_, since)).only("deployment_id", "tables")
        for snapshot in rows.iterator():
            accepted[snapshot.deployment_id].append(comparable(_states(snapshot)))
    return accepted


def _states(snapshot: Snapshot) -> States:
    return {table: entry["state"] for table, entry in snapshot.tables.items() if table not in UNMIRRORED_TABLES}


def _unfiltered(deployment: Deployment, states: States) -> States | None:
    """Return the states with all rows: the mirror shows others for tables with rows of people who withdrew.

    None if the storage cannot be reached now.
    """
    if not withdrawals.withdrawn_ids(deployment):
        return states
    try:
        return {table: _with_all_rows(state) for table, state in states.items()}
    except Exception as error:  # each kind of storage has its own
        if not isinstance(error, Outage) and outage(error) is None:
            raise
        return None


@lru_cache(maxsize=4096)  # a state is read from the storage once, not each minute
def _with_all_rows(state: str) -> str:
    return withdrawals.unfiltered_state(Store(), state)
