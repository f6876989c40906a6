"""Threads that do one kind of work at the same time; memory depends on their number, not on that of the items."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_LOOK = 0.5  # seconds between checks whether to stop


class Worker(Protocol[Item, Result]):
    def do(self, item: Item) -> Result:
        """Do the work on one item, in this worker's own thread."""

    def close(self) -> None:
        """The last call, in the same thread."""


class Stopped(Exception):
    """Raised in workers when the work is stopped before its end."""


class Stop:
    """Signals workers to stop."""

    def __init__(self):
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        if self._event.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait; raise Stopped as soon as a stop is requested."""
        if self._event.wait(seconds):
            raise Stopped


def run_in_threads(
    items: Iterable[Item],
    make_worker: Callable[[], Worker[Item, Result]],
    *,
    n: int,
    stop: Stop,
    check_cancelled: Callable[[], None],
) -> Iterator[tuple[Item, Result]]:
    """Yield (item, result) of each, in any order; `n` threads, each with its own worker.

    `check_cancelled` is called here regularly and may raise. An exception from it, from a worker or from the caller
    ends the other threads before it is raised.
    """
    asked: Queue = Queue()
    done: Queue = Queue()
    threads = [threading.Thread(target=_run, args=(make_worker, asked, done), daemon=True) for _ in range(n)]
    for thread in threads:
        thread.start()
    waiting, source = 0, iter(items)
    try:
        while True:
            while waiting < 2 * n and (item := next(source, _END)) is not _END:
                asked.put(item)
                waiting += 1
            if not waiting:
                return
            item, result, error = _next(done, check_cancelled)
            waiting -= 1
            if error is not None:
                raise error
            yield item, result
    finally:
        if waiting:
            stop.set()
        for _ in threads:
            asked.put(_END)
        for thread in threads:
            thread.join()


_END = object()


def _next(done: Queue, check_cancelled: Callable[[], None]):
    while True:
        check_cancelled()
        try:
            return done.get(timeout=_LOOK)
        except Empty:
            continue


def _run(make_worker: Callable[[], Worker], asked: Queue, done: Queue) -> None:
    worker = None
    try:
        while (item := asked.get()) is not _END:
            try:
                worker = worker or make_worker()
                done.put((item, worker.do(item), None))
            except BaseException as error:
                done.put((item, None, error))
    finally:
        if worker is not None:
            worker.close()
