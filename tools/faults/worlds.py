"""The worlds that faults happen in: a desk with one kind of database and storage, and a running experiment."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2
from cryptography.fernet import Fernet

from tests.assets.servers import program, ssh, swift
from tests.assets.servers.ports import end, free_port, wait
from tests.servers import Server

from .desk import QUICK, Desk
from .experiment import LiveExperiment
from .proxy import Proxy

DISK = "200m"  # of the world whose disk fills up


class World:
    """`desk`, `source`, and what faults of some kinds need; None where this world has no such part.

    `lines`: {name: Proxy} between the desk and what it depends on.
    """

    def __init__(self, name: str, folder: Path, stack: ExitStack):
        self.name, self.folder, self.stack = name, folder, stack
        self.desk: Desk
        self.source: LiveExperiment
        self.lines: dict[str, Proxy] = {}
        self.site_server: Server | None = None
        self.redis: Redis | None = None
        self.storage: Path | None = None  # a folder
        self.disk: Path | None = None  # a small file system
        self.clock: Path | None = None  # a file that says how many seconds the desk's clock is ahead

    def set_clock(self, ahead: int) -> None:
        """Let the desk's clock be so many seconds ahead."""
        part = self.clock.with_suffix(".part")
        part.write_text(str(ahead))
        part.replace(self.clock)


class Redis:
    def __init__(self, folder: Path):
        self.port, self._folder = free_port(), folder
        self.start()

    def start(self) -> None:
        words = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        log = self._folder / "redis.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen([*words, str(self._folder)], stdout=out, stderr=out)
        wait(self.process, self.port, log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def names() -> list[str]:
    """Return the worlds that a run uses by default."""
    return [name for name in _MAKERS if name != "plain"]


def missing(name: str) -> str | None:
    """Return why a world cannot be made on this machine, as a sentence; None: it can."""
    for path in _NEEDS.get(name, ()):
        if not (program(str(path)) or Path(path).exists()):
            return f"{path} is not installed"
    return None


@contextmanager
def world(name: str, *, rate: float, seed: int, settings: str = QUICK) -> Iterator[World]:
    """Yield a running World; everything that it started ends with it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"faults-{name}-")))
        made = World(name, folder, stack)
        made.source = LiveExperiment(rate=rate, seed=seed)
        stack.callback(made.source.close)
        made.lines["the source"] = made.source.proxy
        environment = {
            "SECRET_KEY": secrets.token_hex(20),
            "MASTER_KEY": Fernet.generate_key().decode(),
            "HOME": str(folder),  # ~/.pgpass and ~/.ssh are not this user's
        }
        data = folder / "data"
        made.storage = data / "storage"
        hosts = 2 if name == "lab" else 1
        environment |= _MAKERS[name](made, folder)
        made.desk = Desk(made.disk / "data" if made.disk else data, environment, hosts=hosts, settings=settings)
        if made.disk:
            made.storage = made.disk / "data" / "storage"
        stack.callback(made.desk.stop)
        made.desk.start()
        done = made.desk.command("deployment", "add", made.source.url, "--label", "Faults")
        if done.returncode:
            raise RuntimeError(done.stderr)
        made.source.write()
        yield made


def _laptop(made: World, folder: Path) -> dict[str, str]:
    """SQLite and a folder; on a small disk of its own, where that is allowed. Its clock can be set."""
    made.clock = folder / "clock"
    made.set_clock(0)
    environment = {"FAULTS_CLOCK": str(made.clock)}
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", disk], capture_output=True).returncode:
        return environment
    made.stack.callback(subprocess.run, ["umount", "--lazy", disk], check=False)
    made.disk = disk
    return environment


def _lab(made: World, folder: Path) -> dict[str, str]:
    """PostgreSQL and Redis, a folder that two hosts share."""
    server = made.site_server = Server(in_memory=True)
    made.stack.callback(server.close)
    with closing(psycopg2.connect(server.socket_url())) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE site")
    line = made.lines["the site's database"] = Proxy(server.port)
    made.stack.callback(line.close)
    made.storage = folder / "shared"
    made.storage.mkdir()
    found = {
        "DATABASE_URL": server.url("site").replace(f":{server.port}/", f":{line.port}/"),
        "STORAGE_URL": f"file://{made.storage}",
    }
    if program("redis-server"):
        made.redis = Redis(folder)
        made.stack.callback(lambda: end(made.redis.process))
        found["REDIS_URL"] = f"redis://127.0.0.1:{made.redis.port}/0"
    return found


def _s3(made: World, folder: Path) -> dict[str, str]:
    """SQLite, and Swift as an S3 storage."""
    server = swift.Swift()
    made.stack.callback(server.close)
    server.client().create_bucket(Bucket="faults")
    line = made.lines["the storage"] = Proxy(server.port)
    made.stack.callback(line.close)
    made.storage = None
    return {
        "STORAGE_URL": server.url("faults", "desk").replace(f":{server.port}", f":{line.port}"),
        "AWS_ACCESS_KEY_ID": swift.KEY,
        "AWS_SECRET_ACCESS_KEY": swift.SECRET,
    }


def _sftp(made: World, folder: Path) -> dict[str, str]:
    """SQLite, and a folder behind OpenSSH as the storage."""
    server = ssh.SSHServer()
    made.stack.callback(server.close)
    line = made.lines["the storage"] = Proxy(server.port)
    made.stack.callback(line.close)
    made.storage = folder / "far"
    made.storage.mkdir()
    known = folder / ".ssh" / "known_hosts"
    known.parent.mkdir(mode=0o700)
    known.write_text(server.known_hosts.replace(f":{server.port} ", f":{line.port} ") + "\n")
    return {
        "STORAGE_URL": server.url(made.storage).replace(f":{server.port}/", f":{line.port}/"),
        "SSH_KEY": str(server.key_file),
    }


_MAKERS = {"plain": lambda made, folder: {}, "laptop": _laptop, "lab": _lab, "s3": _s3, "sftp": _sftp}
_NEEDS = {"s3": swift.PROGRAMS, "sftp": ssh.PROGRAMS}


def copy_of_data(made: World) -> Path:
    """Copy DATA_DIR while everything writes, as a backup program does; return the copy."""
    copy = made.folder / f"copy-{secrets.token_hex(4)}"
    subprocess.run(["cp", "-r", made.desk.folder, copy], check=False, capture_output=True)  # files vanish meanwhile
    for lock in copy.glob("*.lock"):
        lock.unlink()
    return copy


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def room(folder: Path) -> int:
    """Return the free bytes."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
