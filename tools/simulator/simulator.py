"""Runs the made-up experiment: people join, see trials, answer, finish, fail; each step is a transaction."""

from collections import deque
from collections.abc import Callable
from random import Random
from threading import Event
from time import perf_counter

import psycopg2.errors
from psycopg2.extensions import connection as Connection

from exports.sources import postgres
from psynetdata.psynet.problems import Conflict

from .creation import is_ours, launch_of, mark
from .person import Person
from .table_writer import Rows
from .trial_kinds import find_kinds

KEPT_LATENCIES = 1_000_000
REPORT_EVERY = 10.0  # seconds
_JOINS = 0.25  # how often somebody new joins instead of somebody continuing, while there is room


class Simulator:
    """One writer on its own connection; not for use by two threads at once.

    `target`: a postgres:// address as text or parsed, or a psycopg2 connection that nobody else uses in the meantime.
    `participants` are in the experiment at a time. The same `seed` on the same database gives the same ids and answers;
    times come from the clock. Raises BadInput for a database that is not PsyNet's, Conflict for one with participants
    that it did not make (unless `into_existing`), and what exports.sources.postgres raises. After an error, make a new
    one.
    """

    def __init__(
        self,
        target: str | postgres.Address | Connection,
        *,
        participants: int = 20,
        seed: int | str | None = None,
        into_existing: bool = False,
    ):
        self.latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)  # seconds from BEGIN to COMMIT, the latest
        self.counts = dict.fromkeys(("participants", "trials", "responses", "finished", "failed"), 0)
        self.transactions = 0
        self.worst = 0.0  # seconds
        self.seconds = 0.0  # spent in run()
        self._room = participants
        self._people: list[Person] = []
        self._owned, self._had_autocommit = not isinstance(target, Connection), False
        self._address = _address_of(target)
        self.connection = postgres.connect(self._address, name="psynetdata simulate") if self._owned else target
        try:
            with postgres.translated_errors(self._address), self.connection:
                self._rows = Rows(self.connection)
                self._take_possession(into_existing)
                # Another run with the same seed must not make the same people again.
                newest = self._rows.select("SELECT coalesce(max(id), 0) FROM participant")[0][0]
                self._rng = Random(None if seed is None else f"{seed}:{newest}")
                self._kinds = find_kinds(self._rows)
            self._had_autocommit = self.connection.autocommit
            self.connection.autocommit = True
        except BaseException:
            self.close()
            raise

    def step(self) -> None:
        """Run one transaction, completely or not at all."""
        begun = perf_counter()
        with postgres.translated_errors(self._address):
            person = self._next()
            person.step(self._rows)
            self._rows.flush()
        took = perf_counter() - begun
        if person.done:
            self._people.remove(person)
        self.latencies.append(took)
        self.worst = max(self.worst, took)
        self.transactions += 1

    def run(
        self,
        *,
        rate: float | None,
        seconds: float | None = None,
        stop: Event | None = None,
        report: Callable[["Simulator"], None] | None = None,
    ) -> None:
        """Run steps at `rate` a second (None: as fast as possible), for `seconds` or until `stop` is set.

        A late step does not delay the ones after it. `report` is called every ten seconds.
        """
        stop = stop or Event()
        begun = perf_counter()
        before, done, reported = self.seconds, 0, begun
        while not stop.is_set():
            now = perf_counter()
            due = begun + done / rate if rate else now
            if seconds is not None and max(now, due) >= begun + seconds:
                break
            if due > now and stop.wait(due - now):
                break
            self.step()
            done += 1
            self.seconds = before + perf_counter() - begun
            if report and perf_counter() - reported >= REPORT_EVERY:
                reported = perf_counter()
                report(self)

    def summary(self) -> dict:
        """Return counts of created rows, transactions, and their latencies in milliseconds."""
        ordered = sorted(self.latencies)
        at = (lambda share: round(1000 * ordered[int(share * (len(ordered) - 1))], 3)) if ordered else (lambda _: None)
        return {
            **self.counts,
            "transactions": self.transactions,
            "seconds": round(self.seconds, 3),
            "rate": round(self.transactions / self.seconds, 2) if self.seconds else None,
            "latency_ms": {"median": at(0.5), "p95": at(0.95), "worst": round(1000 * self.worst, 3)},
        }

    def close(self) -> None:
        """Close the connection if it was made here; otherwise leave it as it was."""
        if self._owned:
            self.connection.close()
        elif not self.connection.closed:
            self.connection.autocommit = self._had_autocommit

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def _next(self) -> Person:
        if not self._people or (len(self._people) < self._room and self._rng.random() < _JOINS):
            self._people.append(Person(self._rng, self._rng.choice(self._kinds), self.counts))
            return self._people[-1]
        return self._rng.choice(self._people)

    def _take_possession(self, into_existing: bool) -> None:
        """Check that a mistyped address does not mix made-up data into real data. Raises Conflict."""
        if into_existing or is_ours(self._rows):
            return
        if self._rows.select("SELECT EXISTS (SELECT 1 FROM participant)")[0][0]:
            raise Conflict(
                f"{self._address.label} holds participants that the simulator did not make; "
                "--into-existing adds made-up ones among them."
            )
        self._rows.execute("SAVEPOINT marking")
        try:
            mark(self._rows, launch_of(self._rows))
        except psycopg2.errors.InsufficientPrivilege:
            # Only the table's owner can make the note; without it the next run needs --into-existing.
            self._rows.execute("ROLLBACK TO SAVEPOINT marking")


def _address_of(target: str | postgres.Address | Connection) -> postgres.Address:
    if isinstance(target, str):
        return postgres.parse(target)
    if isinstance(target, postgres.Address):
        return target
    told = target.info
    return postgres.Address(told.host or "localhost", told.port, told.dbname, told.user)
