"""Stops an experimenter's method that would never end by itself."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import connections

_AGAIN = 1  # seconds; the exception is raised again in code that catches everything


class TookTooLong(BaseException):
    """Raised in the middle of the method's code. Not an Exception: a method that catches those must end too."""


@contextmanager
def time_limit(seconds: int, using: str) -> Iterator[None]:
    """Raise TookTooLong inside the block after `seconds`, and cancel a query that is running on `using`.

    This stops Python code and queries. A call into a C library ends only when that returns.
    """
    ours, done, lock = threading.get_ident(), threading.Event(), threading.Lock()
    raw = connections[using].connection

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            with lock:
                if done.is_set():
                    return
                _raise_in(ours, TookTooLong)
            with suppress(Exception):  # the method may have ended meanwhile, and with it the query
                raw.cancel() if hasattr(raw, "cancel") else raw.interrupt()  # PostgreSQL's connection, SQLite's
            wait = _AGAIN

    watcher = threading.Thread(target=watch, name="time limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            done.set()
            _raise_in(ours, None)  # one that was not delivered yet
        watcher.join()


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error)
    )
