"""Some threads that do one kind of work at the same time; memory follows their number, not that of the items."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_LOOK = 0.5  # seconds between looks whether someone wants it to stop


class Worker(Protocol[Item, Result]):
    def do(self, item: Item) -> Result:
        """The work on one item, in this worker's own thread."""

    def close(self) -> None:
        """The last thing that is called, in the same thread."""


class Stopped(Exception):
    """Raised in workers when the work is over before its end."""


class Stop:
    """Tells workers that nobody wants their work any more."""

    def __init__(self):
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        if self._event.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, and raise Stopped as soon as that is asked for."""
        if self._event.wait(seconds):
            raise Stopped


def spread(
    items: Iterable[Item], make: Callable[[], Worker[Item, Result]], *, n: int, stop: Stop, look: Callable[[], None]
) -> Iterator[tuple[Item, Result]]:
    """(item, result) of each, as they come; `n` threads, each with a worker of its own.

    `look` is called here now and then and may raise. What it raises, or a worker or the caller does, ends the
    other threads before it goes on its way.
    """
    asked: Queue = Queue()
    done: Queue = Queue()
    threads = [threading.Thread(target=_run, args=(make, asked, done), daemon=True) for _ in range(n)]
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
            item, result, error = _next(done, look)
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


def _next(done: Queue, look: Callable[[], None]):
    while True:
        look()
        try:
            return done.get(timeout=_LOOK)
        except Empty:
            continue


def _run(make: Callable[[], Worker], asked: Queue, done: Queue) -> None:
    worker = None
    try:
        while (item := asked.get()) is not _END:
            try:
                worker = worker or make()
                done.put((item, worker.do(item), None))
            except BaseException as error:
                done.put((item, None, error))
    finally:
        if worker is not None:
            worker.close()
