"""The source: a PostgreSQL behind a proxy, to which made-up participants write without a pause."""

import threading
from contextlib import closing, suppress

import psycopg2
from django.conf import settings

from psynetdata.psynet.problems import Problem
from tests.servers import Server
from tools.simulator import Simulator, create

from .proxy import Proxy

DATABASE = "postgres"
if not settings.configured:
    settings.configure(LOCAL_ADDRESSES=True)  # the only one that a connection to a source needs


class LiveExperiment:
    """`url` is what the desk knows. The writer comes back by itself when the server does."""

    def __init__(self, *, rate: float, seed: int):
        self.server = Server(in_memory=True)
        self.proxy = Proxy(self.server.port)
        self.url = self.server.url(DATABASE).replace(f":{self.server.port}/", f":{self.proxy.port}/")
        self._rate, self._seed = rate, seed
        self._stop, self._thread = threading.Event(), None
        with closing(psycopg2.connect(self.server.socket_url(DATABASE))) as connection:
            self.deployment_id = create(connection)

    def write(self) -> None:
        """Begin to write, in a thread."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stop writing; the current transaction is finished. Raises RuntimeError if there was no writer any more."""
        has_died = self._thread and not (self._stop.is_set() or self._thread.is_alive())
        self._stop.set()
        if self._thread:
            self._thread.join(60)
        if has_died:
            raise RuntimeError("Nothing was written to the source any more, so nothing was tested.")

    def counts(self) -> dict[str, int]:
        """Return {table: rows}."""
        with closing(psycopg2.connect(self.server.socket_url(DATABASE))) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            tables = [row[0] for row in cursor.fetchall()]
            found = {}
            for table in tables:
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                found[table] = cursor.fetchone()[0]
        return found

    def end_backends(self) -> int:
        """End every connection of the desk, as an administrator may."""
        with closing(psycopg2.connect(self.server.socket_url(DATABASE))) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name LIKE 'psynetdata%' AND application_name NOT LIKE '%simulate'"
            )
            return cursor.fetchone()[0]

    def close(self) -> None:
        self._stop.set()
        self.pause()
        self.proxy.close()
        self.server.close()

    def _write(self) -> None:
        while not self._stop.is_set():
            with suppress(Problem, psycopg2.Error):
                # Another seed each time: what a crash took back is not written again.
                self._seed += 1
                with Simulator(self.server.socket_url(DATABASE), seed=self._seed) as simulator:
                    simulator.run(rate=self._rate, stop=self._stop)
            self._stop.wait(0.5)
