"""The clusters of workers: what starts the tick, their signs of life, and the messages that wait for them.

This module and psynetdata.jobs are the only ones that use django-q2.
"""

import logging
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signing import BadSignature, SignedPackage
from django_q.tasks import async_task
from redis import RedisError

from .infra.clock import AHEAD, lately
from .models import Beat, Job

logger = logging.getLogger(__name__)

FAST, SLOW, MIRROR = CLUSTERS = ("fast", "slow", "mirror")
_TICK = "tick"  # its row in Beat
STANDS_STILL_AFTER = timedelta(minutes=3)
_ASKED_AGAIN_AFTER = timedelta(minutes=10)
_JOB_TIMES = ("created_at", "started_at", "heartbeat_at", "finished_at")


def ensure_schedule() -> None:
    """Create the only schedule: `tick`, each minute, on the fast cluster. Called when workers are started."""
    Schedule.objects.update_or_create(
        name="tick",
        defaults={"func": "psynetdata.jobs.tick", "schedule_type": Schedule.MINUTES, "minutes": 1, "cluster": FAST},
    )
    mend_times()
    for name in (*CLUSTERS, _TICK):
        beat(name)


def mend_times(now: datetime | None = None) -> None:
    """Mend what was written before the clock was set back: without this, the next tick would wait for that time.

    A schedule that is further ahead than its own interval is due now. A sign of life that is in the future becomes
    one of now, and from then on grows old like all others.
    """
    now = now or timezone.now()
    future = now + AHEAD
    for row in Schedule.objects.filter(next_run__gt=future):
        if row.next_run > row.calculate_next_run(now):
            Schedule.objects.filter(pk=row.pk, next_run=row.next_run).update(next_run=now)
    # A message is locked for `retry` seconds at most, while a worker has it.
    OrmQ.objects.filter(lock__gt=future + timedelta(seconds=Conf.RETRY)).update(lock=now)
    Beat.objects.filter(at__gt=future).update(at=now)
    Beat.objects.filter(asked_at__gt=future).update(asked_at=None)


def mend_jobs() -> None:
    """Let times of jobs become now that are in the future, because the clock was set back since.

    A job that seems to be newer than all others would keep those that are due from being sent, and one with a heartbeat
    in the future would never count as dead.
    """
    now = timezone.now()
    future = {name: Q(**{f"{name}__gt": now + AHEAD}) for name in _JOB_TIMES}
    if Job.objects.filter(reduce(or_, future.values())).exists():
        for name, is_future in future.items():
            Job.objects.filter(is_future).update(**{name: now})


def beat(cluster: str) -> None:
    """Note that a worker of the cluster is alive."""
    Beat.objects.update_or_create(cluster=cluster, defaults={"at": timezone.now()})


def ask_for_beat(cluster: str) -> None:
    """Send the cluster a `beat` task, one at a time, so that they do not pile up in a cluster that hangs."""
    now = timezone.now()
    row, _ = Beat.objects.get_or_create(cluster=cluster, defaults={"at": now})
    if row.asked_at is None or row.asked_at <= row.at or row.asked_at < now - _ASKED_AGAIN_AFTER:
        Beat.objects.filter(cluster=cluster).update(asked_at=now)
        send("psynetdata.clusters.beat", cluster, cluster=cluster)


def send(function: str, argument: object, *, cluster: str, task_name: str | None = None) -> None:
    """Put a task into the queue of a cluster. While Redis is away it is lost; `jobs.tick` sends jobs again."""
    try:
        async_task(function, argument, cluster=cluster, task_name=task_name)
    except RedisError as error:
        logger.warning("%s(%s) has to wait until the queue is back (%s)", function, argument, type(error).__name__)


def standing_still() -> list[str]:
    """Return the clusters that showed no sign of life for three minutes and have no job with a heartbeat.

    Their processes may all be alive: a worker that is killed while it holds the queue's lock stops its whole cluster.
    """
    now = timezone.now()
    since = now - STANDS_STILL_AFTER
    alive = set(Beat.objects.filter(lately("at", since, now)).values_list("cluster", flat=True))
    busy = Job.objects.filter(lately("heartbeat_at", since, now), state=Job.State.RUNNING)
    alive |= set(busy.values_list("cluster", flat=True))
    return [cluster for cluster in CLUSTERS if cluster not in alive]


def ticked() -> None:
    """Note that a tick came to its end."""
    beat(_TICK)


def tick_is_late() -> bool:
    """Return whether no tick came to its end for three minutes: nothing is due then, and no alarm begins.

    The clusters may be alive all the same.
    """
    now = timezone.now()
    return not Beat.objects.filter(lately("at", now - STANDS_STILL_AFTER, now), cluster=_TICK).exists()


def signs_of_life() -> dict[str, datetime]:
    """Return {cluster: its last beat}."""
    return dict(Beat.objects.filter(cluster__in=CLUSTERS).values_list("cluster", "at"))


def last_tick() -> datetime | None:
    """Return when the last tick came to its end."""
    return Beat.objects.filter(cluster=_TICK).values_list("at", flat=True).first()


def waiting_tasks(cluster: str) -> set[str]:
    """Return the names of the tasks that wait in the cluster's queue, without any that a worker has taken.

    While Redis is away there is none.
    """
    broker = get_broker(cluster)
    if settings.REDIS_URL:
        try:
            messages = broker.connection.lrange(broker.list_key, 0, -1)
        except RedisError:
            return set()
    else:
        free = Q(lock=None) | Q(lock__lte=timezone.now())
        messages = OrmQ.objects.filter(free, key=broker.list_key).values_list("payload", flat=True)
    return {name for message in messages if (name := _name(message))}


def _name(message: str | bytes) -> str | None:
    try:
        return SignedPackage.loads(message if isinstance(message, str) else message.decode())["name"]
    except (BadSignature, ValueError):  # signed with another SECRET_KEY; it will be deleted
        return None
