"""Runs tasks in several processes on this machine.

Workers are forked, so shared objects (`context`: an anonymizer, the identifiers to search for) are created once
and need memory only once. If fork is not available (anything but Linux: the system libraries of macOS do not
support it) or one process is enough, tasks run in the calling process.

A worker must not use a database: the connections that it inherits belong to its parent.
"""

import gc
import multiprocessing
import os
import pickle  # nosec B403  # between processes of one program
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from psynetdata.psynet.problems import Problem

LOOK_EVERY = 0.25  # seconds between calls of `check_cancelled` while workers work
_FORKS = sys.platform == "linux"


class WorkerDied(Problem):
    """A worker was killed from outside, usually because no memory was left."""

    status = 503


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """`each` runs tasks; the functions get the pool's context as their first argument."""

    def __init__(self, context: Any, workers: list["_Worker"], check_cancelled: Callable[[], None]):
        self._context = context
        self._workers = workers
        self._check_cancelled = check_cancelled

    def each(self, function: Callable[[Any, Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the result of each task as it is ready; the next task is taken only when a worker is free.

        `function` must be defined at a module's top level. Its exceptions are raised here. Tasks and results should be
        small, because they are pickled. Raises WorkerDied if a worker was killed.
        """
        if not self._workers:
            for task in tasks:
                self._check_cancelled()
                yield function(self._context, task)
            return
        waiting = iter(tasks)
        busy: dict[Connection, _Worker] = {}
        free = list(self._workers)
        while True:
            while free and (task := next(waiting, waiting)) is not waiting:
                worker = free.pop()
                worker.send(function, task)
                busy[worker.pipe] = worker
            if not busy:
                return
            for pipe in wait(list(busy), timeout=LOOK_EVERY):
                worker = busy.pop(pipe)
                result = worker.result()
                free.append(worker)
                yield result
            self._check_cancelled()


@contextmanager
def pool(processes: int, context: Any = None, *, check_cancelled: Callable[[], None] = lambda: None) -> Iterator[Pool]:
    """Return a Pool of workers, which end with it. `check_cancelled` is called regularly and may raise an exception to
    stop."""
    workers: list[_Worker] = []
    try:
        if processes > 1 and _FORKS:
            gc.freeze()  # so that a worker's garbage collections do not copy shared memory
            try:
                for _ in range(processes):
                    workers.append(_Worker(context, [other.pipe for other in workers]))
            finally:
                gc.unfreeze()
        yield Pool(context, workers, check_cancelled)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    def __init__(self, context: Any, others: list[Connection]):
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe()
        # Not a daemon in multiprocessing's sense: a worker of django-q, which is one, could not have such children.
        self._process = fork.Process(target=_run_worker, args=(theirs, [self.pipe, *others], context), daemon=False)
        self._process.start()
        theirs.close()

    def send(self, function: Callable, task: Any) -> None:
        try:
            self.pipe.send((function, task))
        except BrokenPipeError:
            self._report_death()

    def result(self) -> Any:
        try:
            done, value, where = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._report_death()
        if done:
            return value
        value.add_note(f"In a worker:\n{where}")
        raise value

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()

    def _report_death(self) -> None:
        self._process.join()
        raise WorkerDied(
            f"A worker process was killed from outside (status {self._process.exitcode}); the "
            "machine may have run out of memory. Try again with fewer processes (--n_parallel 1)."
        )


def _run_worker(pipe: Connection, parents: list[Connection], context: Any) -> None:
    """Run tasks in a worker until the pipe closes or the parent dies."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends its workers
    for inherited in parents:
        inherited.close()  # otherwise the parent's death would not be noticed
    threading.Thread(target=_die_with_parent, daemon=True).start()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)  # tens of thousands of rows are processed, without reference cycles
    while True:
        try:
            function, task = pipe.recv()
        except EOFError:
            os._exit(0)
        try:
            answer = True, function(context, task), ""
        except BaseException as error:  # the parent raises any exception again
            answer = False, _sendable(error), traceback.format_exc()
        pipe.send(answer)


def _sendable(error: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(error))  # nosec B301  # written in the same line
    except Exception:
        return RuntimeError(f"an unexpected {type(error).__name__}")
    return error


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
