"""One PostgreSQL server in a temporary folder: a unix socket in it, and a port on the loopback address.

Over TCP it asks for a password (SCRAM), over the socket it does not. It trades safety for speed: what a crash
of the machine would cost does not matter here. It ends with `close()`, by the id of its own process.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2

from .install import binaries

USER = "postgres"
PASSWORD = "password"
_READY_WITHIN = 60.0  # seconds
_MEMORY = Path("/dev/shm")  # a file system in memory, on Linux
_MEMORY_NEEDED = 4 << 30  # bytes; containers often have 64 MiB
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "shared_buffers": "32MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Server:
    """A server of the given version (18 or 12), running from the start; also a context manager.

    `in_memory` keeps its data in memory where the machine has room: making a database, hundreds of files, then
    takes a twentieth of the time. Benchmarks leave it out. `settings` are the server's own, by name.

    A pickled copy has its addresses and can neither start nor stop it.
    """

    stop_signal = signal.SIGQUIT

    def __init__(self, version: int = 18, *, in_memory: bool = False, **settings: str):
        self.version = version
        self.settings = _SETTINGS | settings
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data_folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_MEMORY)) if in_memory and _room() else self.folder
        self._log = self.folder / "log"
        self._process: subprocess.Popen | None = None
        try:
            self._user = _own_user(self.folder, self._data_folder)
            self._binaries = _reachable(binaries(version), self.folder) if self._user else binaries(version)
            self._initialize()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        """By TCP, with the password in it, as a user would type it."""
        return f"postgres://{quote(user)}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str = "postgres") -> str:
        """By the unix socket, as the superuser, without a password."""
        return f"postgres://{USER}@{quote(str(self.folder), safe='')}:{self.port}/{database}"

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_process": None}

    @property
    def pids(self) -> list[int]:
        return [self.pid]

    @property
    def folders(self) -> tuple[Path, Path]:
        return self._data_folder, self.folder

    def start(self) -> None:
        """Start, on the same port as before where there was one; returns when it takes connections."""
        self.port = getattr(self, "port", None) or _free_port()
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self.folder), f"-p{self.port}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_user
            )
        self.pid = self._process.pid
        self._wait()

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT cuts connections and shuts down in order, SIGQUIT at once, as after a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(_READY_WITHIN)
        self._process = None

    def close(self) -> None:
        self.stop(how=self.stop_signal)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self._data_folder / "data"

    @property
    def _as_user(self) -> dict:
        """Options of subprocess that make the process another user's; PostgreSQL refuses to run as root."""
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _initialize(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        command = [self._binaries / "initdb", "-D", self._data, "-U", USER, "--pwfile", password, "--encoding=UTF8"]
        options = ["--no-locale", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, **self._as_user)
        if done.returncode:
            raise RuntimeError(f"initdb {self.version} failed:\n{done.stdout}{done.stderr}")

    def _wait(self) -> None:
        """Until it answers. The server has no other sign of being ready that versions share."""
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL {self.version} did not start:\n{self._log.read_text()}")
            try:
                psycopg2.connect(self.socket_url()).close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.02)


def _own_user(*folders: Path) -> pwd.struct_passwd | None:
    """A user without rights, who then owns the folders; None where we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    for folder in folders:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return user


def _reachable(programs: Path, folder: Path) -> Path:
    """The programs' folder, or a copy of the whole install where only root may walk to it."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    copy = folder / "install"
    shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / programs.name


def _room() -> bool:
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
