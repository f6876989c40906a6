"""The system's OpenSSH client as a child process: one login, in which commands run and a port is forwarded.

It is ended by its process id, whatever happens; if this process is killed, a shell that waits for that ends it
(`_ENDS_IT`).
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import BinaryIO

from django.conf import settings

from exports.sources.base import Access
from exports.sources.postgres import Unreachable
from psynetdata import credentials
from psynetdata.psynet.problems import Problem

from . import errors
from .address import SshServer

CONNECT_TIMEOUT = 15  # seconds
_READY_WITHIN = 40.0  # seconds, including login, name look-up and jump hosts
_COMMAND_TIMEOUT = 60.0
_LOOK_EVERY = 0.02
_TOLD = 16_384  # bytes of ssh's messages that are read
# The longest name of a socket, 104 bytes on some systems, minus what ssh and PostgreSQL append to the folder's name.
_LONGEST_FOLDER = 80
_PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")
# Waits until nobody holds the other end of its stdin, which means that this process is gone.
_ENDS_IT = 'cat > /dev/null; kill "$1"; rm -rf -- "$2"'
_OPTIONS = {
    "BatchMode": "yes",
    "PreferredAuthentications": "publickey",
    # Only hosts in the deployment's own file are trusted, whatever the user's configuration says.
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "VerifyHostKeyDNS": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "CheckHostIP": "no",
    "UpdateHostKeys": "no",
    "HashKnownHosts": "no",
    "ConnectTimeout": str(CONNECT_TIMEOUT),
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    "ExitOnForwardFailure": "yes",
    "StreamLocalBindMask": "0177",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RequestTTY": "no",
    "ControlPersist": "no",
    "LogLevel": "INFO",
}


@dataclass(frozen=True)
class SshConnection:
    """An open login. `folder` is private to it."""

    server: SshServer
    folder: Path
    _process: subprocess.Popen
    _options: list[str]

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stderr_text(self) -> str:
        """Return what ssh has written so far."""
        return _stderr_text(self.folder)

    def forward(self, host: str, port: int) -> Path:
        """Return a folder with a PostgreSQL socket that leads to a port as seen from the server."""
        place = f"[{host}]" if ":" in host else host
        spec = f"{self.folder}/.s.PGSQL.5432:{place}:{port}"
        done = self._run(["-O", "forward", "-L", spec, "--", self.server.host])
        if done.returncode:
            raise Unreachable(f"{self.server.label}: the SSH connection could not forward a port.")
        return self.folder

    def output(self, command: str) -> bytes:
        """Return what a command on the server prints. Raises errors.Failed if its exit status is not 0."""
        done = self._run(["--", self.server.host, command])
        if done.returncode:
            raise errors.Failed(done.returncode, done.stderr[:_TOLD].decode(errors="replace"))
        return done.stdout

    @contextmanager
    def streamed(self, command: str) -> Iterator[BinaryIO]:
        """Yield the command's output while it runs. Raises Unreachable after the body if the connection was cut."""
        arguments = [*self._to_it, "--", self.server.host, command]
        with subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **_apart()
        ) as process:
            try:
                yield process.stdout
                process.stdout.close()
                if process.wait(_COMMAND_TIMEOUT) or not self.alive:
                    raise Unreachable(f"{self.server.label}: the SSH connection was cut in the middle.")
            finally:
                _end(process)

    @property
    def _to_it(self) -> list[str]:
        # If the login is gone, ssh would make another one by itself; these options prevent it.
        return ["ssh", *self._options, "-o", "ControlMaster=no", "-o", "ProxyCommand=false"]

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess:
        try:
            return subprocess.run(
                [*self._to_it, *arguments],
                stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_COMMAND_TIMEOUT, **_apart(),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{self.server.label}: the server does not answer; it is tried again later.") from None


@contextmanager
def connected(server: SshServer, access: Access) -> Iterator[SshConnection]:
    """Yield a login, ended afterwards. Raises Unreachable, Refused, and Problem if a key cannot be read."""
    with private_folder() as folder:
        key = key_file(access.key, folder)
        (folder / "known_hosts").write_text(access.known_hosts.strip() + "\n", encoding="ascii", errors="replace")
        options = [*options_for(server, key), "-o", f"UserKnownHostsFile={folder}/known_hosts"]
        options += ["-o", f"ControlPath={folder}/c"]
        with (folder / "said").open("wb") as stderr:
            arguments = ["ssh", "-N", "-o", "ControlMaster=yes", "-o", "ClearAllForwardings=yes", *options]
            process = start([*arguments, "--", server.host], stderr=stderr)
        with ended(process, folder):
            _wait(process, folder, server, key)
            yield SshConnection(server, folder, process, options)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder of mode 0700, with a name short enough for sockets in it and plain enough for ssh's options."""
    base = str(settings.TEMP_DIR)
    fits = len(base) + len("/ssh-12345678") <= _LONGEST_FOLDER and _PLAIN.fullmatch(base)
    base = base if fits else tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ssh-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def key_file(reference: str, folder: Path) -> str:
    """Return the path of a reference's private key; "" if there is none: then the agent and the user's keys count."""
    kind, _, path = reference.partition(":")
    if not reference:
        return ""
    text = credentials.reveal(reference)
    if kind == "file":
        return path
    target = folder / "key"
    target.touch(mode=0o600)
    target.write_text(text.strip() + "\n")
    return str(target)


def options_for(server: SshServer, key: str) -> list[str]:
    options = [part for name, value in _OPTIONS.items() for part in ("-o", f"{name}={value}")]
    if key:
        options += ["-o", "IdentitiesOnly=yes", "-i", key]
    return [*options, "-p", str(server.port), "-l", server.user]


def start(arguments: list[str], **streams) -> subprocess.Popen:
    try:
        return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **streams, **_apart())
    except FileNotFoundError:
        raise Problem("The program ssh is not installed on this machine; install OpenSSH's client.") from None


@contextmanager
def ended(process: subprocess.Popen, folder: Path) -> Iterator[None]:
    """End the process after the body, and also if this process is killed."""
    watcher = None
    try:
        arguments = ["sh", "-c", _ENDS_IT, "sh", str(process.pid), str(folder)]
        watcher = subprocess.Popen(arguments, stdin=subprocess.PIPE, start_new_session=True)
        yield
    finally:
        if watcher is not None:
            _end(watcher, kill=True)
            watcher.stdin.close()
        _end(process)


def _end(process: subprocess.Popen, *, kill: bool = False) -> None:
    if process.poll() is None:
        process.kill() if kill else process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen, folder: Path, server: SshServer, key: str) -> None:
    """Wait until the login is open."""
    deadline = monotonic() + _READY_WITHIN
    while not (folder / "c").exists():
        if process.poll() is not None:
            raise errors.not_connected(server, _stderr_text(folder), key)
        if monotonic() > deadline:
            raise Unreachable(f"{server.place}: no login within {_READY_WITHIN:.0f} seconds; it is tried again later.")
        sleep(_LOOK_EVERY)


def _stderr_text(folder: Path) -> str:
    with (folder / "said").open("rb") as file:
        return file.read(_TOLD).decode(errors="replace")


def _apart() -> dict:
    """Return options for a session of its own, so that Ctrl-C reaches only us, and for messages in English."""
    quiet = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SSH_ASKPASS")}
    return {"start_new_session": True, "env": quiet | {"LC_ALL": "C"}}
