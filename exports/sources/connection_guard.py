"""Watch the connections of a capture: nobody must wait for them, and none of them must wait forever."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import psycopg2
from psycopg2.extensions import connection as Connection

LOOK_EVERY = 0.25  # seconds between checks whether someone waits for us
# After so many seconds without an answer the network counts as dead. The server has ten seconds for an answer; a
# tunnel or proxy may keep a connection alive that nobody serves any more.
SILENT_AFTER = 45.0
_SESSION = "SET search_path = pg_catalog; SET statement_timeout = '10s'"
_WAITING = """
SELECT count(*) FROM pg_locks w
 WHERE NOT w.granted AND w.pid <> ALL (%(ours)s) AND pg_blocking_pids(w.pid) && %(ours)s
"""


class Guard:
    """Checks whether anyone waits for our backends, and terminates those at once: a cancel would miss an idle one.

    `gave_way`: someone waited. `lost`: the guard's own connection broke, so it could not see anyone waiting. `silent`:
    no answer arrived. After each of these the guarded connections are dead.
    """

    def __init__(self, connection: Connection, guarded: list[Connection]):
        self.gave_way = self.lost = self.silent = False
        self._connection = connection
        self._guarded = guarded
        self._pids = [one.info.backend_pid for one in guarded]
        self._heard_at = monotonic()
        self._over = threading.Event()
        self._unwanted = threading.Event()
        self._looking = threading.Thread(target=self._watch, name="guard", daemon=True)
        self._listening = threading.Thread(target=self._listen, name="guard's guard", daemon=True)

    def start(self) -> None:
        self._looking.start()
        self._listening.start()

    def stop(self) -> None:
        self._over.set()
        self._looking.join()
        self._listening.join()

    def end(self) -> None:
        """Stop what the guarded connections do; they are terminated at the next check."""
        self._unwanted.set()

    def _watch(self) -> None:
        try:
            with self._connection.cursor() as cursor:
                while not self._over.wait(LOOK_EVERY):
                    if not self._unwanted.is_set():
                        cursor.execute(_WAITING, {"ours": self._pids})
                        self.gave_way = cursor.fetchone()[0] > 0
                        self._heard_at = monotonic()
                    if self.gave_way or self._unwanted.is_set():
                        self._cut(self._guarded)
                        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", (self._pids,))
                        return
        except psycopg2.Error:
            self.lost = True
            self._cut(self._guarded)

    def _listen(self) -> None:
        while self._looking.is_alive():
            self._looking.join(1.0)
            if monotonic() - self._heard_at > SILENT_AFTER:
                self.silent = True
                self._cut([*self._guarded, self._connection])
                return

    def _cut(self, connections: list[Connection]) -> None:
        """Shut the connections down; code that waits for an answer on one gets an error."""
        for connection in connections:
            with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def guarded(connection: Connection, others: list[Connection]) -> Iterator[Guard]:
    """Yield a running Guard for `others`, which uses a connection of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
    guard = Guard(connection, others)
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
