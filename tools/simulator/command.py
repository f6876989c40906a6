import json
import os
import signal
from contextlib import contextmanager
from threading import Event

from exports.sources import postgres
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.management.cli import Interrupted
from psynetdata.psynet.problems import UsageError
from tools.simulator import Simulator, create

NAME = "psynetdata simulate"


class Command(BaseCommand):
    help = "Write to a PostgreSQL database with PsyNet's tables as a running experiment does: made-up participants."

    def add_arguments(self, parser):
        parser.add_argument("url", help="Where: postgres://user[:password]@host[:port]/database.")
        parser.add_argument("--password-env", metavar="NAME", help="The environment variable that holds the password.")
        parser.add_argument("--rate", type=float, default=5.0, help="Transactions a second (5).")
        parser.add_argument("--seconds", type=float, help="For how long; without it until Ctrl-C.")
        parser.add_argument("--participants", type=int, default=20, metavar="N", help="How many at a time (20).")
        parser.add_argument("--seed", help="The same seed on the same database gives the same ids and answers.")
        parser.add_argument("--create", action="store_true", help="First make PsyNet's tables in the empty database.")
        parser.add_argument(
            "--deployment-id", metavar="ID", help="With --create: the launch's id; by default a new one."
        )
        parser.add_argument(
            "--into-existing", action="store_true", help="Also if there are participants that it did not make."
        )
        parser.add_argument("--json", action="store_true", help="The summary as JSON, as the last line.")

    def run(self, *, url: str, rate: float, seconds: float | None, **options):
        _check(rate=rate, seconds=seconds, participants=options["participants"])
        if options["deployment_id"] and not options["create"]:
            raise UsageError("--deployment-id is for --create; a database that has tables already has an id.")
        address = _address(url, options["password_env"])
        if options["create"]:
            with postgres.connected(address, name=NAME) as connection:
                self.stdout.write(f"deployment {create(connection, deployment_id=options['deployment_id'])}")
        people = {name: options[name] for name in ("participants", "seed", "into_existing")}
        with Simulator(address, **people) as simulator, _stopped_by_signal() as (stop, number):
            simulator.run(rate=rate, seconds=seconds, stop=stop, report=self._report)
        summary = simulator.summary()
        self.stdout.write(json.dumps(summary) if options["json"] else _sentence(summary))
        if number and seconds is not None:
            raise Interrupted(number[0])

    def _report(self, simulator: Simulator) -> None:
        self.stdout.write(_sentence(simulator.summary()))
        self.stdout.flush()


def _sentence(told: dict) -> str:
    latency = told["latency_ms"]
    return (
        f"{told['seconds']:.0f} s: {told['participants']} participants ({told['finished']} finished, "
        f"{told['failed']} failed), {told['trials']} trials, {told['transactions']} transactions; "
        f"a transaction took {latency['median']} ms (median), {latency['p95']} ms (95 %), {latency['worst']} ms (worst)"
    )


def _check(**numbers: float | None) -> None:
    for name, number in numbers.items():
        if number is not None and not 0 < number < float("inf"):
            raise UsageError(f"--{name} must be a number above 0.")


def _address(url: str, password_env: str | None) -> postgres.Address:
    address = postgres.parse(url)
    if password_env is None:
        return address
    if not os.environ.get(password_env):
        raise UsageError(f"--password-env names {password_env}, which is not set in the environment.")
    return address.with_password(os.environ[password_env])


@contextmanager
def _stopped_by_signal():
    """Yield (Event, list). Ctrl-C sets the event and appends its number; a second one interrupts as usual.

    Thus the current transaction is finished, and the summary counts what is there.
    """
    stop, number = Event(), []
    before = {}

    def set_stop(signum, frame) -> None:
        number.append(signum)
        stop.set()
        restore()

    def restore() -> None:
        for signum, handler in before.items():
            signal.signal(signum, handler)

    for signum in (signal.SIGINT, signal.SIGTERM):
        before[signum] = signal.signal(signum, set_stop)
    try:
        yield stop, number
    finally:
        restore()
