"""Long-running jobs: the Job row holds their state, django-q2 only delivers `run(job_id)`.

A job is taken by compare-and-swap of its state, counts its attempts at the start, writes a heartbeat
while it runs and polls for cancel. So it does not matter what django-q2 does when workers die or tasks
run twice (it restarts a task that takes longer than `retry`, forgets attempts of killed workers, and cannot cancel).
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
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from . import clusters
from .database_version import check_not_newer
from .infra import sqlite_log
from .infra.clock import steady
from .infra.leftovers import sweep
from .infra.log_format import log_ids
from .infra.outages import Outage, outage
from .job_turns import next_in_turn
from .models import Job
from .psynet.problems import Cancelled, Conflict, Problem

logger = logging.getLogger(__name__)

FAST, SLOW, MIRROR = clusters.CLUSTERS
HERE = "here"  # not a cluster: jobs that the caller runs itself
LOOK_EVERY = 1.0  # seconds between checks for cancel
BEAT_EVERY = 5.0  # seconds between heartbeats
STALE_AFTER = timedelta(seconds=60)
SENT_AGAIN_AFTER = timedelta(seconds=30)
SAVE_EVERY = 0.5  # seconds between writes of progress


@dataclass(frozen=True)
class Kind:
    function: Callable[["Running"], dict | None]
    cluster: str
    max_attempts: int
    kept: timedelta | None = None
    unchecked: bool = False


_kinds: dict[str, Kind] = {}
_each_minute: list[tuple[Callable[[], None], bool]] = []
_checks: list[Callable[[], object]] = []
_at_start: list[Callable[[], None]] = []
_after_each: list[Callable[[Job], None]] = []


def handler(kind: str, *, cluster: str, max_attempts: int = 3, kept: timedelta | None = None, unchecked: bool = False):
    """Decorator for the function that runs jobs of this kind; it gets a Running and may return the job's result.

    `kept`: how long rows of finished jobs are kept (see `forget`); None: forever. `unchecked`: jobs that neither read
    nor write the storage, such as alarms, run even if `check_ready` raises.
    """

    def register(function):
        if kind in _kinds:
            raise ValueError(f"two handlers for jobs of kind {kind}")
        _kinds[kind] = Kind(function, cluster, max_attempts, kept, unchecked)
        return function

    return register


def each_minute(function: Callable[[], None], *, unchecked: bool = False) -> Callable[[], None]:
    """Decorator for a function that `tick` calls; it must be short and submit jobs for longer work."""
    _each_minute.append((function, unchecked))
    return function


def before_each(check: Callable[[], object]) -> Callable[[], object]:
    """Decorator for a function that raises a Problem while no job may work at all."""
    _checks.append(check)
    return check


def after_each(function: Callable[[Job], None]) -> Callable[[Job], None]:
    """Decorator for a function that is called with each job that is done; if it fails, the job is done nevertheless."""
    _after_each.append(function)
    return function


def why_not_ready() -> Problem | None:
    """Return what `check_ready` raises; None also during an outage, which each job reports by itself."""
    try:
        check_ready()
    except Problem as problem:
        return problem
    except Exception:
        return None
    return None


def at_start(function: Callable[[], None]) -> Callable[[], None]:
    """Decorator for a function that is called when the workers are started."""
    _at_start.append(function)
    return function


def check_ready() -> None:
    """Raise the Problem because of which no job may work now, if there is one."""
    check_not_newer()
    for check in _checks:
        check()


class Running:
    """A running job, as passed to the function that does the work."""

    def __init__(self, job: Job, on_progress: Callable[[Job], None] | None = None):
        self.job = job
        self.options = job.options
        self._on_progress = on_progress
        self._saved_at = 0.0
        self.cancelled = threading.Event()
        self.beaten_at = steady()
        self.lapsed = False

    def check(self) -> None:
        """Raise Cancelled if that was requested. Call it once per block of work, and before irreversible steps.

        Raises Conflict if there was no heartbeat for so long that other workers considered this job dead.
        """
        if self.cancelled.is_set():
            raise Cancelled(f"{str(self.job).capitalize()} was cancelled.")
        if self.lapsed or self._silence() > STALE_AFTER:
            raise Conflict(f"{str(self.job).capitalize()} did not respond for too long; it will be tried again later.")

    def mine(self) -> QuerySet[Job]:
        """Return the job's row; nothing if another worker has taken the job over."""
        return Job.objects.filter(pk=self.job.pk, state=Job.State.RUNNING, run_token=self.job.run_token)

    def beaten(self) -> None:
        """Note that the heartbeat was written just now."""
        self.lapsed = self.lapsed or self._silence() > STALE_AFTER
        self.beaten_at = steady()

    def _silence(self) -> timedelta:
        """Return how long ago the last heartbeat was, whatever was done to the clock since."""
        return timedelta(seconds=steady() - self.beaten_at)

    def progress(self, phase: str, done: int = 0, total: int | None = None, counts: dict | None = None) -> None:
        """Report progress; it is written to the row at most every half second, and at each new phase.

        `counts`: {unit: [done, total]} in this phase, if `done` and `total` have another unit.
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
    """Return a queued job, which is sent to its cluster when the current transaction commits."""
    job = _create(kind, options, deployment, owner)
    transaction.on_commit(lambda: _send(job))
    return job


def prepare(kind: str, *, options: dict | None = None, deployment=None, owner=None) -> Job:
    """Return a job that the caller will `run` in this process.

    It has one attempt: the user sees it fail, and no worker should try it again later.
    """
    return _create(kind, options, deployment, owner, max_attempts=1, cluster=HERE)


def run_here(kind: str, *, options: dict | None = None, deployment=None, owner=None, on_progress=None) -> Job:
    """Run a job in this process, also with a row, heartbeats and cancel, and return it. Raises its Problems."""
    job = prepare(kind, options=options, deployment=deployment, owner=owner)
    run(job.pk, on_progress=on_progress, raise_problems=True)
    job.refresh_from_db()
    return job


def cancel(job: Job) -> bool:
    """Ask a job to stop: a queued one ends at once, a running one at its next check. False if it is already over."""
    now = timezone.now()
    queued = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
    if queued.update(
        state=Job.State.CANCELLED, cancel_requested=True, finished_at=now, reason="Cancelled before it started."
    ):
        return True
    return bool(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_requested=True))


def run(job_id: int, *, on_progress=None, raise_problems: bool = False) -> None:
    """Take the job and run it. Returns immediately if another worker has it, or if it is over."""
    job = _take(job_id)
    if job is None:
        return
    with log_ids(job=job.pk):
        _run(job, on_progress, raise_problems)


def run_in_turn(job_id: int) -> None:
    """Run the job whose turn it is in the cluster that got this job; afterwards it is the turn of another one.

    This is what a worker of the slow cluster does with each task: the queue delivers in the order of requests, but
    people take turns.
    """
    cluster = Job.objects.filter(pk=job_id).values_list("cluster", flat=True).first()
    if cluster is None:
        return
    try:
        # A job that is not queued is taken only if its worker died.
        chosen = next_in_turn(cluster)
        if chosen is not None or Job.objects.filter(pk=job_id, state=Job.State.RUNNING).exists():
            run(chosen or job_id)
    finally:
        _send_next(cluster)  # of a person who had to wait


def _run(job: Job, on_progress: Callable[[Job], None] | None, raise_problems: bool) -> None:
    kind = _kinds[job.kind]
    running = Running(job, on_progress)
    try:
        with _beating(running):
            if not kind.unchecked:
                check_ready()
            result = kind.function(running)
    except Cancelled as problem:
        _finish(job, Job.State.CANCELLED, reason=problem.sentence)
        if raise_problems:
            raise
    except Problem as problem:
        _finish(job, Job.State.FAILED, reason=problem.sentence, result={"problem": type(problem).__name__})
        if raise_problems:
            raise
    except BaseException as error:  # a timeout is a SystemExit; the row must show every kind of failure
        trouble = outage(error)
        if trouble:
            _give_up(job, trouble, leave=trouble.passes and not raise_problems)
            if raise_problems:
                raise trouble from error
            return
        logger.exception("job %s failed", job.pk)
        _finish(
            job,
            Job.State.FAILED,
            reason=f"An unexpected {type(error).__name__}; the log of job {job.pk} has the details.",
        )
        raise
    else:
        _call_after(job)
        _finish(job, Job.State.DONE, result=result or {})


def sweep_leftovers() -> int:
    """Remove from TEMP_DIR what killed jobs left there; return how many files and folders."""
    active = Job.objects.filter(state__in=Job.ACTIVE)
    return sweep(active.aggregate(oldest=Min("created_at"))["oldest"])


def tick() -> None:
    """Run once a minute: give signs of life, give jobs of dead workers to others (or fail them), delete leftovers."""
    clusters.beat(FAST)
    clusters.mend_times()
    clusters.mend_jobs()
    for cluster in clusters.CLUSTERS:
        if cluster != FAST:
            clusters.ask_for_beat(cluster)
    _reassign_stale()
    _send_lost_again()
    sweep_leftovers()
    sqlite_log.shorten()
    _call_each_minute(unchecked=True)
    if problem := why_not_ready():
        logger.error("no work is begun: %s", problem.sentence)
    else:
        _call_each_minute(unchecked=False)
    clusters.ticked()


def _reassign_stale() -> None:
    """Give jobs of dead workers to others; fail those whose attempts are used up."""
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


def _send_lost_again() -> None:
    """Send queued jobs whose message is lost: by a killed cluster, a restarted Redis or a new SECRET_KEY.

    A message that a worker has taken but not begun counts as lost too; `run` returns from the second one.
    """
    since = timezone.now() - SENT_AGAIN_AFTER
    queued = Job.objects.filter(cluster__in=clusters.CLUSTERS, state=Job.State.QUEUED, created_at__lt=since)
    waiting: dict[str, set[str]] = {}
    for job in queued:
        if job.cluster not in waiting:
            waiting[job.cluster] = clusters.waiting_tasks(job.cluster)
        if _task_name(job) not in waiting[job.cluster]:
            _send(job)


def _call_each_minute(*, unchecked: bool) -> None:
    for function in [one for one, anyway in _each_minute if anyway == unchecked]:
        try:
            function()
        except Exception:  # if one function fails, the others must still run
            logger.exception("%s.%s failed", function.__module__, function.__name__)


def _call_after(job: Job) -> None:
    for function in _after_each:
        try:
            function(job)
        except Exception:
            logger.exception("%s.%s failed after job %s", function.__module__, function.__name__, job.pk)


def forget(now: datetime | None = None) -> int:
    """Delete the rows of old finished jobs, of kinds that run very often, and return their number."""
    now = now or timezone.now()
    old = Q()
    for kind, known in _kinds.items():
        if known.kept is not None:
            old |= Q(kind=kind, finished_at__lt=now - known.kept)
    return Job.objects.filter(old).delete()[0] if old else 0


def prepare_start() -> None:
    """Check that jobs may work, and create the schedule of `tick`. Called when workers are started. Raises Problem."""
    check_ready()
    for function in _at_start:
        function()
    clusters.ensure_schedule()


def _create(kind: str, options, deployment, owner, max_attempts: int | None = None, cluster: str = "") -> Job:
    known = _kinds[kind]
    return Job.objects.create(
        kind=kind,
        cluster=cluster or known.cluster,
        max_attempts=max_attempts or known.max_attempts,
        options=options or {},
        deployment=deployment,
        owner=owner if getattr(owner, "is_authenticated", False) else None,
    )


def _send(job: Job) -> None:
    function = "run_in_turn" if job.cluster == SLOW else "run"
    clusters.send(f"psynetdata.jobs.{function}", job.pk, cluster=job.cluster, task_name=_task_name(job))


def _send_next(cluster: str) -> None:
    """Send the job whose turn it is again; a message without a job to run does nothing."""
    waiting = next_in_turn(cluster)
    if waiting is not None:
        _send(Job.objects.get(pk=waiting))


def _task_name(job: Job) -> str:
    return f"job {job.pk}"


def _take(job_id: int) -> Job | None:
    """Take a job that is queued, or running without a heartbeat, by compare-and-swap. None if that fails."""
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
    """Change a running job's state, but only if the same worker still has it."""
    same = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, run_token=job.run_token)
    return bool(same.update(state=state, **fields))


def _died(attempts: int) -> str:
    if attempts == 1:
        return "Its process died; start it again."
    return f"Its worker died {attempts} times; the worker's log may show why (usually memory)."


def _finish(job: Job, state: str, **fields) -> None:
    if not _swap(job, state, finished_at=timezone.now(), **fields):
        logger.warning("job %s ended here after another worker had taken it over", job.pk)


def _give_up(job: Job, trouble: Outage, *, leave: bool) -> None:
    """End a job after an outage. With `leave` its row stays, without heartbeat, so that `tick` reassigns it."""
    close_old_connections()  # a broken connection would stay broken
    if leave:
        logger.warning("job %s stopped and waits for another worker: %s", job.pk, trouble.sentence)
    else:
        _finish(job, Job.State.FAILED, reason=trouble.sentence)


@contextmanager
def _beating(running: Running):
    """Write heartbeats and check for cancel in a separate thread, so that long C calls do not stop them."""
    over = threading.Event()

    def beat():
        mine = running.mine()
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
                except Error:  # the database is unreachable or full for a while; without heartbeats the job is dead
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
