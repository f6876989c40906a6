"""OpenSSH's own server and its sftp-server, for the user that runs the tests, with keys made for the occasion."""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from . import program
from .ports import children, end, free_port, wait

PACKAGES = ("openssh-server", "openssh-sftp-server", "openssh-client")
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
PROGRAMS = ("sshd", "ssh-keygen", SFTP_SERVER)


class SSHServer:
    """`key`: the private key that opens it, as text; `known_hosts`: the line that names its host key.

    `home` is what its users take for their home, `path` where their commands are looked for first; `more` are lines of
    its configuration.
    """

    def __init__(self, *, home: Path | None = None, path: Path | None = None):
        self._home, self._path, self.more = home, path, ""
        self.folder = Path(tempfile.mkdtemp(prefix="sshd-"))
        self.port, self.user = free_port(), getpass.getuser()
        self._process: subprocess.Popen | None = None
        try:
            self.key_file = self._keygen("key")
            self.key = self.key_file.read_text()
            self._host_key = self._keygen("host")
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, folder: Path) -> str:
        return f"sftp://{self.user}@127.0.0.1:{self.port}{folder}"

    @property
    def known_hosts(self) -> str:
        kind, key, *_ = self._host_key.with_suffix(".pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}"

    def change_host_key(self) -> None:
        """Start again with another key, as after an attack, or a new installation."""
        end(self._process)
        self._host_key = self._keygen("host-2")
        self.start()

    def stop(self) -> None:
        """The host is gone, and with it who is logged in; `start()` brings it back."""
        for child in children(self._process.pid):
            with suppress(ProcessLookupError):  # with the one before
                os.kill(child, signal.SIGKILL)
        end(self._process)

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self._host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {self.key_file.with_suffix('.pub')}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
            f"Subsystem sftp {SFTP_SERVER}{f' -d {self._home}' if self._home else ''}\n{self._environment()}"
            f"{self.more}"
        )
        log = self.folder / "log"
        with log.open("ab") as out:
            # sshd starts itself again for each connection, by the path it was called by.
            command = [program("sshd"), "-D", "-e", "-f", str(config)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait(self._process, self.port, log)

    def _environment(self) -> str:
        told = {"HOME": self._home, "PATH": f"{self._path}:/usr/bin:/bin" if self._path else None}
        words = [f'"{name}={value}"' for name, value in told.items() if value]
        return f"SetEnv {' '.join(words)}\n" if words else ""

    def close(self) -> None:
        end(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _keygen(self, name: str, passphrase: str = "") -> Path:
        path = self.folder / name
        command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path
