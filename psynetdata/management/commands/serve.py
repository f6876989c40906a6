import io
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError

from psynetdata import clusters, jobs, sealing
from psynetdata.infra.private_files import make_private
from psynetdata.infra.supervisor import Child, Supervisor, only_one
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import Problem

SAMPLE = Path(__file__).resolve().parents[2] / "sample"


class Command(BaseCommand):
    help = "Run everything: web server, the clusters of workers, and a watchdog. Ctrl-C stops them all."

    def add_arguments(self, parser):
        parser.add_argument(
            "--sample", action="store_true", help="On the first run, load the bundled sample experiment."
        )
        parser.add_argument(
            "--only", choices=["web", "workers"], help="Run only one half, if the other half runs elsewhere."
        )
        parser.add_argument("--threads", type=int, default=32, help="Requests that are served at the same time.")

    def run(self, *, sample: bool, threads: int, only: str | None, **options):
        with only_one(settings.DATA_DIR / (f"serve-{only}.lock" if only else "serve.lock")):
            self._make_private()
            # `--only workers` leaves migrations to the web server's half, and jobs fail until that has run them.
            password = None if only == "workers" else self._prepare(sample)
            sealing.master_key()
            jobs.prepare_start()
            connections.close_all()
            children = [] if only == "workers" else [_web(threads)]
            children += [] if only == "web" else [_cluster(name) for name in clusters.CLUSTERS]
            # After a clock was set back, the tick waits for the time that the clock showed before.
            supervisor = Supervisor(children, each_watch=_quietly(clusters.mend_times))
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: supervisor.stop.set())
            if only == "workers":
                self.stdout.write("psynetdata: the workers are running. Ctrl-C stops them.")
                self.stdout.flush()
            else:
                self._announce(password)
            supervisor.run()
            self.stdout.write("Stopped.")

    def _make_private(self) -> None:
        """Correct the permissions that earlier versions left."""
        local = isinstance(default_storage, FileSystemStorage)
        for path in make_private(settings.DATA_DIR, Path(default_storage.location) if local else None):
            self.warn(f"Other users of this machine may be able to read {path}; take that right away (chmod go=).")

    def _prepare(self, sample: bool) -> str | None:
        """Migrate the databases; on the first run also create an account, and return its password."""
        _check_port(settings.HOST, settings.PORT)
        call_command("migrate", verbosity=0, interactive=False)
        jobs.check_ready()
        if get_user_model().objects.exists():
            return None
        if sample:
            self._load_sample()
        # Last, so that an interrupted first run is still a first run when it is repeated.
        return _first_sign_in()

    def _load_sample(self) -> None:
        self.stdout.write("Loading the bundled sample experiment …")
        self.stdout.flush()
        try:
            call_command("load", str(SAMPLE / "database.zip"), assets=str(SAMPLE / "assets"), stdout=io.StringIO())
        except Problem as problem:
            self.stderr.write(f"The sample could not be loaded; everything else works. {problem.sentence}")

    def _announce(self, password: str | None) -> None:
        host = "localhost" if settings.HOST in ("127.0.0.1", "0.0.0.0", "::") else settings.HOST
        self.stdout.write(f"\npsynetdata: http://{host}:{settings.PORT}/")
        if password:
            self.stdout.write(f"Sign in as admin with the password {password}")
            self.stdout.write("This password is shown only once. `manage.py changepassword admin` sets another one.")
            self.stdout.write(
                f"Print the recovery sheet and keep it on paper: http://{host}:{settings.PORT}/admin/recovery/, or "
                "`manage.py recovery-sheet`."
            )
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
    """Create the first account and return its password."""
    password = secrets.token_urlsafe(12)
    get_user_model().objects.create_superuser("admin", password=password)
    return password


def _web(threads: int) -> Child:
    # gthread, because a sync worker is killed during a slow client's download, and blocks all other clients.
    command = [sys.executable, "-m", "gunicorn", "psynetdata.wsgi", "--bind", f"{settings.HOST}:{settings.PORT}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", str(threads), "--timeout", "120"]
    # Its control socket is in the user's home folder, where two runs would conflict.
    command += ["--no-control-socket", "--worker-tmp-dir", str(settings.TEMP_DIR)]
    # A filter with a list of ids makes a long URL.
    command += ["--limit-request-line", "8190", "--log-level", "warning", "--chdir", str(settings.BASE_DIR)]
    return Child("the web server", command)


def _cluster(name: str) -> Child:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
    return Child(
        f"the {name} cluster",
        command,
        environment={"Q_CLUSTER_NAME": name},
        stands_still=_quietly(lambda: name in clusters.standing_still()),
        on_start=_quietly(lambda: clusters.beat(name)),
    )


def _quietly(question: Callable[[], bool | None]) -> Callable[[], bool]:
    """Wrap a question to the database; the answer is False if it cannot be reached, so that nothing is killed."""

    def ask() -> bool:
        try:
            return bool(question())
        except OperationalError:
            return False
        finally:
            connections.close_all()

    return ask
