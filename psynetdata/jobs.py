"""Long work: the Job row decides, django-q2 only carries `run(job_id)`.

A job is taken by compare-and-swap of its state, counts its attempts at the start, beats while it
runs and polls for cancel. What django-q2 does when workers die or tasks run twice (it starts a task
again that outlives `retry`, forgets attempts of killed workers, has no cancel) does not matter here.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import Error, close_old_connections, connection, transaction
from django.db.models import F, Min, Q
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from .infra.leftovers import sweep
from .infra.outages import Outage, outage
from .models import Beat, Job
from .psynet.problems import Cancelled, Conflict, Problem

logger = logging.getLogger(__name__)

FAST, SLOW = "fast", "slow"
LOOK_EVERY = 1.0  # seconds between looks for cancel
BEAT_EVERY = 5.0  # seconds between heartbeats
STALE_AFTER = timedelta(seconds=60)
STANDS_STILL_AFTER = timedelta(minutes=3)
SENT_AGAIN_AFTER = timedelta(minutes=2)
SAVE_EVERY = 0.5  # seconds between writes of progress


@dataclass(frozen=True)
class Kind:
    function: Callable[["Running"], dict | None]
    cluster: str
    max_attempts: int
    kept: timedelta | None = None


_kinds: dict[str, Kind] = {}
_each_minute: list[Callable[[], None]] = []


def handler(kind: str, *, cluster: str, max_attempts: int = 3, kept: timedelta | None = None):
    """Decorator: the function that does jobs of this kind; it gets a Running, may return the job's result.

    `kept`: how long rows of jobs that are over stay (see `forget`); None: for ever.
    """

    def register(function):
        if kind in _kinds:
            raise ValueError(f"two handlers for jobs of kind {kind}")
        _kinds[kind] = Kind(function, cluster, max_attempts, kept)
        return function

    return register


def each_minute(function: Callable[[], None]) -> Callable[[], None]:
    """Decorator: `tick` calls the function; it must be short and send jobs for what is long."""
    _each_minute.append(function)
    return function


class Running:
    """A job in the hands of the function that does it."""

    def __init__(self, job: Job, on_progress: Callable[[Job], None] | None = None):
        self.job = job
        self.options = job.options
        self._on_progress = on_progress
        self._saved_at = 0.0
        self.cancelled = threading.Event()
        self.beaten_at = timezone.now()
        self.lapsed = False

    def check(self) -> None:
        """Raise Cancelled if someone asked for it; call it once per block of work, and before what cannot be undone.

        Raises Conflict where the heart stood still for so long that others took this job for dead.
        """
        if self.cancelled.is_set():
            raise Cancelled(f"{str(self.job).capitalize()} was cancelled.")
        if self.lapsed or timezone.now() - self.beaten_at > STALE_AFTER:
            raise Conflict(f"{str(self.job).capitalize()} stood still and was taken for dead; it is tried again later.")

    def beaten(self) -> None:
        """The heartbeat was written just now."""
        now = timezone.now()
        self.lapsed = self.lapsed or now - self.beaten_at > STALE_AFTER
        self.beaten_at = now

    def progress(self, phase: str, done: int = 0, total: int | None = None, counts: dict | None = None) -> None:
        """Tell how far the work is; written to the row at most every half second, and at each new phase.

        `counts`: {what: [done, of how many]} in this phase, where `done` and `total` are of another unit.
        """
        self.check()
        job = self.job
        new_phase = phase != job.phase
        job.phase, job.done, job.total, job.counts = phase, done, total, counts
        if new_phase or monotonic() - self._saved_at >= SAVE_EVERY or done == total:
            self._saved_at = monotonic()
            Job.objects.filter(pk=job.pk, run_token=job.run_token).update(
                phase=phase, done=done, total=total, counts=counts
            )
            if self._on_progress:
                self._on_progress(job)


def submit(kind: str, *, options: dict | None = None, deployment=None, owner=None) -> Job:
    """A queued job, sent to its cluster when the current transaction commits."""
    job = _create(kind, options, deployment, owner)
    transaction.on_commit(lambda: _send(job))
    return job


def prepare(kind: str, *, options: dict | None = None, deployment=None, owner=None) -> Job:
    """A job that the caller will `run` in this process.

    One attempt: whoever started it sees it fail, and no worker should take it up later.
    """
    return _create(kind, options, deployment, owner, max_attempts=1)


def run_here(kind: str, *, options: dict | None = None, deployment=None, owner=None, on_progress=None) -> Job:
    """Do the job in this process, with the same row, beats and cancel. Problems are raised to the caller."""
    job = prepare(kind, options=options, deployment=deployment, owner=owner)
    run(job.pk, on_progress=on_progress, raise_problems=True)
    job.refresh_from_db()
    return job


def cancel(job: Job) -> bool:
    """Ask a job to stop: a queued one is over at once, a running one at its next look. False if it is over already."""
    now = timezone.now()
    queued = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
    if queued.update(
        state=Job.State.CANCELLED, cancel_requested=True, finished_at=now, reason="Cancelled before it began."
    ):
        return True
    return bool(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_requested=True))


def run(job_id: int, *, on_progress=None, raise_problems: bool = False) -> None:
    """Take the job and do it. Returns at once when another delivery has it, or when it is over."""
    job = _take(job_id)
    if job is None:
        return
    kind = _kinds[job.kind]
    running = Running(job, on_progress)
    try:
        with _beating(running):
            result = kind.function(running)
    except Cancelled as problem:
        _finish(job, Job.State.CANCELLED, reason=problem.sentence)
        if raise_problems:
            raise
    except Problem as problem:
        _finish(job, Job.State.FAILED, reason=problem.sentence, result={"problem": type(problem).__name__})
        if raise_problems:
            raise
    except BaseException as error:  # a timeout is a SystemExit; the row must say so whatever it was
        trouble = outage(error)
        if trouble:
            _give_up(job, trouble, leave=trouble.passes and not raise_problems)
            if raise_problems:
                raise trouble from error
            return
        logger.exception("job %s failed", job_id)
        _finish(
            job,
            Job.State.FAILED,
            reason=f"An unexpected {type(error).__name__}; the log of job {job_id} has the details.",
        )
        raise
    else:
        _finish(job, Job.State.DONE, result=result or {})


def sweep_leftovers() -> int:
    """Remove from TEMP_DIR what killed jobs left there; return how many files and folders."""
    active = Job.objects.filter(state__in=Job.ACTIVE)
    return sweep(active.aggregate(oldest=Min("created_at"))["oldest"])


def tick() -> None:
    """Once a minute: show life, hand jobs whose worker died to another or fail them at last, sweep what they left."""
    beat(FAST)
    _ask_for_beat(SLOW)
    stale_since = timezone.now() - STALE_AFTER
    stale = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=stale_since)
    for job in stale.filter(attempts__lt=F("max_attempts")):
        if _swap(job, Job.State.QUEUED, phase="waiting for another worker"):
            _send(job)
    for job in stale.filter(attempts__gte=F("max_attempts")):
        _swap(
            job,
            Job.State.FAILED,
            finished_at=timezone.now(),
            reason=_died(job.attempts),
        )
    # What was on its way is lost with a killed cluster, a restarted Redis or another SECRET_KEY; a job must not be.
    for job in Job.objects.filter(state=Job.State.QUEUED, created_at__lt=timezone.now() - SENT_AGAIN_AFTER):
        if not Job.objects.filter(cluster=job.cluster, state=Job.State.RUNNING).exists():
            _send(job)
    sweep_leftovers()
    for function in _each_minute:
        try:
            function()
        except Exception:  # one that fails must not keep the others from their minute
            logger.exception("%s.%s failed", function.__module__, function.__name__)


def forget(now: datetime | None = None) -> int:
    """Delete the rows of jobs that were over long ago, of kinds that come by the minute; how many."""
    now = now or timezone.now()
    old = Q()
    for kind, known in _kinds.items():
        if known.kept is not None:
            old |= Q(kind=kind, finished_at__lt=now - known.kept)
    return Job.objects.filter(old).delete()[0] if old else 0


def beat(cluster: str) -> None:
    """A worker of the cluster lives."""
    Beat.objects.update_or_create(cluster=cluster, defaults={"at": timezone.now()})


def standing_still() -> list[str]:
    """Clusters that neither showed life for three minutes nor have a job whose heart beats.

    Their processes may all be alive: a worker killed while it held the queue's lock stops its whole cluster.
    """
    since = timezone.now() - STANDS_STILL_AFTER
    alive = set(Beat.objects.filter(at__gte=since).values_list("cluster", flat=True))
    alive |= set(Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__gte=since).values_list("cluster", flat=True))
    return [cluster for cluster in (FAST, SLOW) if cluster not in alive]


def _ask_for_beat(cluster: str) -> None:
    """Send the cluster a beat to do, one at a time, so that a cluster that stands still collects no heap of them."""
    now = timezone.now()
    row, _ = Beat.objects.get_or_create(cluster=cluster, defaults={"at": now})
    if row.asked_at is None or row.asked_at <= row.at or row.asked_at < now - timedelta(minutes=10):
        Beat.objects.filter(cluster=cluster).update(asked_at=now)
        async_task("psynetdata.jobs.beat", cluster, cluster=cluster)


def ensure_schedule() -> None:
    """The one schedule there is: `tick`, each minute, on the fast cluster. Called where workers are started."""
    for cluster in (FAST, SLOW):
        beat(cluster)
    Schedule.objects.update_or_create(
        name="tick",
        defaults={"func": "psynetdata.jobs.tick", "schedule_type": Schedule.MINUTES, "minutes": 1, "cluster": FAST},
    )


def _create(kind: str, options, deployment, owner, max_attempts: int | None = None) -> Job:
    known = _kinds[kind]
    return Job.objects.create(
        kind=kind,
        cluster=known.cluster,
        max_attempts=max_attempts or known.max_attempts,
        options=options or {},
        deployment=deployment,
        owner=owner if getattr(owner, "is_authenticated", False) else None,
    )


def _send(job: Job) -> None:
    async_task("psynetdata.jobs.run", job.pk, cluster=job.cluster, task_name=f"job {job.pk}")


def _take(job_id: int) -> Job | None:
    """Compare-and-swap: queued, or running with a heart that stopped, becomes ours."""
    now = timezone.now()
    free = Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
    token = uuid.uuid4().hex
    taken = Job.objects.filter(free, pk=job_id, attempts__lt=F("max_attempts")).update(
        state=Job.State.RUNNING,
        run_token=token,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        reason="",
    )
    return Job.objects.get(pk=job_id) if taken else None


def _swap(job: Job, state: str, **fields) -> bool:
    """Move a running job on, only if it still is in the hands that we saw it in."""
    same = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, run_token=job.run_token)
    return bool(same.update(state=state, **fields))


def _died(attempts: int) -> str:
    if attempts == 1:
        return "The process that did it died; start it again."
    return f"Its worker died {attempts} times; the worker's log may say why (memory, most often)."


def _finish(job: Job, state: str, **fields) -> None:
    if not _swap(job, state, finished_at=timezone.now(), **fields):
        logger.warning("job %s ended here after another worker had taken it over", job.pk)


def _give_up(job: Job, trouble: Outage, *, leave: bool) -> None:
    """The machine stopped the work. With `leave` the row stays as it is, its heart stopped, for `tick` to hand on."""
    close_old_connections()  # the one that broke would stay broken
    if leave:
        logger.warning("job %s stopped and waits for another worker: %s", job.pk, trouble.sentence)
    else:
        _finish(job, Job.State.FAILED, reason=trouble.sentence)


@contextmanager
def _beating(running: Running):
    """Beat and look for cancel from a thread of its own, so that long C calls do not stop the heart."""
    over = threading.Event()

    def beat():
        mine = Job.objects.filter(pk=running.job.pk, state=Job.State.RUNNING, run_token=running.job.run_token)
        try:
            beaten_at = monotonic()
            while not over.wait(LOOK_EVERY):
                try:
                    if not mine.filter(cancel_requested=False).exists():
                        running.cancelled.set()
                    if monotonic() - beaten_at >= BEAT_EVERY:
                        mine.update(heartbeat_at=timezone.now())
                        running.beaten()
                        beaten_at = monotonic()
                except Error:  # the database is away or full for a while; a heart that stops is taken for dead
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"beat of job {running.job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
