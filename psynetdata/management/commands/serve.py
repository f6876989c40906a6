import io
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError

from psynetdata import jobs
from psynetdata.infra.supervisor import Child, Supervisor, only_one
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import Problem

SAMPLE = Path(__file__).resolve().parents[2] / "sample"


class Command(BaseCommand):
    help = "Run everything: web server, both clusters of workers, and the watchdog over them. Ctrl-C stops it all."

    def add_arguments(self, parser):
        parser.add_argument(
            "--sample", action="store_true", help="On the first run, load the bundled sample experiment."
        )
        parser.add_argument(
            "--only", choices=["web", "workers"], help="One half of it, where the other one runs somewhere else."
        )
        parser.add_argument("--threads", type=int, default=32, help="Requests that are served at the same time.")

    def run(self, *, sample: bool, threads: int, only: str | None, **options):
        with only_one(settings.DATA_DIR / (f"serve-{only}.lock" if only else "serve.lock")):
            # Workers by themselves leave the databases to the web server's half, and fail until it has seen to them.
            password = None if only == "workers" else self._prepare(sample)
            jobs.ensure_schedule()
            connections.close_all()
            children = [] if only == "workers" else [_web(threads)]
            children += [] if only == "web" else [_cluster(jobs.FAST), _cluster(jobs.SLOW)]
            supervisor = Supervisor(children)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: supervisor.stop.set())
            if only == "workers":
                self.stdout.write("psynetdata: the workers run. Ctrl-C stops them.")
                self.stdout.flush()
            else:
                self._announce(password)
            supervisor.run()
            self.stdout.write("Stopped.")

    def _prepare(self, sample: bool) -> str | None:
        """The databases at the current structure, and on the first run somebody who can sign in: the password."""
        _check_port(settings.HOST, settings.PORT)
        call_command("migrate", verbosity=0, interactive=False)
        if get_user_model().objects.exists():
            return None
        if sample:
            self._load_sample()
        # Last, so that a first run that was cut short is still the first one when it is tried again.
        return _first_sign_in()

    def _load_sample(self) -> None:
        self.stdout.write("Loading the bundled sample experiment …")
        self.stdout.flush()
        try:
            call_command("load", str(SAMPLE / "database.zip"), assets=str(SAMPLE / "assets"), stdout=io.StringIO())
        except Problem as problem:
            self.stderr.write(f"The sample could not be loaded, all else works. {problem.sentence}")

    def _announce(self, password: str | None) -> None:
        host = "localhost" if settings.HOST in ("127.0.0.1", "0.0.0.0", "::") else settings.HOST
        self.stdout.write(f"\npsynetdata: http://{host}:{settings.PORT}/")
        if password:
            self.stdout.write(f"Sign in as admin with the password {password}")
            self.stdout.write("It is shown this once. `manage.py changepassword admin` sets another.")
        self.stdout.write("Ctrl-C stops it.\n\n")
        self.stdout.flush()


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Problem(
                f"Port {port} on {host} cannot be used ({error.strerror}); "
                f"choose another, like PORT={port + 1} make run."
            ) from None


def _first_sign_in() -> str:
    """Make the first account; its password."""
    password = secrets.token_urlsafe(12)
    get_user_model().objects.create_superuser("admin", password=password)
    return password


def _web(threads: int) -> Child:
    # gthread: a sync worker is killed in the middle of a slow client's download, and blocks everyone else.
    command = [sys.executable, "-m", "gunicorn", "psynetdata.wsgi", "--bind", f"{settings.HOST}:{settings.PORT}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", str(threads), "--timeout", "120"]
    # Its control socket lies in the user's home, where two runs would meet.
    command += ["--no-control-socket", "--worker-tmp-dir", str(settings.TEMP_DIR)]
    # A list of ids to filter by makes a long address.
    command += ["--limit-request-line", "8190", "--log-level", "warning", "--chdir", str(settings.BASE_DIR)]
    return Child("the web server", command)


def _cluster(name: str) -> Child:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
    return Child(
        f"the {name} cluster",
        command,
        environment={"Q_CLUSTER_NAME": name},
        stands_still=_quietly(lambda: name in jobs.standing_still()),
        on_start=_quietly(lambda: jobs.beat(name)),
    )


def _quietly(question: Callable[[], bool | None]) -> Callable[[], bool]:
    """Ask the database; one that cannot be reached is no reason to end anything."""

    def ask() -> bool:
        try:
            return bool(question())
        except OperationalError:
            return False
        finally:
            connections.close_all()

    return ask
