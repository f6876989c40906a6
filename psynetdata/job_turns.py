"""Whose turn it is in a cluster of workers: people take turns, and a long job of one person never blocks all others."""

from collections import Counter

from django.conf import settings
from django.db.models import Max

from .models import Job


def next_in_turn(cluster: str) -> int | None:
    """Return the id of the queued job to run next; None if there is none, or its owner has to wait.

    First come people with the fewest running jobs, then those whose last turn was the longest ago; their own jobs run
    in the order in which they were requested. A person's jobs of one kind leave at least one worker to others. Jobs
    that nobody owns, such as scheduled checks, count together as one person without that limit.
    """
    of_cluster = Job.objects.filter(cluster=cluster).order_by("pk")
    queued = list(of_cluster.filter(state=Job.State.QUEUED).values_list("pk", "owner_id", "kind"))
    if not queued:
        return None
    running = list(of_cluster.filter(state=Job.State.RUNNING).values_list("owner_id", "kind"))
    limit = max(1, workers(cluster) - 1)
    busy, of_kind = Counter(owner for owner, _ in running), Counter(running)
    free = [(pk, owner) for pk, owner, kind in queued if owner is None or of_kind[owner, kind] < limit]
    started = of_cluster.filter(owner__in={owner for _, owner in free if owner is not None})
    last = dict(started.order_by().values_list("owner").annotate(at=Max("started_at")))
    last[None] = of_cluster.filter(owner=None).aggregate(at=Max("started_at"))["at"]

    def place(job: tuple[int, int | None]) -> tuple:
        pk, owner = job
        at = last.get(owner)
        return busy[owner], at is not None, at.timestamp() if at else 0.0, pk

    return min(free, key=place)[0] if free else None


def workers(cluster: str) -> int:
    return settings.Q_CLUSTER["ALT_CLUSTERS"][cluster]["workers"]
